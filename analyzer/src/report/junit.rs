//! Findings as a report of `JUnit`: a suite for each specification, a case for each instruction, trap and theorem of a pair.

use std::fmt::Write as _;

use model::rule::Rule;
use model::theorem::Theorem;

use super::Report;
use super::findings::Finding;

/// One document for all reports.
pub fn render(reports: &[Report]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for report in reports {
        suite(&mut out, report);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &Report) {
    let mut cases: Vec<(String, String, Vec<&Finding>)> = Vec::new();
    for pair in &report.pairs {
        let name = pair.name();
        let instructions = pair.instructions.iter().map(|it| ("", it.name.as_str()));
        let traps = pair.traps.iter().map(|it| (".traps", it.name.as_str()));
        let theorems = Theorem::ALL.map(|theorem| (".theorems", theorem.key()));
        for (kind, subject) in instructions.chain(traps).chain(theorems) {
            let of = |it: &&Finding| {
                let sort = match it.rule {
                    Rule::TrapEntry => ".traps",
                    Rule::Undecided | Rule::Required => ".theorems",
                    _ => "",
                };
                let (it_is, here) = ((sort, it.subject.as_str()), (kind, subject));
                it.pair.as_deref() == Some(name.as_str()) && it_is == here && it.counts()
            };
            let found = report.findings.iter().filter(of).collect();
            cases.push((format!("{}.{name}{kind}", report.isa), subject.to_owned(), found));
        }
    }
    for finding in report.findings.iter().filter(|it| it.pair.is_none() && it.counts()) {
        cases.push((report.isa.clone(), finding.subject.clone(), vec![finding]));
    }
    let failures = cases.iter().filter(|(.., found)| !found.is_empty()).count();
    let (name, tests) = (escape(&report.isa), cases.len());
    let _ =
        writeln!(out, "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\">");
    for (class, subject, found) in cases {
        let (class, subject) = (escape(&class), escape(&subject));
        let head = format!("    <testcase classname=\"{class}\" name=\"{subject}\"");
        if found.is_empty() {
            let _ = writeln!(out, "{head}/>");
            continue;
        }
        let _ = writeln!(out, "{head}>");
        for finding in found {
            let at = finding.at.as_ref().map_or(String::new(), |at| format!("{at}: "));
            let (message, kind) = (escape(&finding.message), finding.rule.code());
            let text = escape(&format!("{at}{}", finding.message));
            let _ = writeln!(
                out,
                "      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>"
            );
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

/// XML 1.0 has no form at all for most control characters (section 2.2).
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
