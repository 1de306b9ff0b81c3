//! Findings as workflow commands of GitHub Actions, which annotate the lines of a pull request
//! (GitHub documentation, "Workflow commands": a message and its properties are escaped differently).

use super::Report;
use super::findings::Place;

/// One line for each finding that counts; an error where it makes the run fail.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    for finding in report.findings.iter().filter(|it| it.counts()) {
        let level = if finding.fails() { "error" } else { "warning" };
        let title = format!("{}: {}", finding.rule.code(), finding.rule.title());
        let message = match &finding.pair {
            Some(pair) => format!("{} ({}, {pair})", finding.message, report.isa),
            None => format!("{} ({})", finding.message, report.isa),
        };
        out.push_str(&annotation(level, finding.at.as_ref(), &title, &message));
    }
    out
}

/// One annotation: `error` or `warning`, where, and what.
pub(crate) fn annotation(level: &str, at: Option<&Place>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(at) = at {
        properties.push(format!("file={}", property(&at.file)));
        properties.push(format!("line={},endLine={}", at.line, at.end_line));
        properties.push(format!("col={},endColumn={}", at.column, at.end_column));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
