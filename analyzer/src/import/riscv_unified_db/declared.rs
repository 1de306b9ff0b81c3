//! What `access:` of the database declares of each instruction and mode, beside what its code does.
//!
//! A declaration becomes an expected outcome of the specification, which every analysis decides for all states. What
//! comes of it is a finding at the declaration's line of the database, and no longer an expectation of an author.

use model::diagnostic::{Sources, Span};
use model::rule::Rule;

use crate::report::Report;
use crate::report::findings::{Finding, Place};

use super::database::Instruction;
use super::translate::Translator;

/// A declaration, as the outcome that decides it.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The instruction.
    pub instruction: String,
    /// The mode, as the specification names it.
    pub mode: String,
    /// `always`, `sometimes` or `never`.
    pub word: String,
    /// Where it stands.
    pub span: Span,
    /// The expected outcome.
    outcome: String,
    /// Whether the declaration is wrong where the outcome is as expected, or where it is not.
    wrong_if_met: bool,
}

/// The outcomes that decide the declarations of an instruction; `guards` are the operands that belong to it.
pub(super) fn outcomes(
    translator: &Translator<'_>,
    it: &Instruction,
    traps: bool,
    guards: &[String],
) -> Vec<Declared> {
    if translator.modes.len() < 2 {
        return Vec::new();
    }
    let denied: Vec<&str> = [2, 22]
        .iter()
        .filter_map(|number| {
            let found = translator
                .exceptions
                .iter()
                .find(|(name, it)| *it == number && translator.raised.contains(*name));
            found.map(|(name, _)| name.as_str())
        })
        .collect();
    let when =
        if guards.is_empty() { String::new() } else { format!(" when {}", guards.join(" && ")) };
    let mut all = Vec::new();
    for access in &it.access {
        let mode =
            translator.modes.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&access.mode));
        let Some((_, mode, _)) = mode else { continue };
        let mut add = |outcome: String, wrong_if_met: bool| {
            all.push(Declared {
                instruction: it.name.it.clone(),
                mode: (*mode).to_owned(),
                word: access.word.clone(),
                span: access.span,
                outcome: format!("{outcome} in {mode}{when}"),
                wrong_if_met,
            });
        };
        match access.word.as_str() {
            "never" => add("not completes".into(), false),
            "always" if traps => {
                for trap in &denied {
                    add(format!("not traps({trap})"), false);
                }
            }
            "sometimes" => {
                add("not completes".into(), true);
                if denied.is_empty() || !traps {
                    add("completes".into(), true);
                } else {
                    for trap in &denied {
                        add(format!("not traps({trap})"), true);
                    }
                }
            }
            _ => {}
        }
    }
    all
}

impl Declared {
    /// That a trap which refuses the instruction is not taken.
    fn is_refusal(&self) -> bool {
        self.outcome.starts_with("not traps(")
    }

    /// The expectation as it stands in the specification.
    pub(super) fn expectation(&self) -> &str {
        &self.outcome
    }
}

/// Takes what became of the declarations out of a report's expectations, and makes findings of those that are wrong.
pub fn judge(report: &mut Report, all: &[Declared], sources: &Sources, first: u32) {
    let mut findings = Vec::new();
    // What became of each: none where the outcome is as expected.
    let mut unmet = Vec::new();
    for it in all {
        let expected = format!("{}: {}", it.instruction, it.outcome);
        let found = report.unmet.iter().position(|unmet| unmet.expected == expected);
        // What is undecided stays what it is: an expectation that is not known to hold.
        if found.is_some_and(|i| report.unmet[i].undecided) {
            unmet.push(None);
            continue;
        }
        unmet.push(Some(found.map(|i| report.unmet.remove(i).found)));
        let is_expectation = |it: &Finding| it.rule == Rule::Expectation && it.subject == expected;
        report.findings.retain(|finding| !is_expectation(finding));
    }
    for (it, known) in all.iter().zip(&unmet) {
        // It is refused sometimes if one of the traps that refuse it may be taken: all of them are looked at together.
        let refused = |other: &Declared| {
            let same = other.instruction == it.instruction && other.mode == it.mode;
            same && other.wrong_if_met && other.is_refusal() == it.is_refusal()
        };
        let siblings = || all.iter().zip(&unmet).filter(|(other, _)| refused(other));
        let what = match known {
            Some(Some(found)) if !it.wrong_if_met => format!("its code may do otherwise: {found}"),
            Some(None) if it.wrong_if_met => {
                let first = siblings().next().is_some_and(|(other, _)| std::ptr::eq(other, it));
                if !first || !siblings().all(|(_, known)| matches!(known, Some(None))) {
                    continue;
                }
                let words = if it.outcome.starts_with("not completes") {
                    "its code never completes there"
                } else if it.is_refusal() {
                    "its code never refuses it there"
                } else {
                    "its code always completes there"
                };
                words.to_owned()
            }
            None | Some(_) => continue,
        };
        let message = format!(
            "{}: `access:` says {} in {} mode, and {what}",
            it.instruction, it.word, it.mode
        );
        let place = Place::of(sources, Span { file: it.span.file + first, ..it.span });
        let subject = format!("{} in {}", it.instruction, it.mode);
        findings.push(Finding::new(Rule::Declared, None, &subject, message).at(Some(place)));
    }
    report.findings.extend(findings);
}
