//! Names and lines of our language.

use std::fmt::Write as _;

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
                let _ = writeln!(out, "{pad}{text}");
            }
            Line::If(condition, then, otherwise) => {
                let _ = writeln!(out, "{pad}if {} {{", condition.text);
                printed(then, indent + 2, out);
                let mut rest = otherwise;
                // `else if` where nothing else stands in the other branch.
                while let [Line::If(condition, then, otherwise)] = &rest[..] {
                    let _ = writeln!(out, "{pad}}} else if {} {{", condition.text);
                    printed(then, indent + 2, out);
                    rest = otherwise;
                }
                if !rest.is_empty() {
                    let _ = writeln!(out, "{pad}}} else {{");
                    printed(rest, indent + 2, out);
                }
                let _ = writeln!(out, "{pad}}}");
            }
        }
    }
}
