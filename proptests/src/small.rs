//! The analyzer's report beside the oracle's answers.

use analyzer::report::{InstructionReport, PairReport, TheoremReport};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Class, Isa, Pair, Profile};
use rayon::prelude::*;

use crate::oracle::{self, Findings, PerMode, Privileged, Reading, Theorem};

/// Every difference between the report on a machine and what the oracle says of it, and every
/// expectation of its author that is not met; empty if all agree.
pub fn disagreements(
    isa: &Isa,
    sources: &Sources,
    profile: Profile,
    reading: Reading,
) -> Vec<String> {
    let judge = |class: &Class, pair: &Pair| oracle::judge(isa, class, pair, profile, reading);
    disagreements_with(isa, sources, profile, &judge)
}

/// The same with answers of the oracle that may be known already.
pub fn disagreements_with(
    isa: &Isa,
    sources: &Sources,
    profile: Profile,
    judge: &(dyn Fn(&Class, &Pair) -> Findings + Sync),
) -> Vec<String> {
    let report = analyze(isa, sources, Options { profile, pair: None, timeout: None }, &|_, _| {});
    let mut all: Vec<String> = report
        .unmet
        .iter()
        .map(|unmet| format!("expected {}, found {}", unmet.expected, unmet.found))
        .collect();
    for (pair, found) in isa.pairs.iter().zip(&report.pairs) {
        let findings: Vec<Findings> =
            isa.classes.par_iter().map(|class| judge(class, pair)).collect();
        for (oracle, analyzer) in findings.iter().zip(&found.instructions) {
            all.extend(instruction(pair, oracle, analyzer));
        }
        all.extend(theorems(isa, &findings, found));
    }
    let place = format!("{}, {}", isa.name, profile.word());
    all.into_iter().map(|line| format!("{place}: {line}")).collect()
}

/// One instruction: the oracle's answers and the report's, by their words.
fn instruction(pair: &Pair, oracle: &Findings, report: &InstructionReport) -> Vec<String> {
    let word = |holds: bool| if holds { "yes" } else { "no" };
    let privileged = match oracle.privileged {
        Privileged::Yes => "yes",
        Privileged::No => "no",
        Privileged::Vacuous => "vacuous",
    };
    let either = |both: PerMode| word(both[0] || both[1]);
    let answers = [
        ("privileged", privileged),
        ("control-sensitive", either(oracle.control_sensitive)),
        ("behaviour-sensitive", word(oracle.behaviour_sensitive())),
        ("location-sensitive", either(oracle.location_sensitive)),
        ("mode-sensitive", word(oracle.mode_sensitive)),
        ("resource-sensitive", either(oracle.resource_sensitive)),
        ("extent-sensitive", either(oracle.extent_sensitive)),
        ("time-sensitive", either(oracle.time_sensitive)),
        ("trap-masked", word(oracle.trap_masked)),
        ("trap-visible", either(oracle.trap_visible)),
        ("user-sensitive", word(oracle.user_sensitive())),
        ("sensitive", word(oracle.sensitive())),
        ("innocuous", word(!oracle.sensitive())),
        ("statewise", word(!oracle.square_breaks[0] && !oracle.square_breaks[1])),
    ];
    let mut all = Vec::new();
    for (property, answer) in answers {
        let found = report.property(property).map_or("no", analyzer::verdict::Answer::word);
        if found != answer {
            all.push(format!("{}: {property}: {found}, oracle: {answer}", report.name));
        }
    }
    let modes = [
        ("control_sensitive", oracle.control_sensitive),
        ("location_sensitive", oracle.location_sensitive),
        ("resource_sensitive", oracle.resource_sensitive),
        ("extent_sensitive", oracle.extent_sensitive),
        ("time_sensitive", oracle.time_sensitive),
        ("trap_visible", oracle.trap_visible),
        ("statewise", oracle.square_breaks),
    ];
    for (property, holds) in modes {
        let names = [&pair.supervisor.0, &pair.user.0];
        let wanted: Vec<String> =
            names.into_iter().zip(holds).filter(|(_, yes)| *yes).map(|(n, _)| n.clone()).collect();
        let found = report.modes.get(property).cloned().unwrap_or_default();
        if found != wanted {
            all.push(format!("{}: {property} in {found:?}, oracle: {wanted:?}", report.name));
        }
    }
    all
}

/// Theorems 1 and 3 follow from the answers.
fn theorems(isa: &Isa, findings: &[Findings], report: &PairReport) -> Vec<String> {
    let names = |indices: &[usize]| -> Vec<String> {
        indices.iter().map(|i| isa.classes[*i].name.clone()).collect()
    };
    let one = |name: &str, oracle: &Theorem, found: &TheoremReport| {
        let wanted =
            (oracle.premise, oracle.verdict, names(&oracle.offending), names(&oracle.refuting));
        let found = (found.premise, found.verdict, found.offending.clone(), found.refuting.clone());
        (wanted != found).then(|| format!("{name}: {found:?}, oracle: {wanted:?}"))
    };
    let t = &report.theorems;
    let vmm = one("Theorem 1", &oracle::theorem(findings, false), &t.vmm);
    let hvmm = one("Theorem 3", &oracle::theorem(findings, true), &t.hvmm);
    vmm.into_iter().chain(hvmm).collect()
}
