//! The table of traps as a LaTeX longtable.

use std::fmt::Write as _;

use super::TrapTable;
use super::text::together;
use crate::report::latex::escape;

/// A row for each group of instructions and modes that do the same; it needs the packages `booktabs` and `longtable`.
pub fn render(it: &TrapTable) -> String {
    let mut out = String::from(
        "\\begin{longtable}{p{.3\\linewidth}p{.2\\linewidth}p{.4\\linewidth}}\n\\toprule\ninstructions & modes & what happens \\\\\n\\midrule\n",
    );
    for (names, modes) in together(&it.instructions) {
        for (i, (modes, lines)) in modes.into_iter().enumerate() {
            let names = if i == 0 { escape(&names) } else { String::new() };
            let _ =
                writeln!(out, "{names} & {} & {} \\\\", escape(&modes), escape(&lines.join("; ")));
        }
    }
    out.push_str("\\bottomrule\n\\end{longtable}\n");
    out
}
