//! A document as a web page that needs nothing else: no script, no font, no picture.

use std::fmt::Write as _;

use super::document::{Block, Table};
use crate::report::html::markup::escape;

const STYLE: &str = "body{font:16px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}\
h1,h2,h3{line-height:1.2}table{border-collapse:collapse;margin:1rem 0;font:14px/1.3 monospace}\
th,td{border-bottom:1px solid #ccc;padding:.1rem .7rem;text-align:left}pre{background:#f4f4f4;padding:.6rem;overflow-x:auto}\
@media print{body{max-width:none;margin:0}}";

/// The document; its title is the first heading.
pub fn render(document: &[Block]) -> String {
    let title = document.iter().find_map(|block| match block {
        Block::Heading(_, text) => Some(text.as_str()),
        _ => None,
    });
    let title = escape(title.unwrap_or_default());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    for block in document {
        match block {
            Block::Heading(level, text) => {
                let _ = writeln!(out, "<h{level}>{}</h{level}>", escape(text));
            }
            Block::Paragraph(lead, text) => {
                let _ = writeln!(out, "<p>{}</p>", led(lead, text));
            }
            Block::List(points) => {
                out.push_str("<ul>\n");
                for (lead, text) in points {
                    let _ = writeln!(out, "<li>{}</li>", led(lead, text));
                }
                out.push_str("</ul>\n");
            }
            Block::Table(table) => self::table(&mut out, table),
            Block::Lines(lines) => {
                let _ = writeln!(out, "<pre>{}</pre>", escape(&lines.join("\n")));
            }
        }
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn led(lead: &str, text: &str) -> String {
    match lead {
        "" => escape(text),
        lead => format!("<b>{}</b> {}", escape(lead), escape(text)),
    }
}

fn table(out: &mut String, table: &Table) {
    let line = |tag: &str, cells: &[String]| {
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{}</tr>\n", cells.concat())
    };
    out.push_str("<table>\n");
    out.push_str(&line("th", &table.header));
    for row in &table.rows {
        out.push_str(&line("td", row));
    }
    out.push_str("</table>\n");
}
