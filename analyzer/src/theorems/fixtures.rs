//! For tests: what is known of classes, and judgements, made up.

use model::diagnostic::Sources;
use model::isa::{Isa, Premise, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::classify::{Classification, Finding};
use super::squares::Square;
use super::theorem::{Ground, Judgement};
use crate::decide::{By, ModelCache};
use crate::definitions::{DEFINITIONS, VirtualMode};
use crate::prove::answer::Answer::{self, No, Undecided, Vacuous, Yes};
use crate::prove::answer::{Existence, Proof};
use crate::prove::witness::Witness;

pub(super) fn verdict(exists: Answer) -> Existence {
    let (operands, choices) = (Vec::new(), Vec::new());
    let (before, after) = (Vec::new(), Vec::new());
    match exists {
        Yes => Existence::Witnessed(Box::new(Witness {
            operands,
            choices,
            before,
            after,
            first: None,
        })),
        No | Vacuous => Existence::Absent(Proof::new(By::Dependency)),
        Undecided => Existence::Unknown("not tried".into()),
    }
}

pub(super) fn both(answers: [Answer; 2]) -> Vec<(VirtualMode, Existence)> {
    VirtualMode::PAIR.into_iter().zip(answers.map(verdict)).collect()
}

/// A class that is privileged or not, control sensitive, and has squares that break, the latter two
/// in supervisor and user mode.
pub(super) fn class(
    privileged: Answer,
    sensitive: [Answer; 2],
    breaks: [Answer; 2],
) -> Classification {
    let finding = |property, answers| Finding {
        definition: DEFINITIONS.iter().find(|d| d.property == property).expect("it is defined"),
        verdicts: both(answers),
        empty: Vec::new(),
    };
    let square = |(side, verdict)| Square { side, verdict };
    Classification {
        privileged,
        privileged_evidence: verdict(privileged),
        findings: vec![
            finding(Property::ControlSensitive, sensitive),
            finding(Property::TimeSensitive, [No, No]),
            finding(Property::Unconfined, [No, No]),
        ],
        statewise: both(breaks).into_iter().map(square).collect(),
        unpredictable: false,
        earlier: ModelCache::default(),
    }
}

pub(super) fn judgement(premise: Premise, verdict: Verdict, by: Ground) -> Judgement {
    Judgement {
        theorem: Theorem::Vmm,
        premise,
        verdict,
        by,
        offending: Vec::new(),
        refuting: Vec::new(),
        keeps: Vec::new(),
        watched: Vec::new(),
        losing: Vec::new(),
        launches: false,
        vectors: Vec::new(),
        launch_assumed: Vec::new(),
        obstacles: Vec::new(),
        lost: false,
        escapes: Vec::new(),
        gap: false,
    }
}

pub(super) fn g3() -> Isa {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let loaded = model::load("../isa-specs/g3.yaml", &open, &mut Sources::default());
    let mut isa = loaded.expect("the specification loads").isa;
    isa.classes.truncate(3);
    isa
}
