//! What the author of a specification expects, against what was found.

use model::diagnostic::Sources;
use model::isa::{Expectation, Isa, Premise, Verdict};
use model::theorem::Theorem;

use super::diagram::PROVED;
use super::findings::Place;
use super::{PairReport, Report, Unmet};
use crate::prove::answer::Answer;
use crate::traps::expected::Outcome;

/// Compares the findings with what the author expects in this profile; `outcomes` are those that were asked for.
pub(crate) fn check(isa: &Isa, sources: &Sources, report: &mut Report, outcomes: &[Outcome]) {
    let profile = report.profile;
    let at = |span: model::diagnostic::Span| Some(Place::of(sources, span));
    let mut unmet = Vec::new();
    let mut checked = 0;
    for pair in &report.pairs {
        for (class, found) in isa.classes.iter().zip(&pair.instructions) {
            let words =
                class.expect.iter().filter(|(p, _)| *p == profile).flat_map(|(_, words)| words);
            for word in words {
                let mode = word.mode.as_deref();
                if mode.is_some_and(|mode| mode != pair.supervisor && mode != pair.user) {
                    continue;
                }
                checked += 1;
                let name = mode.map_or(word.property.word().to_owned(), |mode| {
                    format!("{} in {mode}", word.property.word())
                });
                let Some(answer) = found.property_in(word.property, mode) else {
                    let by_mode = mode.is_some() && found.property(word.property).is_some();
                    unmet.push(Unmet {
                        expected: format!("{}: {name}", found.name),
                        found: if by_mode {
                            format!("{} is not asked for one mode", word.property.word())
                        } else {
                            format!("profile {} does not ask", profile.word())
                        },
                        at: at(word.span),
                        undecided: true,
                    });
                    continue;
                };
                let wanted = if word.holds { Answer::Yes } else { Answer::No };
                if answer != wanted && !(answer == Answer::Vacuous && word.holds) {
                    let not = if word.holds { "" } else { "not " };
                    unmet.push(Unmet {
                        expected: format!("{}: {not}{name}", found.name),
                        found: format!("{name}: {}", answer.word()),
                        at: at(word.span),
                        undecided: answer == Answer::Undecided,
                    });
                }
            }
        }
        for (_, expected) in isa.expect.iter().filter(|(p, _)| *p == profile) {
            theorem_expectations(
                pair,
                expected,
                expected.span.and_then(at).as_ref(),
                &mut checked,
                &mut unmet,
            );
        }
    }
    if isa.pairs.is_empty() {
        for class in &isa.classes {
            let words =
                class.expect.iter().filter(|(p, _)| *p == profile).flat_map(|(_, words)| words);
            for word in words {
                checked += 1;
                let not = if word.holds { "" } else { "not " };
                unmet.push(Unmet {
                    expected: format!("{}: {not}{}", class.name, word.property.word()),
                    found: "this machine has no modes: nothing is classified".into(),
                    at: at(word.span),
                    undecided: false,
                });
            }
        }
        for (_, expected) in isa.expect.iter().filter(|(p, _)| *p == profile) {
            let place = expected.span.and_then(at);
            not_applicable(expected, place.as_ref(), &mut checked, &mut unmet);
        }
    }
    checked += outcomes.len() as u64;
    unmet.extend(outcomes.iter().filter_map(|it| {
        let (found, undecided) = it.otherwise.clone()?;
        Some(Unmet { expected: it.expected.clone(), found, at: at(it.span), undecided })
    }));
    for run in model::runs::replay(isa) {
        let (expected, found) = (run.expected, run.found);
        unmet.push(Unmet { expected, found, at: at(run.span), undecided: false });
    }
    report.unmet = unmet;
    report.expectations = checked + model::runs::count(isa) as u64;
}

