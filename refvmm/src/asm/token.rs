//! One line of assembly, or one assembler form of a specification, to tokens with their places.

use model::diagnostic::Span;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{anychar, char, satisfy};
use nom::combinator::{recognize, value, verify};
use nom::multi::many0;
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

use super::{Checked, Wrong};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, mnemonic, register or directive (`.org`).
    Word(&'t str),
    /// A number or a character in quotes.
    Number(i128),
    /// A string.
    Text(String),
    /// Punctuation.
    Mark(&'t str),
}

/// Tokens with their places.
pub(super) type Tokens<'t> = Vec<(Token<'t>, Span)>;

/// Marks of more than one character.
const LONG_MARKS: [&str; 3] = ["<<", ">>", "->"];

fn continues(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

fn starts(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn word(input: &str) -> IResult<&str, &str> {
    let name = pair(satisfy(starts), take_while(continues));
    let directive = (char('.'), satisfy(starts), take_while(continues));
    alt((recognize(name), recognize(directive))).parse(input)
}

/// A number as written: digits, letters and underscores, checked afterwards.
fn digits(input: &str) -> IResult<&str, &str> {
    let rest = take_while(|c: char| c.is_ascii_alphanumeric() || c == '_');
    recognize(pair(satisfy(|c| c.is_ascii_digit()), rest)).parse(input)
}

/// The number behind `10`, `0x1f`, `0o17`, `0b101`, `1_000`.
fn number(text: &str) -> Option<i128> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ if digits.len() > 1 && digits.starts_with('0') => return None,
        _ => (digits.as_str(), 10),
    };
    i128::from_str_radix(digits, radix).ok()
}

/// A character of a string: itself, or an escape.
fn character(input: &str) -> IResult<&str, char> {
    let hexadecimal =
        (char('x'), hex_digit, hex_digit).map(|(_, high, low)| char::from((high * 16 + low) as u8));
    let escape = alt((
        value('\n', char('n')),
        value('\t', char('t')),
        value('\r', char('r')),
        value('\0', char('0')),
        hexadecimal,
        satisfy(|c| matches!(c, '\\' | '\'' | '"')),
    ));
    alt((preceded(char('\\'), escape), verify(anychar, |c| *c != '\\'))).parse(input)
}

fn hex_digit(input: &str) -> IResult<&str, u32> {
    satisfy(|c| c.is_ascii_hexdigit()).map(|c| c.to_digit(16).unwrap_or(0)).parse(input)
}

fn quoted_character(input: &str) -> IResult<&str, i128> {
    let plain = verify(character, |c| *c != '\'');
    let escaped = preceded(char('\\'), value('\'', char('\'')));
    let inside = alt((escaped, plain)).map(|c| i128::from(u32::from(c)));
    delimited(char('\''), inside, char('\'')).parse(input)
}

fn quoted_text(input: &str) -> IResult<&str, String> {
    let escaped = preceded(char('\\'), value('"', char('"')));
    let plain = verify(character, |c| *c != '"');
    let inside = many0(alt((escaped, plain))).map(String::from_iter);
    delimited(char('"'), inside, char('"')).parse(input)
}

fn mark(input: &str) -> IResult<&str, &str> {
    let long = alt(LONG_MARKS.map(tag));
    alt((long, recognize(satisfy(|c| c.is_ascii_punctuation() && c != '"' && c != '\''))))
        .parse(input)
}

/// One token; a number may turn out to be none.
fn token(input: &str) -> IResult<&str, Option<Token<'_>>> {
    alt((
        word.map(|w| Some(Token::Word(w))),
        digits.map(|text| number(text).map(Token::Number)),
        quoted_character.map(|n| Some(Token::Number(n))),
        quoted_text.map(|text| Some(Token::Text(text))),
        mark.map(|m| Some(Token::Mark(m))),
    ))
    .parse(input)
}

/// Splits one line, which starts at `start` in its file, up to its comment.
pub(super) fn tokens(line: &str, file: u32, start: u32) -> Checked<Tokens<'_>> {
    let mut all = Vec::new();
    let mut rest = line;
    let place = |from: &str, to: &str| {
        let at = |text: &str| start + (line.len() - text.len()) as u32;
        Span { file, start: at(from), end: at(to) }
    };
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        if rest.is_empty() || rest.starts_with(';') || rest.starts_with("//") {
            return Ok(all);
        }
        match token(rest) {
            Ok((after, Some(token))) => {
                all.push((token, place(rest, after)));
                rest = after;
            }
            Ok((after, None)) => {
                let at = place(rest, after);
                let message = format!("`{}` is not a number", &rest[..rest.len() - after.len()]);
                let help = "numbers are 10, 0x1f, 0o17, 0b101, below 2^127; a leading zero alone is ambiguous";
                return Err(Wrong::new("P002", at, message).help(help.to_owned()));
            }
            Err(_) => {
                let quote = rest.starts_with(['"', '\'']);
                let width = rest.chars().next().map_or(1, char::len_utf8);
                let at = place(rest, if quote { "" } else { &rest[width..] });
                let (message, help) = if quote {
                    let help =
                        r#"text is "…" and one character '…', with \n \t \r \0 \\ \' \" \xNN"#;
                    ("a quotation does not end, or has an unknown escape".to_owned(), help)
                } else {
                    let help = "outside quotation marks and comments the language is ASCII";
                    (format!("`{}` is no part of the language", &rest[..width]), help)
                };
                return Err(Wrong::new("P001", at, message).help(help.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> Vec<Token<'_>> {
        tokens(text, 0, 0).expect("tokens").into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn words_marks_and_numbers_are_told_apart() {
        assert_eq!(
            lex(".org\t.-x<<0x1_0 // ; \"\r"),
            [
                Token::Word(".org"),
                Token::Mark("."),
                Token::Mark("-"),
                Token::Word("x"),
                Token::Mark("<<"),
                Token::Number(16),
            ]
        );
    }

    #[test]
    fn quotations_hold_comment_marks_and_escapes() {
        assert_eq!(
            lex(r#"';' '\'' '"' "a;\"\x41\n" ; '"#),
            [
                Token::Number(59),
                Token::Number(39),
                Token::Number(34),
                Token::Text("a;\"A\n".into()),
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_an_error_with_its_place() {
        for (text, code, start) in
            [("a 017", "P002", 2), ("é", "P001", 0), ("a \"b", "P001", 2), ("''", "P001", 0)]
        {
            let found = tokens(text, 0, 0).expect_err("no tokens").0;
            assert_eq!((found.code, found.span.map(|s| s.start)), (code, Some(start)), "{text}");
        }
    }
}
