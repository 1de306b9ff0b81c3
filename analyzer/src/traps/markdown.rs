//! The table of traps as Markdown.

use std::fmt::Write as _;

use super::TrapTable;
use super::text::together;
use crate::report::markdown::plain;

/// A row for each group of instructions and modes that do the same.
pub fn render(it: &TrapTable) -> String {
    let mut out = format!("## {}: {}\n\n", plain(&it.isa), plain(&it.title));
    out.push_str("| instructions | modes | what happens |\n|---|---|---|\n");
    for (names, modes) in together(&it.instructions) {
        for (modes, lines) in modes {
            let (names, modes) = (plain(&names), plain(&modes));
            let _ = writeln!(out, "| {names} | {modes} | {} |", plain(&lines.join("; ")));
        }
    }
    out
}