/// On a machine without modes every theorem is not applicable, whatever else is expected.
fn not_applicable(
    expected: &Expectation,
    at: Option<&Place>,
    checked: &mut u64,
    unmet: &mut Vec<Unmet>,
) {
    for theorem in Theorem::ALL {
        let (name, it) = (theorem.key(), expected.of(theorem));
        let (premise, verdict) = (it.premise, it.verdict);
        let premise = premise.map(|p| format!("{name}: premise {}", p.word()));
        let verdict = verdict
            .filter(|v| *v != Verdict::NotApplicable)
            .map(|v| format!("{name}: {}", v.word()));
        *checked += 1;
        for expected in premise.into_iter().chain(verdict) {
            let found =
                format!("{name}: {}, the machine has no modes", Verdict::NotApplicable.word());
            unmet.push(Unmet { expected, found, at: at.cloned(), undecided: false });
        }
    }
}

fn theorem_expectations(
    pair: &PairReport,
    expected: &Expectation,
    at: Option<&Place>,
    checked: &mut u64,
    unmet: &mut Vec<Unmet>,
) {
    let t = &pair.theorems;
    let name = format!("{}:{}", pair.supervisor, pair.user);
    if expected.pair.as_ref().is_some_and(|wanted| *wanted != name) {
        return;
    }
    let mut check = |wanted: &str, found: &str, undecided: bool| {
        *checked += 1;
        if wanted != found {
            let (expected, found) = (wanted.to_owned(), found.to_owned());
            unmet.push(Unmet { expected, found, at: at.cloned(), undecided });
        }
    };
    for theorem in Theorem::ALL {
        let (name, it) = (theorem.key(), expected.of(theorem));
        let (p, v, theorem) = (t.premise(theorem), t.verdict(theorem), t.monitor(theorem));
        if let Some(wanted) = it.premise {
            let text = |p: Premise| format!("{name}: premise {}", p.word());
            check(&text(wanted), &text(p), p == Premise::Undecided);
        }
        if let Some(wanted) = it.verdict {
            let text = |v: Verdict| format!("{name}: {}", v.word());
            check(&text(wanted), &text(v), v == Verdict::Undecided);
        }
        if let Some(wanted) = &it.conditions {
            let list = |conditions: &[String]| {
                let mut all = conditions.to_vec();
                all.sort();
                format!("{name}: conditions [{}]", all.join(", "))
            };
            let found = theorem.map_or(&[][..], |t| t.conditions.as_slice());
            check(&list(wanted), &list(found), v == Verdict::Undecided);
        }
        if let Some(wanted) = it.diagram {
            let found = theorem.and_then(|t| t.diagram.as_ref()).map(|d| (d, d.failing.is_empty()));
            let (found, open) = match found {
                Some((d, true)) if d.equivalence == PROVED => ("commutes", false),
                Some((_, false)) => ("fails", false),
                Some((_, true)) => ("undecided", true),
                None => ("not asked, as direct execution is not right", v == Verdict::Undecided),
            };
            check(
                &format!("{name}: diagram {}", wanted.word()),
                &format!("{name}: diagram {found}"),
                open,
            );
        }
    }
    if let Some(wanted) = &expected.offending {
        let mut wanted = wanted.clone();
        let mut found = t.vmm.offending.clone();
        wanted.sort();
        found.sort();
        // An instruction that is not settled may yet turn out to be offending, or not.
        let open: Vec<&str> =
            pair.instructions.iter().filter(|i| i.may_offend()).map(|i| i.name.as_str()).collect();
        let possible = found.iter().all(|name| wanted.contains(name))
            && wanted.iter().all(|w| found.contains(w) || open.contains(&w.as_str()));
        let least = if open.is_empty() { "" } else { "at least " };
        // Equal lists are the same only where nothing is open.
        *checked += 1;
        if wanted != found || !open.is_empty() {
            unmet.push(Unmet {
                expected: format!("offending: [{}]", wanted.join(", ")),
                found: format!("offending: {least}[{}]", found.join(", ")),
                at: at.cloned(),
                undecided: possible && !open.is_empty(),
            });
        }
    }
}
