//! What a reader must not miss stands in front and is never cut: unmet expectations, gates, gaps, what is undecided.

use std::collections::BTreeMap;

use anstyle::AnsiColor::{Red, Yellow};
use model::isa::{Premise, Verdict};
use model::theorem::Theorem;

use super::layout::{Page, bright};
use super::{PairReport, Report, listed, monitors};
use crate::prove::answer::Answer;
use crate::report::diagram::PROVED;
use crate::report::text::{entry, finding, gated, hidden, is_shown};
use crate::report::{Evidence, Unmet};

/// Expectations that are not met, and what a gate is about.
pub(super) fn of_report(page: &mut Page, report: &Report) {
    let (open, failed): (Vec<&Unmet>, Vec<&Unmet>) = report.unmet.iter().partition(|u| u.undecided);
    let of = report.expectations;
    for (unmet, what, color) in [(failed, "FAIL", Red), (open, "are UNDECIDED", Yellow)] {
        if unmet.is_empty() {
            continue;
        }
        let text = format!("{} of {of} expectations of the specification {what}:", unmet.len());
        page.painted(0, 4, &text, bright(color));
        for it in unmet {
            let at = it.at.as_ref().map_or(String::new(), |at| format!(" --> {at}"));
            page.text(2, 4, &format!("expected {}, found {}{at}", it.expected, it.found));
        }
    }
    let gated = gated(report);
    for it in report.findings.iter().filter(|it| is_shown(it, gated)) {
        page.painted(0, 4, &finding(report, it), bright(Red));
    }
    if gated {
        page.text(0, 4, &hidden(report));
    }
}

/// What is undecided about a pair, or goes wrong against its premise.
pub(super) fn of_pair(page: &mut Page, pair: &PairReport) {
    for text in about(pair) {
        page.painted(0, 2, &format!("! {text}"), bright(Yellow));
    }
}

/// What is undecided about a pair, or goes wrong against its premise, in sentences.
pub(in crate::report) fn about(pair: &PairReport) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: &str| warnings.push(text.to_owned());
    // What is said of both theorems is said once.
    let mut said: Vec<(Vec<Theorem>, String)> = Vec::new();
    for (theorem, it) in monitors(pair) {
        let mut say = |text: String| match said.iter_mut().find(|(_, known)| *known == text) {
            Some((of, _)) => of.push(theorem),
            None => said.push((vec![theorem], text)),
        };
        for obstacle in &it.obstacles {
            say(format!("undecided: {obstacle}"));
        }
        if it.premise == Premise::Undecided && it.verdict != Verdict::Undecided {
            say("whether the premise holds is undecided".into());
        }
        if it.gap {
            say(format!(
                "every instruction that must be privileged is, and yet direct execution goes wrong for {}: a gap in the definitions of 1974",
                it.refuting.join(", ")
            ));
        }
        if let Some(diagram) = it.diagram.as_ref().filter(|d| d.equivalence != PROVED) {
            say(format!("the commuting diagram {}", diagram.equivalence));
        }
        if let Some(loss) = it.diagram.as_ref().and_then(|d| d.loss.as_ref()) {
            say(format!(
                "behind the trap of {} in virtual {} mode the monitor does not find the guest: {} (--all shows the states)",
                loss.instruction,
                loss.mode,
                loss.broken.join("; ")
            ));
        }
    }
    for (of, text) in &said {
        let (names, verb) = match of.as_slice() {
            [one] => (one.name(), " is "),
            _ => ("Theorems 1 and 3", " are "),
        };
        let joint = if text.starts_with("undecided: ") { verb } else { ": " };
        warn(&format!("{names}{joint}{text}"));
    }
    for trap in pair.traps.iter().filter(|t| t.enters != Answer::Yes) {
        let shown = trap.evidence.as_ref().map_or("", |_| " (--all shows two guests)");
        warn(&format!("trap {}: {}{shown}", trap.name, entry(trap.enters)));
    }
    let mut open: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for it in &pair.instructions {
        for (key, evidence) in &it.evidence {
            if let Evidence::Open { reason } = evidence {
                open.entry((key.replace('_', " "), reason)).or_default().push(&it.name);
            }
        }
    }
    for ((what, reason), all) in open {
        warn(&format!("{what} is undecided: {reason}: {}", listed(all.into_iter(), " ")));
    }
    warnings
}
