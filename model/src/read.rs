//! Reading YAML nodes: texts, numbers, lists and named things, each with its place and its schema.

use serde_json::{Value as Json, json};

use crate::diagnostic::{Diagnostic, Report, Sources, Span};
use crate::yaml::{Node, Value};

/// A value with the place it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sp<T> {
    pub(crate) span: Span,
    pub(crate) it: T,
}

/// A text of the semantics language: where it stands in the source, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) span: Span,
}

/// Named things in source order.
#[derive(Debug, Clone)]
pub(crate) struct Names<T>(pub(crate) Vec<(Sp<String>, T)>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Names<T> {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Sp<String>, T)> {
        self.0.iter()
    }
}

/// A list; a single item may stand for itself.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What reading a node needs.
pub(crate) struct Context<'s> {
    pub(crate) report: Report,
    pub(crate) sources: &'s Sources,
}

/// Something a node can be read as. `None` means that an error was reported.
pub(crate) trait Read: Sized {
    /// Whether it is read from a mapping, whose keys are known.
    const IS_RECORD: bool = false;

    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
    fn schema() -> Json;
}

/// Control characters, and those that change the direction of what follows.
fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\n' && c != '\t'
}

pub(crate) fn text<'n>(node: &'n Node, what: &str, cx: &mut Context<'_>) -> Option<&'n str> {
    if let Value::Scalar(scalar) = &node.value {
        // They would reach terminals with the report.
        if scalar.text.contains(is_hidden) {
            let message = "a text has no control characters";
            cx.report
                .push(Diagnostic::error("S015", node.span, message).help("leave the escape out"));
            return None;
        }
        return Some(&scalar.text);
    }
    let found = if matches!(node.value, Value::Sequence(_)) { "a list" } else { "a mapping" };
    let message = format!("expected {what}, found {found}");
    cx.report.push(Diagnostic::error("S010", node.span, message).label(format!("expected {what}")));
    None
}

impl Read for String {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text(node, "a text", cx).map(str::to_owned)
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// Parses `10`, `0x1f`, `0o17`, `0b11`, with `_` between digits.
pub(crate) fn number(text: &str) -> Option<u128> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ if digits.len() > 1 && digits.starts_with('0') => return None,
        _ => (digits.as_str(), 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

/// How a number that is written wrongly is meant, if that is plain: `0X1F`, `1fh`.
pub(crate) fn meant(text: &str) -> Option<String> {
    let small = text.to_ascii_lowercase();
    let hexadecimal = small.strip_suffix('h').map(|digits| format!("0x{digits}"));
    [Some(small), hexadecimal].into_iter().flatten().find(|it| number(it).is_some())
}

impl Read for u128 {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let word = text(node, "a number", cx)?;
        let parsed = number(word);
        if parsed.is_none() {
            let message = format!("`{word}` is not a number");
            let mut error =
                Diagnostic::error("S011", node.span, message).label("expected a number");
            let digits = word.trim_matches(|c: char| !c.is_ascii_digit());
            if word.parse::<f64>().is_ok_and(|it| it >= 0.0) && word.contains('.') {
                error = error
                    .help(format!("numbers are whole: {}", word.split('.').next().unwrap_or(word)));
            } else if let Some(ours) = meant(word) {
                error = error.help(format!("write {ours}"));
            } else if word.starts_with('-') {
                error = error.help("no number is negative");
            } else if digits != word && !digits.starts_with('0') && number(digits).is_some() {
                error = error.help(format!("write the number alone: {digits}"));
            } else if word.len() > 1
                && word.starts_with('0')
                && word.bytes().all(|b| b.is_ascii_digit())
            {
                error = error.help("write octal as 0o17; a leading zero alone is ambiguous");
            }
            cx.report.push(error);
        }
        parsed
    }

    fn schema() -> Json {
        json!({"type": ["integer", "string"]})
    }
}

impl<T: Read> Read for Sp<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Some(Self { span: node.span, it: T::read(node, cx)? })
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl Read for Code {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            let message = "expected statements or an expression, found braces or brackets of YAML";
            let error = Diagnostic::error("S010", node.span, message);
            cx.report.push(error.help("write the text as a block: `|` and an indented line"));
            return None;
        };
        let raw = cx.sources.slice(scalar.inner);
        let quoted = scalar.inner != node.span;
        if quoted && (raw.contains('\\') || raw.contains("''")) {
            cx.report.push(
                Diagnostic::error("S012", node.span, "escapes are not allowed in code")
                    .help("write the text as a block: `|` and an indented line"),
            );
            return None;
        }
        if !quoted && raw.trim().is_empty() {
            cx.report.push(
                Diagnostic::error("S010", node.span, "there is nothing behind this key")
                    .help("leave the key out, or write \"\" where nothing is done"),
            );
            return None;
        }
        Some(Self { span: scalar.inner })
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

impl<T: Read> Read for List<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Sequence(items) => {
                let mut wrong = false;
                let mut read = |item: &Node| {
                    // Where names stand for records, all items of a list are one mistake.
                    let again = wrong && matches!(item.value, Value::Scalar(_));
                    let it = if again { None } else { T::read(item, cx) };
                    wrong |= it.is_none() && T::IS_RECORD;
                    it
                };
                let read: Vec<_> = items.iter().map(&mut read).collect();
                read.into_iter().collect::<Option<Vec<T>>>().map(Self)
            }
            Value::Scalar(_) | Value::Mapping(_) => T::read(node, cx).map(|item| Self(vec![item])),
        }
    }

    fn schema() -> Json {
        json!({"anyOf": [{"type": "array", "items": T::schema()}, T::schema()]})
    }
}

impl<T: Read> Read for Names<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let mut all = Vec::new();
        let mut complete = true;
        for (key, value) in mapping(node, &[], cx)? {
            match (Sp::<String>::read(key, cx), T::read(value, cx)) {
                (Some(name), Some(value)) => all.push((name, value)),
                _ => complete = false,
            }
        }
        complete.then_some(Self(all))
    }

    fn schema() -> Json {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
}

/// The entries of a mapping, which has these keys, or any if none are given.
pub(crate) fn mapping<'n>(
    node: &'n Node,
    keys: &[&str],
    cx: &mut Context<'_>,
) -> Option<&'n [(Node, Node)]> {
    match &node.value {
        Value::Mapping(entries) => Some(entries),
        // `key:` with nothing behind it, or `{}`.
        Value::Scalar(scalar) if scalar.text.is_empty() => Some(&[]),
        Value::Scalar(_) | Value::Sequence(_) => {
            let error =
                Diagnostic::error("S010", node.span, "expected a mapping of keys to values");
            let error = error.label("expected `key: value` lines");
            let first: Vec<_> = keys.iter().take(2).map(|it| format!("{it}: …")).collect();
            cx.report.push(if keys.is_empty() {
                error
            } else {
                let (first, all) = (first.join(", "), keys.join(", "));
                error.help(format!("write {{{first}}}; its keys: {all}"))
            });
            None
        }
    }
}
