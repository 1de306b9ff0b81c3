//! The analyzer's report beside the oracle's answers.

use std::collections::BTreeSet;

use analyzer::answer::Answer;
use analyzer::report::{InstructionReport, PairReport, TheoremReport};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Class, Isa, Pair, Part, Profile, RegisterId, Role, TrapId, Verdict};
use model::property::Property;
use model::theorem::Theorem;
use rayon::prelude::*;

use crate::oracle::{self, Findings, Judged, Kept, PerMode, Privileged, fixed};

/// Every difference between the report on a machine and what the oracle says of it, and every
/// expectation of its author that is not met; empty if all agree.
pub fn disagreements(isa: &Isa, sources: &Sources, profile: Profile) -> Vec<String> {
    let judge = |class: &Class, pair: &Pair, strays: &[TrapId]| {
        oracle::judge(isa, class, pair, profile, strays)
    };
    disagreements_with(isa, sources, profile, &judge)
}

/// The same with answers of the oracle that may be known already.
pub fn disagreements_with(
    isa: &Isa,
    sources: &Sources,
    profile: Profile,
    judge: &(dyn Fn(&Class, &Pair, &[TrapId]) -> Findings + Sync),
) -> Vec<String> {
    let report = analyze(isa, sources, Options { profile, pair: None, timeout: None }, &|_, _| {});
    let mut all: Vec<String> = report
        .unmet
        .iter()
        .map(|unmet| format!("expected {}, found {}", unmet.expected, unmet.found))
        .collect();
    for (pair, found) in isa.pairs.iter().zip(&report.pairs) {
        let strays = oracle::strays(isa, pair, &[]);
        // That no place of the handler's would do, where one place is entered, is more than the analyzer finds
        // out: it leaves that open.
        let astray = oracle::astray(isa, pair);
        let left_open = |id: &TrapId| {
            found.traps[id.index()].enters == Answer::Undecided && !astray.contains(id)
        };
        if strays.iter().any(left_open) {
            for (it, theorem) in found.theorems.monitors() {
                let name = it.key();
                if theorem.verdict == Verdict::Holds {
                    all.push(format!("{name} holds, oracle: a trap leads to no monitor"));
                }
            }
            continue;
        }
        all.extend(traps(isa, &strays, found));
        let findings: Vec<Findings> =
            isa.classes.par_iter().map(|class| judge(class, pair, &strays)).collect();
        for (oracle, analyzer) in findings.iter().zip(&found.instructions) {
            all.extend(instruction(pair, oracle, analyzer));
        }
        let judged =
            Judged { isa, pair, profile, strays: &strays, all: &findings, fixed: fixed(isa, pair) };
        for (theorem, it) in found.theorems.monitors() {
            let lines = differences(&judged, theorem, found, it);
            all.extend(lines.map(|line| format!("{}: {line}", theorem.name())));
        }
    }
    let place = format!("{}, {}", isa.name, profile.word());
    all.into_iter().map(|line| format!("{place}: {line}")).collect()
}

/// The oracle's answer to a property, where a report gives none that is no.
fn answer(oracle: &Findings, property: Property) -> Answer {
    let either = |both: PerMode| both[0] || both[1];
    let holds = match property {
        Property::Privileged => match oracle.privileged {
            Privileged::Yes => true,
            Privileged::No => false,
            Privileged::Vacuous => return Answer::Vacuous,
        },
        Property::ControlSensitive => either(oracle.control_sensitive),
        Property::BehaviourSensitive => oracle.behaviour_sensitive(),
        Property::LocationSensitive => either(oracle.location_sensitive),
        Property::ModeSensitive => oracle.mode_sensitive,
        Property::ResourceSensitive => either(oracle.resource_sensitive),
        Property::ExtentSensitive => either(oracle.extent_sensitive),
        Property::TimeSensitive => either(oracle.time_sensitive),
        Property::TrapMasked => oracle.trap_masked,
        Property::TrapVisible => either(oracle.trap_visible),
        Property::UserSensitive => oracle.user_sensitive(),
        Property::Sensitive => oracle.sensitive(),
        Property::Innocuous => !oracle.sensitive(),
        Property::Unconfined => oracle.unconfined,
        Property::Statewise => oracle.square_breaks == [false; 3],
    };
    if holds { Answer::Yes } else { Answer::No }
}

