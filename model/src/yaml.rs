//! YAML text to a generic tree with spans. The only module that knows the YAML library.
//!
//! Scalars keep their source text: `0100` and `yes` are words until the specification says
//! what it expects, and a block of semantics keeps its place in the file byte for byte.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::granit_parser::{ScalarStyle, Scanner, StrInput, TokenType};
use serde_yaml::{Location, Spanned};

use crate::diagnostic::{Diagnostic, Span};

/// One node of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands; collections start at their first key or item.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// Anything that is not a collection.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in source order.
    Mapping(Vec<(Node, Node)>),
}

/// A scalar.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// Its text: unquoted and unfolded.
    pub text: String,
    /// Where the text stands without quotes; equal to the text unless it was folded or escaped.
    pub inner: Span,
}

/// Most bytes a specification may have: far beyond any real one, small enough to parse at once.
const MAX_BYTES: usize = 4 << 20;

/// Parses one file's text.
pub fn parse(text: &str, file: u32) -> Result<Node, Vec<Diagnostic>> {
    if text.len() > MAX_BYTES {
        let message = format!("the specification has {} bytes, more than {MAX_BYTES}", text.len());
        return Err(vec![Diagnostic::global("S001", message)]);
    }
    let errors = additions(text, file);
    if !errors.is_empty() {
        return Err(errors);
    }
    let raw: Raw = serde_yaml::from_str(text).map_err(|error| vec![refusal(&error, text, file)])?;
    Ok(Reader { text, file }.node(raw, 0))
}

/// Most additions that are reported one by one.
const MAX_ADDITIONS: usize = 8;

/// Refuses what the library would resolve or drop: an unquoted `!mode && x` would arrive as `x`.
fn additions(text: &str, file: u32) -> Vec<Diagnostic> {
    let tokens = Scanner::new(StrInput::new(text)).map_while(Result::ok);
    let refused =
        tokens.filter_map(|token| {
            let what = match token.token_type() {
                TokenType::Anchor(_) => "an anchor",
                TokenType::Alias(_) => "an alias",
                TokenType::Tag(..) => "a tag",
                TokenType::Scalar(ScalarStyle::Plain, key) if key == "<<" => "a merge key",
                _ => return None,
            };
            let range = token.span().byte_range()?;
            let span = Span { file, start: range.start as u32, end: range.end as u32 };
            let error = Diagnostic::error(
                "S004",
                span,
                "anchors, aliases, tags and merge keys are no part of the language",
            );
            Some(error.label(format!("to YAML this is {what}")).help(
                "quote a value that starts with `!`, `&` or `*`, and write repeated values out",
            ))
        });
    refused.take(MAX_ADDITIONS).collect()
}

/// Turns the library's error into ours.
fn refusal(error: &serde_yaml::Error, text: &str, file: u32) -> Diagnostic {
    let error = error.without_snippet();
    let full = error.to_string();
    let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
    let start = error.location().map_or(0, |at| {
        let line = text.split_inclusive('\n').take((at.line() as usize).saturating_sub(1));
        let start: usize = line.map(str::len).sum();
        let column = (at.column() as usize).saturating_sub(1);
        let rest = text[start..].char_indices().nth(column).map_or(text.len() - start, |(i, _)| i);
        start + rest
    });
    let width = text[start..].chars().next().map_or(0, char::len_utf8);
    let span = Span { file, start: start as u32, end: (start + width) as u32 };
    if let Some((key, _)) =
        message.strip_prefix("duplicate mapping key: ").and_then(|m| m.split_once(", set "))
    {
        let end = span.start + key.len() as u32;
        return Diagnostic::error(
            "S003",
            Span { end, ..span },
            format!("the key `{key}` stands twice"),
        )
        .label("second time")
        .help("one of the two would be lost: rename or remove one");
    }
    if message.contains("multiple YAML documents") {
        let error = Diagnostic::error("S002", span, "a second YAML document begins here");
        return error.help("a specification is one document: remove the `---`");
    }
    if message.contains("recursion limit") || message.contains("Depth") {
        let error = Diagnostic::error("S002", span, "lists and mappings are nested too deep here");
        return error.help("nothing in a specification needs more than a few levels");
    }
    let (message, help) = slip(message, text, start)
        .unwrap_or_else(|| (format!("this is not YAML: {message}"), GENERAL.to_owned()));
    Diagnostic::error("S002", span, message).help(help)
}

const GENERAL: &str = "look for an open bracket or quote and for wrong indentation, here and above; quote values that contain YAML's own characters, e.g. \"!mode && x\"";

