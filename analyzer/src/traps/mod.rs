//! What each instruction does in each mode, and which bits decide it: it completes, it takes a trap, or the
//! architecture says nothing. Derived for all states that the assumptions admit.
//!
//! The states in which an instruction begins are divided by the values of a few bits of components and operands
//! (`control`): every condition that looks at nothing else is constant on each part, so only what other state
//! decides is left. Of each part and each outcome it is then asked whether there is such a state: a witness is
//! replayed, and that there is none is a proof. Parts with the same outcomes are one case, and the values that
//! belong to it are written as few conjunctions as are found (`cover`).
//!
//! The bits that are printed matter: no component can be left out of a conjunction, and no value added to it,
//! without taking in states with other outcomes.

mod control;
mod cover;
pub(crate) mod derive;
pub(crate) mod expected;
pub mod latex;
pub mod markdown;
pub mod text;

use model::isa::{Body, Isa, Pair, Profile};
use rayon::prelude::*;
use serde::Serialize;

use crate::analyze::{Options, solving};
use crate::progress::{Progress, Step, during};
use crate::prove::context::{Context, Tally};
use crate::prove::counts::Counts;
use crate::prove::setting::Setting;
use crate::report::{SCHEMA, WitnessReport};

/// What the instructions of a machine do.
#[derive(Debug, Serialize)]
pub struct TrapTable {
    /// Version of this format.
    pub schema: u32,
    /// Short name of the machine.
    pub isa: String,
    /// One line about the machine.
    pub title: String,
    /// The modes, in the order of the specification.
    pub modes: Vec<String>,
    /// The decode classes, in specification order.
    pub instructions: Vec<InstructionTraps>,
    /// Effort.
    pub summary: Counts,
}

impl TrapTable {
    /// Something is undecided, or the specification does not say what happens.
    pub fn is_open(&self) -> bool {
        let modes = self.instructions.iter().flat_map(|it| &it.modes);
        let unknown = |case: &Case| case.outcomes.iter().any(|it| it == "unknown");
        modes.flat_map(|it| &it.cases).any(|case| !case.undecided.is_empty() || unknown(case))
    }
}

/// What one decode class does.
#[derive(Debug, Serialize)]
pub struct InstructionTraps {
    /// The class.
    pub name: String,
    /// By mode, as listed at the top.
    pub modes: Vec<ModeTraps>,
}

/// What it does in one mode.
#[derive(Debug, Serialize)]
pub struct ModeTraps {
    /// The mode.
    pub mode: String,
    /// The memory traps that it can take; the cases say what happens in all other states.
    pub memory_traps: Vec<String>,
    /// The cases: every admitted state in this mode belongs to one. There is none if no state is admitted.
    pub cases: Vec<Case>,
}

/// States with the same outcomes.
#[derive(Debug, Serialize)]
pub struct Case {
    /// What can happen: `completes`, `traps (illegal)`, `unpredictable`, `unknown`; each does, in some state. Where
    /// there is none, nothing but memory traps can.
    pub outcomes: Vec<String>,
    /// Outcomes of which it is not settled whether they can happen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
    /// The states of the case, as alternatives, each a list of conditions that hold together. One empty list: all
    /// states. Nothing, where there are too many alternatives.
    pub when: Option<Vec<Vec<String>>>,
    /// The components and operands that the conditions look at.
    pub depends_on: Vec<String>,
    /// Where several things can happen, the other components and operands that the instruction looks at before it
    /// ends: what happens may depend on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub may_depend_on: Vec<String>,
    /// A state for each outcome, where there are several; replayed in the interpreter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<WitnessReport>,
}

/// Alternatives of a case that are written out.
const ALTERNATIVES: usize = 6;

/// A pair for the questions that speak of none.
pub(crate) fn no_pair() -> Pair {
    let none = || (String::new(), 0);
    Pair { supervisor: none(), user: none(), deprivilege: Body::default() }
}

/// What the chosen classes do in every mode.
pub fn trap_table(
    isa: &Isa,
    chosen: &[&str],
    options: &Options<'_>,
    progress: &Progress<'_>,
) -> TrapTable {
    let (pair, tally, backend) = (no_pair(), Tally::default(), solving(options));
    let setting = Setting::new(isa, &pair, Profile::Refined);
    let context = Context { setting, backend: &backend, tally: &tally };
    let classes: Vec<_> = isa
        .classes
        .iter()
        .filter(|c| chosen.is_empty() || chosen.contains(&c.name.as_str()))
        .collect();
    let step = |step: Step<'_>| progress(step, classes.len());
    let instructions = classes
        .par_iter()
        .with_max_len(1)
        .map(|class| during(&step, &class.name, || derive::of_class(context, class)))
        .collect();
    TrapTable {
        schema: SCHEMA,
        isa: isa.name.clone(),
        title: isa.title.clone(),
        modes: derive::modes(isa).into_iter().map(|mode| mode.name).collect(),
        instructions,
        summary: tally.counts(),
    }
}
