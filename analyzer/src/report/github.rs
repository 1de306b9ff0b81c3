//! Findings as workflow commands of GitHub Actions, which annotate the lines of a pull request
//! (GitHub documentation, "Workflow commands": a message and its properties are escaped differently).

use std::fmt::Write as _;

use super::Report;

/// One line for each finding that counts; an error where it makes the run fail.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    for finding in report.findings.iter().filter(|it| it.counts()) {
        let level = if finding.fails() { "error" } else { "warning" };
        let mut properties = Vec::new();
        if let Some(at) = &finding.at {
            properties.push(format!("file={}", property(&at.file)));
            properties.push(format!("line={},endLine={}", at.line, at.end_line));
            properties.push(format!("col={},endColumn={}", at.column, at.end_column));
        }
        let title = format!("{}: {}", finding.rule.code(), finding.rule.title());
        properties.push(format!("title={}", property(&title)));
        let message = match &finding.pair {
            Some(pair) => format!("{} ({}, {pair})", finding.message, report.isa),
            None => format!("{} ({})", finding.message, report.isa),
        };
        let _ = writeln!(out, "::{level} {}::{}", properties.join(","), data(&message));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
