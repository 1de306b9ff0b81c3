//! Findings as workflow commands of GitHub Actions, which annotate the lines of a pull request
//! (GitHub documentation, "Workflow commands": a message and its properties are escaped differently).

use super::Report;
use super::findings::Place;

/// One line for each finding that counts, an error where it makes the run fail; a notice where there is none.
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
    // Silence could be a run that looked at nothing.
    if out.is_empty() {
        let accepted = match report.findings.len() {
            0 => String::new(),
            n => format!(" ({n} known or allowed)"),
        };
        let message = format!("{}: there is no finding that counts{accepted}", report.isa);
        let place = Place::start(&report.file);
        out.push_str(&annotation("notice", Some(&place), "no finding", &message));
    }
    out
}

/// The annotation of what could not be read, at the beginning of the file.
pub fn could_not_run(path: &str, why: &str) -> String {
    annotation("error", Some(&Place::start(path)), "could not run", &format!("{path}: {why}"))
}

/// One annotation: `error`, `warning` or `notice`, where, and what.
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
