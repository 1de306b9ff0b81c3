//! Expressions, in postfix order: evaluating and dropping them needs no recursion.

use model::diagnostic::Span;

use super::token::Token;
use super::{Checked, Wrong};

/// Deepest nesting of an expression.
const MAX_DEPTH: u32 = 64;

/// One step of an expression on a stack of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'t> {
    /// A number.
    Number(i128),
    /// What a name stands for.
    Name(&'t str),
    /// The address of the statement.
    Here,
    /// The address behind the statement.
    Next,
    /// An operator on one value.
    Unary(char),
    /// An operator on two values.
    Binary(&'t str),
}

/// An expression.
#[derive(Debug)]
pub(super) struct Expression<'t> {
    /// What is done, with the place of each name and operator.
    pub(super) items: Vec<(Item<'t>, Span)>,
    /// Where it stands.
    pub(super) span: Span,
    /// Whether `->` stands before it.
    pub(super) relative: bool,
}

/// A place in the tokens of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'c, 't> {
    tokens: &'c [(Token<'t>, Span)],
    /// Where the last token that was taken ends.
    taken: u32,
    /// Where the line ends.
    end: Span,
}

impl<'c, 't> Cursor<'c, 't> {
    /// Starts at the first of `tokens`; `end` is where the line ends.
    pub(super) fn new(tokens: &'c [(Token<'t>, Span)], end: Span) -> Self {
        Self { tokens, taken: end.start, end }
    }

    /// The next token.
    pub(super) fn peek(&self) -> Option<&'c Token<'t>> {
        self.tokens.first().map(|(token, _)| token)
    }

    /// The token after the next one.
    pub(super) fn second(&self) -> Option<&'c Token<'t>> {
        self.tokens.get(1).map(|(token, _)| token)
    }

    /// Where the next token stands.
    pub(super) fn here(&self) -> Span {
        self.tokens.first().map_or(self.end, |(_, span)| *span)
    }

    /// Number of tokens left.
    pub(super) fn left(&self) -> usize {
        self.tokens.len()
    }

    /// Goes on by one token.
    pub(super) fn skip(&mut self) {
        if let Some(((_, span), rest)) = self.tokens.split_first() {
            self.taken = span.end;
            self.tokens = rest;
        }
    }

    /// Takes a mark if it comes next.
    pub(super) fn eat(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(m)) if *m == mark);
        if found {
            self.skip();
        }
        found
    }

    /// An error about the next token.
    pub(super) fn expected(&self, what: &str) -> Wrong {
        let found = match self.peek() {
            Some(Token::Word(w) | Token::Mark(w)) => format!("`{w}`"),
            Some(Token::Number(_)) => "a number".into(),
            Some(Token::Text(_)) => "a string".into(),
            None => "the end of the line".into(),
        };
        let message = format!("expected {what}, found {found}");
        Wrong::new("P010", self.here(), message).label(format!("expected {what}"))
    }

    /// An expression.
    pub(super) fn expression(&mut self) -> Checked<Expression<'t>> {
        let start = self.here();
        let mut items = Vec::new();
        self.binary(1, 0, &mut items)?;
        Ok(Expression { items, span: Span { end: self.taken, ..start }, relative: false })
    }

    /// An operand: an expression, or `->` and the target of a relative branch.
    pub(super) fn operand(&mut self) -> Checked<Expression<'t>> {
        let arrow = self.here();
        let relative = self.eat("->");
        let mut expression = self.expression()?;
        if relative {
            expression.relative = true;
            expression.items.extend([(Item::Next, arrow), (Item::Binary("-"), arrow)]);
        }
        Ok(expression)
    }

    /// Operators at least as tight as `least`.
    fn binary(&mut self, least: u32, depth: u32, items: &mut Vec<(Item<'t>, Span)>) -> Checked<()> {
        self.unary(depth, items)?;
        while let Some(Token::Mark(mark)) = self.peek()
            && let Some(tightness) = tightness(mark).filter(|t| *t >= least)
        {
            let at = self.here();
            self.skip();
            self.binary(tightness + 1, depth, items)?;
            items.push((Item::Binary(mark), at));
        }
        Ok(())
    }

    fn unary(&mut self, depth: u32, items: &mut Vec<(Item<'t>, Span)>) -> Checked<()> {
        let at = self.here();
        if depth >= MAX_DEPTH {
            return Err(Wrong::new("P011", at, format!("nested more than {MAX_DEPTH} deep")));
        }
        let item = match self.peek() {
            Some(Token::Number(n)) => Item::Number(*n),
            Some(Token::Word(name)) if !name.starts_with('.') => Item::Name(name),
            Some(Token::Mark(".")) => Item::Here,
            Some(Token::Mark(sign @ ("-" | "~"))) => {
                self.skip();
                self.unary(depth + 1, items)?;
                items.push((Item::Unary(if *sign == "-" { '-' } else { '~' }), at));
                return Ok(());
            }
            Some(Token::Mark("(")) => {
                self.skip();
                self.binary(1, depth + 1, items)?;
                return if self.eat(")") { Ok(()) } else { Err(self.expected("`)`")) };
            }
            Some(Token::Word(_) | Token::Mark(_) | Token::Text(_)) | None => {
                return Err(self.expected("an expression"));
            }
        };
        self.skip();
        items.push((item, at));
        Ok(())
    }
}

/// How tightly an infix operator binds; the order is the specification language's.
fn tightness(mark: &str) -> Option<u32> {
    Some(match mark {
        "|" => 1,
        "^" => 2,
        "&" => 3,
        "<<" | ">>" => 4,
        "+" | "-" => 5,
        "*" | "/" | "%" => 6,
        _ => return None,
    })
}

/// Applies an operator on one value.
pub(super) fn unary(operator: char, x: i128) -> Option<i128> {
    if operator == '-' { x.checked_neg() } else { Some(!x) }
}

/// Applies an operator on two values; none where the result has more than 127 bits and a sign, or
/// where there is no result.
pub(super) fn binary(operator: &str, x: i128, y: i128) -> Option<i128> {
    let amount = u32::try_from(y).ok().filter(|n| *n < 128);
    match operator {
        "+" => x.checked_add(y),
        "-" => x.checked_sub(y),
        "*" => x.checked_mul(y),
        "/" => x.checked_div(y),
        "%" => x.checked_rem(y),
        "&" => Some(x & y),
        "|" => Some(x | y),
        "^" => Some(x ^ y),
        "<<" => amount.and_then(|n| Some(x << n).filter(|shifted| shifted >> n == x)),
        ">>" => amount.map(|n| x >> n),
        _ => None,
    }
}
