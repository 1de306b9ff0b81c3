//! Syntax errors of texts that were not looked at, because their specification has other errors.

use crate::diagnostic::{Diagnostic, Report, Sources};
use crate::parser;
use crate::yaml::{self, Node, Value};

/// Keys whose value is a list of statements.
const STATEMENTS: &[&str] = &[
    "address",
    "on-trap",
    "advance",
    "unlisted",
    "reset",
    "default",
    "write",
    "deprivilege",
    "semantics",
];

/// Keys whose value is an expression.
const EXPRESSIONS: &[&str] = &["psw", "fetch", "halted", "that", "when", "read"];

/// Keys below which names of the author's stand, and no code.
const NAMES: &[&str] = &["state", "constants", "operands", "fix", "runs", "expect", "allow"];

/// The errors, and the syntax errors of all files beside them, in order of place.
pub(crate) fn with_errors(errors: Vec<Diagnostic>, sources: &Sources) -> Vec<Diagnostic> {
    let mut report = Report::default();
    for error in errors {
        report.push(error);
    }
    for (file, source) in sources.files.iter().enumerate() {
        if let Ok(node) = yaml::parse(&source.text, file as u32) {
            look(&node, sources, &mut report);
        }
    }
    report.finish().into_iter().filter(Diagnostic::is_error).collect()
}

fn look(node: &Node, sources: &Sources, report: &mut Report) {
    match &node.value {
        Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter().for_each(|item| look(item, sources, report)),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let Value::Scalar(key) = &key.value else { continue };
                if !NAMES.contains(&key.text.as_str()) {
                    look(value, sources, report);
                    texts(&key.text, value, sources, report);
                }
            }
        }
    }
}

/// Parses the value of a key, if that is code.
fn texts(key: &str, value: &Node, sources: &Sources, report: &mut Report) {
    let items =
        if let Value::Sequence(items) = &value.value { items } else { std::slice::from_ref(value) };
    for item in items {
        let Value::Scalar(scalar) = &item.value else { continue };
        // Escapes and a missing value are errors of their own.
        let text = sources.slice(scalar.inner);
        if text.contains('\\') || text.contains("''") || text.trim().is_empty() {
            continue;
        }
        if STATEMENTS.contains(&key) {
            parser::statements(scalar.inner, sources, report);
        } else if EXPRESSIONS.contains(&key) {
            parser::expression(scalar.inner, sources, report);
        } else if key == "functions" {
            parser::functions(scalar.inner, sources, report);
        }
    }
}
