//! Names and lines of our language.

use super::Line;

/// What our language and the machine have names for already.
pub(super) const TAKEN: &[&str] = &[
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
    "zext",
    "sext",
    "trunc",
    "slt",
    "sle",
    "sgt",
    "sge",
    "sdiv",
    "srem",
    "sar",
    "parity",
    "undefined",
    "arbitrary",
    "cells",
    "mem",
    "phys",
    "psw",
    "x",
    "pc",
    "prv",
    "base",
    "bound",
    "reserved",
    "mtime",
    "hartid",
    "csrs",
    "arg",
    "length",
    "size",
    "value",
    "set",
    "user",
    "supervisor",
    "machine",
    "virtual_user",
    "virtual_supervisor",
];

/// The name of a function of the database in our language.
pub(crate) fn spelled(name: &str) -> String {
    name.trim_end_matches('?').to_lowercase()
}

/// Lines as text, each level two columns further in.
pub(crate) fn printed(lines: &[Line], indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    for line in lines {
        match line {
            Line::Text(text) => {
                out.push_str(&format!("{pad}{text}\n"));
            }
            Line::If(condition, then, otherwise) => {
                out.push_str(&format!("{pad}if {} {{\n", condition.text));
                printed(then, indent + 2, out);
                let mut rest = otherwise;
                // `else if` where nothing else stands in the other branch.
                while let [Line::If(condition, then, otherwise)] = &rest[..] {
                    out.push_str(&format!("{pad}}} else if {} {{\n", condition.text));
                    printed(then, indent + 2, out);
                    rest = otherwise;
                }
                if !rest.is_empty() {
                    out.push_str(&format!("{pad}}} else {{\n"));
                    printed(rest, indent + 2, out);
                }
                out.push_str(&format!("{pad}}}\n"));
            }
        }
    }
}
