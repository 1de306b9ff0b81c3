//! The paper's table: machines side by side, as a LaTeX tabular.

use std::fmt::Write as _;

use super::Report;
use super::atlas::{self, Row};

/// A tabular as wide as the text, with a line for each pair of each machine; it needs the package `booktabs`.
pub fn render(reports: &[Report]) -> String {
    let analyzed = reports.iter().filter(|it| !it.is_unreadable());
    let mut rows: Vec<Row> = analyzed.flat_map(atlas::rows).collect();
    atlas::sort(&mut rows);
    let mut out = String::from(
        "\\begin{tabular}{@{}p{.17\\textwidth}p{.15\\textwidth}rp{.23\\textwidth}p{.23\\textwidth}r@{}}\n\\toprule\nmachine & modes & $n$ & Theorem 1 & Theorem 3 & $s$ \\\\\n\\midrule\n",
    );
    for row in rows {
        let modes = row.pair.as_deref().unwrap_or("--").replace('→', "$\\rightarrow$");
        let _ = writeln!(
            out,
            "\\texttt{{{}}} & {} & {} & {} & {} & {} \\\\",
            breakable(&row.isa),
            modes
                .split("$\\rightarrow$")
                .map(breakable)
                .collect::<Vec<_>>()
                .join("$\\rightarrow$\\allowbreak "),
            row.instructions,
            breakable(&row.vmm),
            breakable(&row.hvmm),
            row.offending.len()
        );
    }
    out.push_str("\\bottomrule\n\\end{tabular}\n");
    out.push_str("% n: instructions; s: those that are sensitive and not privileged\n");
    out
}

/// Text that may also be broken behind a hyphen, a dot or an underscore.
fn breakable(text: &str) -> String {
    let text = escape(text);
    ["-", ".", "\\_"]
        .into_iter()
        .fold(text, |text, at| text.replace(at, &format!("{at}\\allowbreak{{}}")))
}

/// Text in which nothing is a command.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '|' => out.push_str("\\textbar{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
