//! Text of the semantics language to tokens, each with its place in the file.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{multispace1, satisfy};
use nom::combinator::{opt, recognize, value};
use nom::multi::many0_count;
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use crate::bits::MAX_WIDTH;
use crate::diagnostic::{Diagnostic, Report, Span};
use crate::spec::number;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or keyword.
    Word(String),
    /// A number, with the width its suffix gives.
    Number(u128, Option<u32>),
    /// Punctuation.
    Mark(&'static str),
    /// The end of the text.
    End,
}

/// Marks, longest first.
const MARKS: &[&str] = &[
    "::", "..", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "+^", "*^", "->", "(", ")", "[",
    "]", "{", "}", ",", ";", ":", ".", "=", "<", ">", "!", "~", "-", "+", "*", "/", "%", "&", "|",
    "^", "?",
];

fn word(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_alphabetic() || c == '_'),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ))
    .parse(input)
}

/// A number as written: digits, letters and underscores, checked afterwards.
fn digits(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_digit()),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ))
    .parse(input)
}

fn mark(input: &str) -> IResult<&str, &'static str> {
    for &m in MARKS {
        if let Ok((rest, _)) = tag::<_, _, nom::error::Error<&str>>(m).parse(input) {
            return Ok((rest, m));
        }
    }
    Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag)))
}

/// White space and comments from `//` or `#` to the end of the line.
fn blank(input: &str) -> IResult<&str, ()> {
    let comment = preceded(alt((tag("//"), tag("#"))), take_till(|c| c == '\n'));
    value((), many0_count(alt((multispace1, comment)))).parse(input)
}

/// The number and its width from `12`, `0xff`, `5u36`.
fn literal(text: &str) -> Option<(u128, Option<u32>)> {
    let hexadecimal = text.starts_with("0x");
    match text.rsplit_once('u') {
        Some((digits, width)) if !hexadecimal || digits.len() > 2 => {
            let width = width.parse().ok().filter(|w| (1..=MAX_WIDTH).contains(w))?;
            Some((number(digits)?, Some(width)))
        }
        _ => Some((number(text)?, None)),
    }
}

/// Splits the text of a span into tokens; the last one is [`Token::End`].
pub(crate) fn tokens(text: &str, span: Span, report: &mut Report) -> Vec<(Token, Span)> {
    let mut all = Vec::new();
    let mut rest = text;
    let place = |from: &str, to: &str| Span {
        file: span.file,
        start: span.end - from.len() as u32,
        end: span.end - to.len() as u32,
    };
    loop {
        rest = blank(rest).map_or(rest, |(rest, ())| rest);
        if rest.is_empty() {
            let end = Span { start: last_end(&all, span), end: last_end(&all, span), ..span };
            all.push((Token::End, end));
            return all;
        }
        if let Ok((after, name)) = word(rest) {
            all.push((Token::Word(name.to_owned()), place(rest, after)));
            rest = after;
        } else if let Ok((after, text)) = digits(rest) {
            let at = place(rest, after);
            let (number, width) = literal(text).unwrap_or_else(|| {
                let message = format!("`{text}` is not a number");
                let help = "numbers are 10, 0x1f, 0o17, 0b101, with a width of 1 to 128 bits 5u36; a leading zero alone is ambiguous";
                report.push(Diagnostic::error("L002", at, message).help(help));
                (0, None)
            });
            all.push((Token::Number(number, width), at));
            rest = after;
        } else if let Ok((after, m)) = mark(rest) {
            all.push((Token::Mark(m), place(rest, after)));
            rest = after;
        } else {
            let junk = opt(take_while1::<_, _, nom::error::Error<&str>>(|c: char| {
                !c.is_ascii_alphanumeric() && !c.is_whitespace() && !c.is_ascii_punctuation()
            }));
            let skipped = junk.map(|j| j.map_or(0, str::len)).parse(rest).map_or(0, |(_, n)| n);
            let width = skipped.max(rest.chars().next().map_or(1, char::len_utf8));
            let after = &rest[width..];
            let message = format!("`{}` is no part of the language", &rest[..width]);
            report.push(Diagnostic::error("L001", place(rest, after), message));
            rest = after;
        }
    }
}

fn last_end(all: &[(Token, Span)], span: Span) -> u32 {
    all.last().map_or(span.start, |(_, s)| s.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Vec<Token> {
        let mut report = Report::default();
        let span = Span { file: 0, start: 0, end: text.len() as u32 };
        let all = tokens(text, span, &mut report).into_iter().map(|(t, _)| t).collect();
        assert!(!report.failed(), "{text}");
        all
    }

    #[test]
    fn longest_mark_wins_and_numbers_carry_widths() {
        assert_eq!(
            lex("a&&0xffu8 & b::1 // c\n"),
            [
                Token::Word("a".into()),
                Token::Mark("&&"),
                Token::Number(255, Some(8)),
                Token::Mark("&"),
                Token::Word("b".into()),
                Token::Mark("::"),
                Token::Number(1, None),
                Token::End,
            ]
        );
    }

    #[test]
    fn junk_is_reported_with_its_place() {
        let mut report = Report::default();
        tokens("a § 0100", Span { file: 0, start: 10, end: 19 }, &mut report);
        let found = report.finish();
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["L001", "L002"]);
        assert_eq!(found[0].span.expect("a place").start, 12);
    }
}
