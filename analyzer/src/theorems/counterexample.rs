//! What shows a refutation to a reader: a small run, a collision, a guest that finds out, and what is lost behind a trap.

use model::isa::Verdict;
use refvmm::vmm::Kind;

use super::Judged;
use super::collision::{self, Collision};
use super::guest::{self, Guest};
use super::squares::{self, Square};
use super::theorem::Judgement;
use crate::definitions::VirtualMode;
use crate::prove::answer::Existence;
use crate::prove::context::Context;
use crate::prove::witness::Witness;

/// What shows that a theorem is refuted, or its diagram broken.
#[derive(Debug, Default)]
pub(crate) struct Counterexample {
    /// The run that refutes it.
    pub(crate) step: Option<Step>,
    /// Two instructions for which no one-one map exists.
    pub(crate) collision: Option<Collision>,
    /// A class, and a guest that finds out by it.
    pub(crate) guest: Option<(usize, Guest)>,
    /// The run behind whose trap the guest is lost.
    pub(crate) loss: Option<Step>,
}

/// Looks for what shows each of the two theorems about monitors to be refuted.
pub(crate) fn find(context: Context<'_>, judged: &Judged<'_>) -> [Counterexample; 2] {
    let [vmm, hvmm] = &judged.monitors;
    let (vmm, hvmm) = rayon::join(|| of(context, judged, vmm), || of(context, judged, hvmm));
    [vmm, hvmm]
}

fn of(context: Context<'_>, judged: &Judged<'_>, it: &Judgement) -> Counterexample {
    let setting = context.setting;
    let sides = setting.virtual_modes(it.theorem);
    if it.verdict != Verdict::Refuted {
        let holds = it.verdict == Verdict::Holds || it.lost;
        let loss = holds.then(|| loss(context, judged, sides)).flatten();
        return Counterexample { loss, ..Counterexample::default() };
    }
    let step = refuting_step(context, judged, it, sides);
    let small = step.as_ref().map(|s| (s.class, s.side, &s.witness));
    let collision = collision::find(setting, &judged.all, (small, &it.refuting), sides);
    let kind = if it.theorem.is_hybrid() { Kind::Hybrid } else { Kind::Vmm };
    let first = step.as_ref().map(|s| s.class);
    let others = it.refuting.iter().copied().filter(|c| Some(*c) != first);
    let guest = guest::find(setting.isa, setting.pair, kind, first.into_iter().chain(others));
    Counterexample { step, collision, guest, loss: None }
}

/// A run that refutes a theorem.
#[derive(Debug)]
pub(crate) struct Step {
    /// The class, by index.
    pub(crate) class: usize,
    pub(crate) side: VirtualMode,
    /// What is wrong, in words.
    pub(crate) broken: Vec<&'static str>,
    pub(crate) witness: Witness,
}

/// The run that refutes a theorem: the first instruction whose square breaks, in a small state.
fn refuting_step(
    context: Context<'_>,
    judged: &Judged<'_>,
    it: &Judgement,
    sides: &[VirtualMode],
) -> Option<Step> {
    let class = *it.refuting.iter().find(|i| it.offending.contains(i)).or(it.refuting.first())?;
    let broken = |s: &&Square| sides.contains(&s.side) && s.verdict.is_witnessed();
    let square = judged.all[class].statewise.iter().rev().find(broken)?;
    let side = square.side;
    let small = squares::refutation(context, &context.setting.isa.classes[class], side);
    let (witness, broken) = match (small, &square.verdict) {
        (Some((witness, broken)), _) => (*witness, broken),
        (None, Existence::Witnessed(witness)) => ((**witness).clone(), Vec::new()),
        (None, Existence::Absent(_) | Existence::Unknown(_)) => return None,
    };
    Some(Step { class, side, broken, witness })
}

/// The run that shows what is lost behind a trap, in a small state.
fn loss(context: Context<'_>, judged: &Judged<'_>, sides: &[VirtualMode]) -> Option<Step> {
    let lost = |s: &&Square| sides.contains(&s.side) && s.verdict.is_witnessed();
    let mut of_class = judged.diagram.trapped.iter().enumerate();
    let (class, square) =
        of_class.find_map(|(i, squares)| Some((i, squares.iter().find(lost)?)))?;
    let small = squares::loss(context, &context.setting.isa.classes[class], square.side);
    let (shown, broken) = small.unwrap_or_else(|| (square.verdict.clone(), Vec::new()));
    let Existence::Witnessed(witness) = shown else { return None };
    Some(Step { class, side: square.side, broken, witness: *witness })
}
