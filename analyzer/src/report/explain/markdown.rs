//! A document as Markdown.

use std::fmt::Write as _;

use super::document::{Block, Table};
use crate::report::markdown::plain;

/// The document, with nothing of a specification as markup.
pub fn render(document: &[Block]) -> String {
    let mut out = String::new();
    for block in document {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Heading(level, text) => {
                let _ = writeln!(out, "{} {}", "#".repeat(*level), plain(text));
            }
            Block::Paragraph(lead, text) => {
                let _ = writeln!(out, "{}", led(lead, text));
            }
            Block::List(points) => {
                for (lead, text) in points {
                    let _ = writeln!(out, "- {}", led(lead, text));
                }
            }
            Block::Table(table) => self::table(&mut out, table),
            // Indented by four: nothing in it is markup, and no fence can be closed.
            Block::Lines(lines) => {
                for line in lines {
                    let line: String =
                        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                    let _ = writeln!(out, "    {line}");
                }
            }
        }
    }
    out
}

fn led(lead: &str, text: &str) -> String {
    match lead {
        "" => plain(text),
        lead => format!("**{}** {}", plain(lead), plain(text)),
    }
}

fn table(out: &mut String, table: &Table) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    out.push_str(&line(&table.header));
    let _ = writeln!(out, "|{}", "---|".repeat(table.header.len()));
    for row in &table.rows {
        out.push_str(&line(row));
    }
}
