//! Functions of the language, with the prose that stands between them.

use model::diagnostic::{Diagnostic, Span};

use super::ast::{Function, TypeName};
use super::lexer::Token;
use super::parser::{Parsed, Parser};

/// Parses the functions of a file; what else stands there is passed over.
pub(crate) fn functions(text: &str, span: Span) -> (Vec<Function>, Vec<Diagnostic>) {
    let blanked = without_prose(text);
    let mut parser = match Parser::new(&blanked, span) {
        Ok(parser) => parser,
        Err(error) => return (Vec::new(), vec![error]),
    };
    parser.prose = text;
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    while *parser.peek() != Token::End {
        if !parser.eat_word("function") {
            parser.at += 1;
            continue;
        }
        match parser.function() {
            Ok(function) => all.push(function),
            Err(error) => errors.push(error),
        }
    }
    (all, errors)
}

/// The text with blanks for what stands in `description { … }`, which is prose and no IDL.
fn without_prose(text: &str) -> String {
    const WORD: &str = "description";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(WORD) {
        let behind = &rest[at + WORD.len()..];
        let space = behind.len() - behind.trim_start().len();
        let open = at + WORD.len() + space;
        if !rest[open..].starts_with('{') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            continue;
        }
        let close = rest[open..].find('}').map_or(rest.len(), |it| open + it);
        out.push_str(&rest[..=open]);
        out.extend(rest[open + 1..close].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        rest = &rest[close..];
    }
    out + rest
}

impl Parser<'_> {
    /// Behind `function`.
    pub(super) fn function(&mut self) -> Parsed<Function> {
        let span = self.here();
        let mut name = self.word("the name of a function")?;
        if self.eat("?") {
            name.push('?');
        }
        self.need("{")?;
        if self.eat_word("template") {
            let message = "functions with templates are not read by this importer";
            return Err(Diagnostic::error("U011", self.before(), message));
        }
        let mut returns = None;
        if self.eat_word("returns") {
            returns = Some(self.type_name()?);
            if self.is_mark(",") {
                return Err(self.expected("one result"));
            }
        }
        let arguments = if self.eat_word("arguments") { self.parameters()? } else { Vec::new() };
        let description = if self.eat_word("description") { self.prose()? } else { String::new() };
        let body = if self.eat_word("body") { Some(self.block()?) } else { None };
        self.need("}")?;
        Ok(Function { name, span, returns, arguments, description, body })
    }

    fn parameters(&mut self) -> Parsed<Vec<(TypeName, String)>> {
        let mut all = Vec::new();
        loop {
            let of = self.type_name()?;
            all.push((of, self.word("a name")?));
            if !self.eat(",") {
                return Ok(all);
            }
        }
    }

    /// `{ … }` of prose, which was blanked.
    fn prose(&mut self) -> Parsed<String> {
        self.need("{")?;
        let start = self.before().end - self.span.start;
        self.need("}")?;
        let end = self.before().start - self.span.start;
        let prose = self.prose[start as usize..end as usize].split_whitespace();
        Ok(prose.collect::<Vec<_>>().join(" "))
    }
}
