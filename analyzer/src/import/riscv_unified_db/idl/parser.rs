//! The reader of tokens that the grammar is written with.

use model::diagnostic::{Diagnostic, Span};

use super::lexer::{Token, tokens};

/// Deepest nesting of expressions and blocks.
const MAX_DEPTH: u32 = 100;

pub(super) type Parsed<T> = Result<T, Diagnostic>;

pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    /// The text with its prose.
    pub(super) prose: &'t str,
    pub(super) span: Span,
    pub(super) tokens: Vec<(Token, Span)>,
    pub(super) at: usize,
    pub(super) depth: u32,
    /// Within `<…>`, where `>` ends the list.
    pub(super) in_template: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, span: Span) -> Parsed<Self> {
        let tokens = tokens(text, span)?;
        Ok(Self { text, prose: text, span, tokens, at: 0, depth: 0, in_template: false })
    }

    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    pub(super) fn here(&self) -> Span {
        self.tokens[self.at].1
    }

    pub(super) fn before(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    pub(super) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(m) if *m == mark)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w == word)
    }

    pub(super) fn eat(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expected(&self, what: &str) -> Diagnostic {
        let found = if *self.peek() == Token::End {
            "the end of the text".to_owned()
        } else {
            let (start, end) =
                (self.here().start - self.span.start, self.here().end - self.span.start);
            format!("`{}`", &self.text[start as usize..end as usize])
        };
        let error =
            Diagnostic::error("U011", self.here(), format!("expected {what}, found {found}"));
        error.label(format!("expected {what}"))
    }

    pub(super) fn need(&mut self, mark: &str) -> Parsed<()> {
        if self.eat(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    pub(super) fn word(&mut self, what: &str) -> Parsed<String> {
        let Token::Word(word) = self.peek() else { return Err(self.expected(what)) };
        let word = word.clone();
        self.at += 1;
        Ok(word)
    }

    pub(super) fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("this is nested more than {MAX_DEPTH} deep");
            return Err(Diagnostic::error("U011", self.here(), message));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// What stands in brackets, where `>` is an operator again.
    pub(super) fn bracketed<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.in_template, false);
        let result = self.deeper(rule);
        self.in_template = outer;
        result
    }
}
