//! A document as a LaTeX article; it needs the package `longtable` only.

use std::fmt::Write as _;

use super::document::{Block, Table};
use crate::report::latex::escape;

const HEAD: &str = "\\documentclass[11pt]{article}\n\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}\n\
\\usepackage{longtable}\n\\setlength{\\parindent}{0pt}\n\\setlength{\\parskip}{6pt}\n\\sloppy\n\\begin{document}\n";

/// The document, with nothing of a specification as a command.
pub fn render(document: &[Block]) -> String {
    let mut out = String::from(HEAD);
    for block in document {
        match block {
            Block::Heading(1, text) => {
                let _ = writeln!(out, "\\begin{{center}}\\LARGE {}\\end{{center}}", typeset(text));
            }
            Block::Heading(level, text) => {
                let command = if *level == 2 { "section*" } else { "subsection*" };
                let _ = writeln!(out, "\\{command}{{{}}}", typeset(text));
            }
            Block::Paragraph(lead, text) => {
                let _ = writeln!(out, "{}\n", led(lead, text));
            }
            Block::List(points) => {
                out.push_str("\\begin{itemize}\n");
                for (lead, text) in points {
                    // Braces: what follows in brackets would be a label.
                    let _ = writeln!(out, "\\item {{}}{}", led(lead, text));
                }
                out.push_str("\\end{itemize}\n");
            }
            Block::Table(table) => self::table(&mut out, table),
            Block::Lines(lines) => {
                let line =
                    |line: &String| format!("\\texttt{{{}}}", typeset(line).replace(' ', "~"));
                let lines: Vec<String> = lines.iter().map(line).collect();
                let _ = writeln!(
                    out,
                    "\\begin{{flushleft}}\n{}\n\\end{{flushleft}}",
                    lines.join("\\\\{}\n")
                );
            }
        }
    }
    out.push_str("\\end{document}\n");
    out
}

fn led(lead: &str, text: &str) -> String {
    match lead {
        "" => typeset(text),
        lead => format!("\\textbf{{{}}} {}", typeset(lead), typeset(text)),
    }
}

fn table(out: &mut String, table: &Table) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| typeset(cell)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    // Braces: a row may begin with a bracket, which `\\` would take for its argument.
    let line = |cells: &[String]| format!("{{}}{}", line(cells));
    let _ = writeln!(
        out,
        "{{\\small\\begin{{longtable}}{{{}}}\n\\hline",
        "l".repeat(table.header.len())
    );
    out.push_str(&line(&table.header));
    out.push_str("\\hline\n");
    for row in &table.rows {
        out.push_str(&line(row));
    }
    out.push_str("\\hline\n\\end{longtable}}\n");
}

/// Text in which nothing is a command, with the signs that fonts lack as mathematics.
fn typeset(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars() {
        match sign(c) {
            Some(command) => {
                let _ = write!(out, "\\ensuremath{{{command}}}");
            }
            // Letters up to Latin Extended-A are in the fonts of T1.
            None if c.is_ascii() || c.is_alphabetic() && c <= '\u{17f}' => out.push(c),
            None => out.push_str(punctuation(c)),
        }
    }
    out
}

/// A sign of mathematics.
const fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        '⟨' => "\\langle",
        '⟩' => "\\rangle",
        '⊕' => "\\oplus",
        '⊆' => "\\subseteq",
        '∈' => "\\in",
        '∅' => "\\emptyset",
        '∖' => "\\setminus",
        '≠' => "\\neq",
        '≤' => "\\leq",
        '≥' => "\\geq",
        '→' => "\\rightarrow",
        '−' => "-",
        '×' => "\\times",
        '·' => "\\cdot",
        '′' => "{}'",
        'β' => "\\beta",
        'µ' | 'μ' => "\\mu",
        _ => return None,
    })
}

/// What the standard fonts have no glyph for is a question mark, not an error.
const fn punctuation(c: char) -> &'static str {
    match c {
        '∎' => "\\rule{1ex}{1ex}",
        '–' => "--",
        '—' => "---",
        '“' | '”' => "\"",
        '’' | '‘' => "'",
        '…' => "\\ldots{}",
        '§' => "\\S{}",
        '°' => "\\textdegree{}",
        _ => "?",
    }
}
