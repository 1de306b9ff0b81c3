//! IDL text to tokens, each with its place in the file.

use model::diagnostic::{Diagnostic, Span};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while};
use nom::character::complete::{char, multispace1, satisfy};
use nom::combinator::{map, opt, peek, recognize, value};
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

use super::ast::{LiteralWidth, Number};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword; that of a function may end in `?`, which is then followed by its arguments.
    Word(String),
    /// `$pc`, `$signed`
    Builtin(String),
    Number(Number),
    Text(String),
    Mark(&'static str),
    End,
}

/// Marks, longest first.
const MARKS: &[&str] = &[
    "`<<", ">>>", "`*", "`+", "`-", "::", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "->",
    "++", "--", "(", ")", "[", "]", "{", "}", ",", ";", ":", ".", "=", "<", ">", "!", "~", "-",
    "+", "*", "/", "%", "&", "|", "^", "?",
];

/// White space, and comments from `#` to the end of the line.
fn blank(input: &str) -> IResult<&str, ()> {
    let comment = preceded(char('#'), take_till(|c| c == '\n'));
    value((), many0_count(alt((multispace1, comment)))).parse(input)
}

fn name(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_alphabetic() || c == '_'),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ))
    .parse(input)
}

/// A name, with the `?` of a predicate if arguments follow.
fn word(input: &str) -> IResult<&str, &str> {
    recognize(pair(name, opt(terminated(char('?'), peek(char('(')))))).parse(input)
}

fn digits(input: &str) -> IResult<&str, &str> {
    recognize(pair(
        satisfy(|c| c.is_ascii_hexdigit()),
        take_while(|c: char| c.is_ascii_hexdigit() || c == '_'),
    ))
    .parse(input)
}

/// `8'hff`, `MXLEN'1`, `'s0`: width, whether signed, radix and digits.
fn verilog(input: &str) -> IResult<&str, Option<Number>> {
    let decimal = recognize(pair(satisfy(|c| c.is_ascii_digit()), take_while(is_decimal)));
    let width = opt(alt((tag("MXLEN"), decimal)));
    let radix = opt(alt((char('b'), char('o'), char('d'), char('h'))));
    let (rest, (width, _, signed, radix)) =
        (width, char('\''), opt(char('s')), radix).parse(input)?;
    let (rest, digits) = digits(rest)?;
    let radix = match radix {
        Some('b') => 2,
        Some('o') => 8,
        Some('h') => 16,
        _ => 10,
    };
    let width = match width {
        None | Some("MXLEN") => Some(LiteralWidth::Xlen),
        Some(text) => text.parse().ok().filter(|w| *w > 0).map(LiteralWidth::Bits),
    };
    let number = u128::from_str_radix(&digits.replace('_', ""), radix).ok().zip(width);
    let number = number.map(|(value, width)| Number { value, width, signed: signed.is_some() });
    Ok((rest, number))
}

const fn is_decimal(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

/// `13`, `0xd`, `015`, `0b1101`, with `s` behind it where it is signed.
fn plain(input: &str) -> IResult<&str, Option<Number>> {
    let all = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (rest, text) =
        recognize(pair(satisfy(|c| c.is_ascii_digit()), take_while(all))).parse(input)?;
    let clean = text.replace('_', "");
    let (clean, signed) = clean.strip_suffix('s').map_or((clean.as_str(), false), |it| (it, true));
    let (digits, radix) = match clean.get(..2) {
        Some("0x") => (&clean[2..], 16),
        Some("0b") => (&clean[2..], 2),
        _ if clean.len() > 1 && clean.starts_with('0') => (&clean[1..], 8),
        _ => (clean, 10),
    };
    let value = u128::from_str_radix(digits, radix).ok();
    Ok((rest, value.map(|value| Number { value, width: LiteralWidth::Least, signed })))
}

/// One token; `None` for a number that is none.
fn token(input: &str) -> IResult<&str, Option<Token>> {
    let text = delimited(char('"'), take_till(|c| c == '"'), char('"'));
    let builtin = preceded(char('$'), word);
    let number = |it: Option<Number>| it.map(Token::Number);
    alt((
        map(text, |it: &str| Some(Token::Text(it.to_owned()))),
        map(verilog, number),
        map(plain, number),
        map(builtin, |it: &str| Some(Token::Builtin(it.to_owned()))),
        map(word, |it: &str| Some(Token::Word(it.to_owned()))),
        mark,
    ))
    .parse(input)
}

fn mark(input: &str) -> IResult<&str, Option<Token>> {
    for &it in MARKS {
        if let Some(rest) = input.strip_prefix(it) {
            return Ok((rest, Some(Token::Mark(it))));
        }
    }
    Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag)))
}

/// The tokens of a text that begins at `span`; the last is the end.
pub(super) fn tokens(text: &str, span: Span) -> Result<Vec<(Token, Span)>, Diagnostic> {
    let place = |from: &str, to: &str| Span {
        start: span.start + (text.len() - from.len()) as u32,
        end: span.start + (text.len() - to.len()) as u32,
        ..span
    };
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = blank(rest).map_or(rest, |(rest, ())| rest);
        if rest.is_empty() {
            all.push((Token::End, place(rest, rest)));
            return Ok(all);
        }
        match token(rest) {
            Ok((after, Some(token))) => {
                all.push((token, place(rest, after)));
                rest = after;
            }
            Ok((after, None)) => {
                let error =
                    Diagnostic::error("U010", place(rest, after), "this is not a number of IDL");
                return Err(
                    error.help("numbers are 13, 0xd, 0b1101, 8'hff, 'd5, with at most 128 bits")
                );
            }
            Err(_) => {
                let end = rest.char_indices().nth(1).map_or(rest.len(), |(i, _)| i);
                let message = format!("`{}` is no part of IDL", &rest[..end]);
                return Err(Diagnostic::error("U010", place(rest, &rest[end..]), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Token> {
        let span = Span { file: 0, start: 0, end: text.len() as u32 };
        tokens(text, span).expect("tokens").into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn literals_keep_their_width() {
        use LiteralWidth::{Bits, Least, Xlen};
        let number = |text: &str| match &all(text)[..] {
            [Token::Number(number), Token::End] => (number.value, number.width, number.signed),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(number("0xF"), (15, Least, false));
        assert_eq!(number("015"), (13, Least, false));
        assert_eq!(number("13s"), (13, Least, true));
        assert_eq!(number("32'hFF"), (255, Bits(32), false));
        assert_eq!(number("2'b11"), (3, Bits(2), false));
        assert_eq!(number("MXLEN'1"), (1, Xlen, false));
        assert_eq!(number("'s0"), (0, Xlen, true));
        assert_eq!(number("8'd2"), (2, Bits(8), false));
        assert_eq!(number("8'13"), (13, Bits(8), false));
    }

    #[test]
    fn a_question_mark_belongs_to_a_name_only_before_arguments() {
        let words = |text: &str| all(text).len();
        assert_eq!(words("implemented?(A)"), 5);
        assert_eq!(words("a ? b : c"), 6);
        assert_eq!(words("a? b : c"), 6);
    }

    #[test]
    fn what_is_no_token_has_a_place() {
        let span = Span { file: 3, start: 100, end: 110 };
        let error = tokens("a = § 1;", span).expect_err("no token");
        let place = error.span.expect("a place");
        assert_eq!((error.code, place.file, place.start, place.end), ("U010", 3, 104, 106));
        assert_eq!(tokens("x = 8'b2;", span).expect_err("no number").code, "U010");
    }
}