/// What was probably meant where the library stopped at a place: what is wrong, and what to write.
fn slip(message: &str, text: &str, place: usize) -> Option<(String, String)> {
    if message.contains("tab") {
        let help = "YAML is indented with spaces, never with tabs";
        return Some((format!("this is not YAML: {message}"), help.to_owned()));
    }
    let begin = text[..place].rfind('\n').map_or(0, |it| it + 1);
    let line = text[begin..].lines().next()?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let content = line.trim_start();
    if message.contains("did not find expected ',' or '}'") {
        let help = "`,` stands between the items of `{…}`; quote values that contain YAML's own characters";
        return Some(("a `,` or `}` is missing before this".to_owned(), help.to_owned()));
    }
    if message.contains("mapping values are not allowed") {
        let help = "quote the value, or write it as a block: `|` and an indented line";
        return Some(("a second `:` stands in this value".to_owned(), help.to_owned()));
    }
    if message.contains("did not find expected key") && content.starts_with("- ") {
        let help = "remove the `-`, or give all of them one";
        return Some(("an item of a list stands among keys".to_owned(), help.to_owned()));
    }
    if !message.contains("expected ':'") {
        return None;
    }
    let above = text[..begin].lines().rev().find(|line| !line.trim().is_empty());
    if let Some((key, style)) = above.and_then(|line| line.trim_end().rsplit_once(": "))
        && ["|", ">", "|-", ">-"].contains(&style)
        && above.is_some_and(|above| indent(above) >= indent(line))
    {
        let key = key.trim();
        let message = format!("the text of `{key}: {style}` must be indented deeper than `{key}`");
        return Some((message, "begin each line of it with two more spaces".to_owned()));
    }
    let end = content.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))?;
    let (key, rest) = content.split_at(end);
    let (what, help) = if rest.starts_with(':') {
        ("a space is missing behind", format!("write `{key}: …`"))
    } else {
        (
            "a `:` is missing behind",
            format!("write `{key}: …`, or indent the line if it goes on with the text above"),
        )
    };
    Some((format!("{what} `{key}`"), help))
}

/// A node as the library delivers it.
struct Raw {
    at: Location,
    value: RawValue,
}

enum RawValue {
    /// Quoted and block strings carry their text; other scalars are read from the source.
    Text(String),
    Other,
    Sequence(Vec<Raw>),
    Mapping(Vec<(Raw, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { at: referenced, value })
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(RawValue::Sequence(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(RawValue::Mapping(all))
    }
}

/// Recovers source text.
struct Reader<'s> {
    text: &'s str,
    file: u32,
}

impl Reader<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end as u32 }
    }

    fn node(&self, raw: Raw, after: usize) -> Node {
        let at = raw.at.span();
        let start = at.byte_offset().map_or(after, |o| o as usize).min(self.text.len());
        let end = (start + at.byte_len().unwrap_or(0) as usize).min(self.text.len());
        match raw.value {
            RawValue::Text(text) => self.scalar(Some(text), start, end),
            RawValue::Other => self.scalar(None, start, end),
            RawValue::Sequence(items) => {
                let items: Vec<Node> =
                    items.into_iter().map(|item| self.node(item, start)).collect();
                let last = items.last().map_or(end, |n| n.span.end as usize);
                Node { span: self.span(start, last), value: Value::Sequence(items) }
            }
            RawValue::Mapping(entries) => {
                let mut all = Vec::new();
                for (key, value) in entries {
                    let key = self.node(key, start);
                    let value = self.node(value, key.span.end as usize);
                    all.push((key, value));
                }
                let first = all.first().map_or(start, |(k, _)| k.span.start as usize);
                let last = all.last().map_or(end, |(_, v)| v.span.end as usize);
                Node { span: self.span(first, last), value: Value::Mapping(all) }
            }
        }
    }

    fn scalar(&self, text: Option<String>, start: usize, end: usize) -> Node {
        let raw = &self.text[start..end];
        let quoted = raw.len() >= 2 && raw.starts_with(['"', '\'']) && text.is_some();
        let inner = if quoted { self.span(start + 1, end - 1) } else { self.span(start, end) };
        let text = text.unwrap_or_else(|| raw.to_owned());
        Node { span: self.span(start, end), value: Value::Scalar(Scalar { text, inner }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> (String, String) {
        let root = parse(text, 0).expect("valid YAML");
        let Value::Mapping(entries) = root.value else { panic!("a mapping") };
        let Value::Scalar(scalar) = &entries[0].1.value else { panic!("a scalar") };
        let raw = &text[scalar.inner.start as usize..scalar.inner.end as usize];
        (scalar.text.clone(), raw.to_owned())
    }

    #[test]
    fn scalars_keep_their_source_text() {
        assert_eq!(scalar("a: 0100\n").0, "0100");
        assert_eq!(scalar("a: yes # no\n").0, "yes");
        assert_eq!(scalar("a: \"x == 1\"\n").1, "x == 1");
        assert_eq!(scalar("a: |\n  x = ü;\n  y = 1;\n").1, "x = ü;\n  y = 1;\n");
    }

    #[test]
    fn what_the_library_would_drop_is_refused() {
        let texts = ["a: !mode && x\n", "a: &x 1\n", "a: &x [1]\nb: *x\n", "<<: {a: 1}\nb: 2\n"];
        for text in
            texts.into_iter().chain(["a: [!x y]\n", "- &x y\n", "!x a: 1\n", "--- !x\na: 1\n"])
        {
            assert_eq!(parse(text, 0).expect_err(text)[0].code, "S004", "{text}");
        }
        assert!(parse("a: \"!x\"\nb: [x && y, '<<']\nc: |\n  &x *y\n", 0).is_ok());
    }

    #[test]
    fn errors_have_places() {
        let errors = parse("a: 1\nb: 2\na: 3\n", 0).expect_err("duplicate key");
        assert_eq!((errors[0].code, errors[0].span.expect("a place").start), ("S003", 10));
        for text in ["a: [1", "a:\n\t- b\n", "a: b: c\n", "\u{0}", "- 1\n---\n- 2\n"] {
            assert!(parse(text, 0).is_err(), "{text:?}");
        }
    }
}
