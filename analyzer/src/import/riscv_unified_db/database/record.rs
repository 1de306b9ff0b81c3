//! Reading keys of YAML mappings.

use model::diagnostic::{Diagnostic, Span};
use model::yaml::{Node, Value};

/// A word with its place.
#[derive(Debug, Clone)]
pub(in super::super) struct Name {
    pub(in super::super) it: String,
    pub(in super::super) span: Span,
}

/// A mapping, with what was found wrong in it.
pub(super) struct Record<'n> {
    entries: &'n [(Node, Node)],
    /// Where it begins.
    pub(super) span: Span,
}

impl<'n> Record<'n> {
    pub(super) fn of(node: &'n Node) -> Option<Self> {
        match &node.value {
            Value::Mapping(entries) => Some(Self { entries, span: node.span }),
            Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<(&'n Node, &'n Node)> {
        let found = self.entries.iter().find(|(it, _)| text(it) == Some(key));
        found.map(|(key, value)| (key, value))
    }

    /// The entry whose key begins so: `sw_write(csr_value)`.
    pub(super) fn starting(&self, prefix: &str) -> Option<(&'n str, &'n Node)> {
        self.entries.iter().find_map(|(key, value)| {
            text(key).filter(|it| it.starts_with(prefix)).map(|key| (key, value))
        })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'n Node, &'n Node)> + use<'n> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn word(&self, key: &str) -> Option<Name> {
        let node = self.get(key)?;
        text(node).map(|it| Name { it: it.to_owned(), span: node.span })
    }

    /// A word that has to be there.
    pub(super) fn needed(&self, key: &str, found: &mut Vec<Diagnostic>) -> Option<Name> {
        let word = self.word(key);
        if word.is_none() {
            let place =
                self.get(key).map_or(Span { end: self.span.start, ..self.span }, |it| it.span);
            found.push(Diagnostic::error(
                "U004",
                place,
                format!("`{key}:` is missing here, or is no word"),
            ));
        }
        word
    }

    pub(super) fn number(&self, key: &str, found: &mut Vec<Diagnostic>) -> Option<u128> {
        let word = self.word(key)?;
        let parsed = number(&word.it);
        if parsed.is_none() {
            found.push(Diagnostic::error("U004", word.span, format!("`{key}:` is no number")));
        }
        parsed
    }

    /// IDL text; `None` where there is none or it is empty.
    pub(super) fn code(&self, key: &str) -> Option<Span> {
        self.get(key).and_then(code)
    }
}

/// The place of an IDL text that is not empty.
pub(super) fn code(node: &Node) -> Option<Span> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.text.trim().is_empty() => Some(scalar.inner),
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// The text of a scalar.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) => Some(&scalar.text),
        Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// The items of a list; anything else is a list of itself.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::Sequence(items) => items,
        Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    }
}

/// `768`, `0x300`, `0b11`.
pub(in super::super) fn number(text: &str) -> Option<u128> {
    let digits = text.replace('_', "");
    match digits.get(..2) {
        Some("0x") => u128::from_str_radix(&digits[2..], 16).ok(),
        Some("0b") => u128::from_str_radix(&digits[2..], 2).ok(),
        _ => digits.parse().ok(),
    }
}

/// `31-20` or `7`: the highest and the lowest bit.
pub(super) fn range(text: &str) -> Option<(u32, u32)> {
    let (high, low) = text.split_once('-').unwrap_or((text, text));
    let (high, low) = (high.trim().parse().ok()?, low.trim().parse().ok()?);
    (low <= high && high < 128).then_some((high, low))
}
