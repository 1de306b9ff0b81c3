//! Text of the semantics language to tokens, each with its place in the file.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{multispace1, satisfy};
use nom::combinator::{opt, peek, recognize, rest, value, verify};
use nom::multi::many0_count;
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use crate::bits::MAX_WIDTH;
use crate::diagnostic::{Diagnostic, Report, Span};
use crate::read::{meant, number};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or keyword.
    Word(String),
    /// A number, with the width its suffix gives.
    Number(u128, Option<u32>),
    /// Punctuation.
    Mark(&'static str),
    /// What is no part of the language and was reported.
    Junk,
    /// The end of the text.
    End,
}

const NUMBERS: &str = "numbers are 10, 0x1f, 0o17, 0b101, with a width of 1 to 128 bits 5u36; a leading zero alone is ambiguous";

/// Words that cannot be names.
pub(crate) const KEYWORDS: &[&str] = &[
    "let",
    "if",
    "else",
    "for",
    "in",
    "require",
    "trap",
    "unpredictable",
    "unknown",
    "commit",
    "break",
    "return",
    "fn",
    "true",
    "false",
];

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
    let hash = verify(rest, |text: &str| text.starts_with('#') && foreign_number(text).is_none());
    let comment = preceded(alt((tag("//"), peek(hash))), take_till(|c| c == '\n'));
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

/// A number as Verilog (`16'h1f`), SMT-LIB (`#x1f`) and assemblers (`$1f`) write it: its length, and as it is written
/// here.
fn foreign_number(text: &str) -> Option<(usize, String)> {
    let size = text.find(|c: char| !c.is_ascii_digit())?;
    let (width, rest) = text.split_at(size);
    let (sign, rest) = rest.split_at_checked(1)?;
    let (radix, digits) = match (sign, width) {
        ("'", _) => (rest.get(..1)?, rest.get(1..)?),
        ("#", "") => (rest.get(..1).filter(|it| ["b", "x"].contains(it))?, rest.get(1..)?),
        ("$", "") if rest.starts_with(|c: char| c.is_ascii_digit()) => ("h", rest),
        _ => return None,
    };
    let end = digits.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let digits = &digits[..end.unwrap_or(digits.len())];
    let prefix = match radix.to_ascii_lowercase().as_str() {
        "h" | "x" => "0x",
        "b" => "0b",
        "o" => "0o",
        "d" => "",
        _ => return None,
    };
    let suffix = if width.is_empty() { String::new() } else { format!("u{width}") };
    let ours = format!("{prefix}{digits}{suffix}");
    let length = size + sign.len() + usize::from(sign != "$") + digits.len();
    literal(&ours).map(|_| (length, ours))
}

/// Signs of mathematics, and the marks they stand for.
const SIGNS: &[(&str, &str)] = &[
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    ("←", "="),
    ("∧", "&&"),
    ("∨", "||"),
    ("¬", "!"),
    ("×", "*"),
    ("⊕", "^"),
    ("−", "-"),
    ("–", "-"),
    ("→", "->"),
];

/// What stands between quotes at the beginning of a text.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let line = text[1..].lines().next()?;
    line.find(quote).map(|end| &line[..end])
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
        let mut refuse = |code, after, message: String, help: &str| {
            let error = Diagnostic::error(code, place(rest, after), message);
            report.push(if help.is_empty() { error } else { error.help(help) });
        };
        let (token, after) = if let Some((length, ours)) = foreign_number(rest) {
            let (text, after) = rest.split_at(length);
            refuse("L002", after, format!("`{text}` is not a number"), &format!("write `{ours}`"));
            let (number, width) = literal(&ours).unwrap_or_default();
            (Token::Number(number, width), after)
        } else if let Ok((after, name)) = word(rest) {
            (Token::Word(name.to_owned()), after)
        } else if let Ok((after, text)) = digits(rest) {
            let (number, width) = literal(text).unwrap_or_else(|| {
                let ours = meant(text);
                let help =
                    ours.as_ref().map_or_else(|| NUMBERS.to_owned(), |it| format!("write `{it}`"));
                refuse("L002", after, format!("`{text}` is not a number"), &help);
                ours.and_then(|it| literal(&it)).unwrap_or_default()
            });
            (Token::Number(number, width), after)
        } else if rest.starts_with("/*") {
            let after = rest.split_once("*/").map_or("", |(_, after)| after);
            let help = "a comment goes from `//` or `#` to the end of the line";
            refuse("L001", after, "this is no comment".to_owned(), help);
            rest = after;
            continue;
        } else if let Ok((after, m)) = mark(rest) {
            (Token::Mark(m), after)
        } else if let Some((sign, ours)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            let after = &rest[sign.len()..];
            refuse(
                "L001",
                after,
                format!("`{sign}` is no part of the language"),
                &format!("write `{ours}`"),
            );
            (mark(ours).map_or(Token::Junk, |(_, m)| Token::Mark(m)), after)
        } else if let Some(inner) = quoted(rest) {
            let after = &rest[inner.len() + 2..];
            let help = format!("there are no texts: write `{inner}` without quotes");
            refuse("L001", after, "quotes are no part of the language".to_owned(), &help);
            let name = word(inner).is_ok_and(|(rest, _)| rest.is_empty());
            (if name { Token::Word(inner.to_owned()) } else { Token::Junk }, after)
        } else {
            let junk = opt(take_while1::<_, _, nom::error::Error<&str>>(|c: char| {
                !c.is_ascii_alphanumeric() && !c.is_whitespace() && !c.is_ascii_punctuation()
            }));
            let skipped = junk.map(|j| j.map_or(0, str::len)).parse(rest).map_or(0, |(_, n)| n);
            let width = skipped.max(rest.chars().next().map_or(1, char::len_utf8));
            let (text, after) = rest.split_at(width);
            let help = if ["$", "@", "`"].contains(&text) {
                "names stand without a sign before"
            } else {
                ""
            };
            refuse("L001", after, format!("`{text}` is no part of the language"), help);
            (Token::Junk, after)
        };
        all.push((token, place(rest, after)));
        rest = after;
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
