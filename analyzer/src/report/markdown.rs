//! A report as Markdown, for the summary of a job or a comment.

use std::fmt::Write as _;

use model::theorem::Theorem;

use super::Report;
use super::findings::Baseline;

/// Verdicts, then the findings that count.
pub fn render(report: &Report) -> String {
    let mut out = format!("## {}: {}\n", plain(&report.isa), plain(&report.title));
    let _ = writeln!(out, "\nProfile {}.", report.profile.word());
    if report.is_unreadable() {
        out.push_str("\nNothing was analyzed.\n");
    } else if report.pairs.is_empty() {
        out.push_str("\nThe machine has no modes: the theorems are not applicable.\n");
    } else {
        out.push_str("\n| modes | theorem | claim | verdict |\n|---|---|---|---|\n");
    }
    for pair in &report.pairs {
        for theorem in Theorem::ALL {
            let verdict = pair.theorems.verdict_in_words(theorem);
            let modes = format!("{} → {}", pair.supervisor, pair.user);
            let (name, claim) = (theorem.name(), theorem.claim());
            let _ = writeln!(out, "| {} | {name} | {claim} | {} |", plain(&modes), plain(&verdict));
        }
    }
    let counted: Vec<_> = report.findings.iter().filter(|it| it.counts()).collect();
    if !counted.is_empty() {
        out.push_str("\n| finding | place | what |\n|---|---|---|\n");
    }
    for finding in &counted {
        let new = if finding.baseline == Some(Baseline::New) { " (new)" } else { "" };
        let at = finding.at.as_ref().map_or(String::new(), ToString::to_string);
        let (code, what) = (finding.rule.code(), plain(&finding.message));
        let _ = writeln!(out, "| {code}{new} | {} | {what} |", plain(&at));
    }
    let hidden = report.findings.len() - counted.len();
    if hidden > 0 {
        let _ = writeln!(out, "\n{hidden} more are known or allowed.");
    }
    out
}

/// Text in which nothing is markup.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