/// The modes in which the oracle shows a property: supervisor, user, any other; none if the property is
/// not one of single modes.
fn modes(oracle: &Findings, property: Property) -> Option<[bool; 3]> {
    let pairwise = |[supervisor, user]: PerMode| [supervisor, user, false];
    Some(match property {
        Property::ControlSensitive => pairwise(oracle.control_sensitive),
        Property::LocationSensitive => pairwise(oracle.location_sensitive),
        Property::ResourceSensitive => pairwise(oracle.resource_sensitive),
        Property::ExtentSensitive => pairwise(oracle.extent_sensitive),
        Property::TimeSensitive => pairwise(oracle.time_sensitive),
        Property::TrapVisible => pairwise(oracle.trap_visible),
        Property::Unconfined => [false, oracle.unconfined, false],
        Property::Statewise => oracle.square_breaks,
        Property::Privileged
        | Property::BehaviourSensitive
        | Property::ModeSensitive
        | Property::TrapMasked
        | Property::UserSensitive
        | Property::Sensitive
        | Property::Innocuous => return None,
    })
}

/// One instruction: the oracle's answers and the report's.
fn instruction(pair: &Pair, oracle: &Findings, report: &InstructionReport) -> Vec<String> {
    let names = [pair.supervisor.0.as_str(), pair.user.0.as_str(), "another mode"];
    let mut all = Vec::new();
    for property in Property::ALL {
        let (name, word) = (&report.name, property.word());
        let (found, wanted) = (report.property(property), answer(oracle, property));
        if found.unwrap_or(Answer::No) != wanted {
            let found = found.map_or("not asked", Answer::word);
            all.push(format!("{name}: {word}: {found}, oracle: {}", wanted.word()));
        }
        let Some(holds) = modes(oracle, property) else { continue };
        let wanted: Vec<&str> =
            names.into_iter().zip(holds).filter(|(_, yes)| *yes).map(|(n, _)| n).collect();
        let found = report.modes.get(property.key()).cloned().unwrap_or_default();
        if found != wanted {
            all.push(format!("{name}: {word} in {found:?}, oracle: {wanted:?}"));
        }
    }
    all
}

/// Which traps lead to the monitor.
fn traps(isa: &Isa, strays: &[TrapId], report: &PairReport) -> Vec<String> {
    let mut all = Vec::new();
    for (i, found) in report.traps.iter().enumerate() {
        let stray = strays.contains(&TrapId(i as u32));
        let answer = if stray { Answer::No } else { Answer::Yes };
        if found.enters != answer {
            let (name, word) = (&isa.traps[i].name, found.enters.word());
            all.push(format!("trap {name}: enters: {word}, oracle: {}", answer.word()));
        }
    }
    all
}

/// Theorem 1 or 3.
fn differences(
    judged: &Judged<'_>,
    theorem: Theorem,
    report: &PairReport,
    found: &TheoremReport,
) -> impl Iterator<Item = String> + use<> {
    let isa = judged.isa;
    let oracle = judged.theorem(theorem);
    let names = |indices: &[usize]| -> Vec<String> {
        indices.iter().map(|i| isa.classes[*i].name.clone()).collect()
    };
    let wanted =
        (oracle.premise, oracle.verdict, names(&oracle.offending), names(&oracle.refuting));
    let answer = (found.premise, found.verdict, found.offending.clone(), found.refuting.clone());
    let mut all = Vec::new();
    // The analyzer tries one choice; whether another works it leaves open.
    let launching = |it: &String| it.starts_with("no instruction in supervisor mode");
    let unset = found.obstacles.iter().any(|it| launching(it) && it.contains(" = "));
    // It looks for one step with one place for each bit of a guest's, and for one instruction that sets what the step
    // relies on.
    let handing_over = |it: &String| {
        it.ends_with("as every guest needs it")
            || it.ends_with("no instruction in supervisor mode is known to set it again")
    };
    let tried = |it: &String| {
        it.ends_with("kept it is not known that all traps lead to the monitor")
            || launching(it) && unset
            || handing_over(it)
    };
    let open = found.verdict == Verdict::Undecided && found.obstacles.iter().all(tried);
    if open && (answer.0, &answer.2, &answer.3) == (wanted.0, &wanted.2, &wanted.3) {
        return all.into_iter();
    }
    if wanted != answer {
        let (theirs, ours) = (&found.obstacles, &oracle.obstacles);
        all.push(format!("{answer:?} {theirs:?}, oracle: {wanted:?} {ours:?}"));
    } else if found.verdict == Verdict::Holds {
        let kept: Kept = found
            .keeps
            .iter()
            .map(|it| {
                let named = |name: &str| isa.register_ids().find(|(_, r)| r.name == name);
                let (register, _) = named(&it.component).expect("a register of the machine");
                let value = it
                    .value
                    .strip_prefix("0x")
                    .map_or_else(|| it.value.parse(), |digits| u128::from_str_radix(digits, 16));
                let part = Part { register, low: it.low, width: it.width };
                (part, value.expect("a number"))
            })
            .collect();
        let needs = judged.needs();
        let unconfined = judged.all.iter().any(|it| it.unconfined);
        if kept.is_empty() != (oracle.refuting.is_empty() && !unconfined && needs.is_empty()) {
            all.push(format!("keeps {:?}, oracle: {:?} {needs:?}", found.conditions, wanted.3));
        }
        let is_kept = |(bit, value): &(Part, u128)| {
            kept.iter().any(|(part, all)| {
                part.register == bit.register
                    && (part.low..part.low + part.width).contains(&bit.low)
                    && all >> (bit.low - part.low) & 1 == *value
            })
        };
        if !needs.iter().all(is_kept) {
            all.push(format!("keeps {:?}, oracle: traps need {needs:?}", found.conditions));
        }
        if !kept.is_empty() && !judged.is_right_keeping(theorem, &kept) {
            all.push(format!("keeps {:?}, oracle: a square breaks", found.conditions));
        }
        // What no listed instruction does, another may: so the report says.
        let assumed = |it: &String| it.starts_with("the monitor can ");
        let fragment = found.assumptions.iter().any(assumed);
        if !fragment && judged.starts() && !judged.hands_over(&kept) {
            all.push(format!("keeps {:?}, oracle: no step hands over", found.conditions));
        }
        if !judged.launches(&kept) {
            all.push(format!("keeps {:?}, oracle: no guest can be started", found.conditions));
        }
        // Saving is looked at under the first monitor that can be built.
        let first = theorem.is_hybrid() == (report.theorems.vmm.verdict != Verdict::Holds);
        let dispatcher = &report.theorems.recursive.dispatcher;
        if let Some(dispatcher) = dispatcher.as_ref().filter(|_| first) {
            let name = |(id, index): &(RegisterId, u32)| {
                let register = isa.register(*id);
                let one = format!("{}[{index}]", register.name);
                if register.count.is_some() { one } else { register.name.clone() }
            };
            let lost = judged.starts().then(|| judged.unresumed(&kept, &|s| s.role == Role::E));
            let lost: BTreeSet<String> = lost.iter().flatten().map(name).collect();
            let field = |name: &String| name.split('.').next().expect("a name").to_owned();
            let theirs: BTreeSet<String> = dispatcher.unresumed.iter().map(field).collect();
            // Instructions that leave something open are not relied on.
            let open: BTreeSet<String> = dispatcher.resuming_undecided.iter().map(field).collect();
            if !theirs.is_subset(&lost) || lost.difference(&theirs).any(|it| !open.contains(it)) {
                all.push(format!("does not give back {theirs:?}, oracle: {lost:?}"));
            }
        }
        let loses = judged.profile != Profile::Extended && judged.loses_registers();
        let conditions = usize::from(!kept.is_empty()) + oracle.watched.len() + usize::from(loses);
        if found.conditions.len() != conditions {
            let watched = &oracle.watched;
            all.push(format!("conditions {:?}, oracle: assumptions {watched:?}", found.conditions));
        }
    }
    all.into_iter()
}
