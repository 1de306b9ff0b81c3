//! What shows a refutation to a reader: a small run, a collision, a guest that finds out, and what is lost behind a trap.

use model::interp::Outcome;
use model::isa::{Class, Isa, Verdict, every};
use model::property::Property;
use model::state::State;
use refvmm::vmm::Kind;

use super::Judged;
use super::choice::Choice;
use super::classify;
use super::collision::{self, Collision};
use super::guest::{self, Guest};
use super::squares::{self, Square};
use super::theorem::Judgement;
use crate::definitions::{VirtualMode, control, statewise};
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
    /// Where the theorem holds: a class that is control sensitive and privileged, and a small run of it.
    pub(crate) example: Option<(usize, Witness)>,
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
        let example = (it.verdict == Verdict::Holds).then(|| example(context, judged)).flatten();
        return Counterexample { loss, example, ..Counterexample::default() };
    }
    let step = refuting_step(context, judged, it, sides);
    let small = step.as_ref().map(|s| (s.class, s.side, &s.witness));
    let collision = collision::find(setting, &judged.all, (small, &it.refuting), sides);
    let kind = if it.theorem.is_hybrid() { Kind::Hybrid } else { Kind::Vmm };
    let first = step.as_ref().map(|s| s.class);
    let others = it.refuting.iter().copied().filter(|c| Some(*c) != first);
    let guest = guest::find(setting.isa, setting.pair, kind, first.into_iter().chain(others));
    Counterexample { step, collision, guest, ..Counterexample::default() }
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

/// The run that refutes a theorem: of the instruction that teaches most, in a small state.
fn refuting_step(
    context: Context<'_>,
    judged: &Judged<'_>,
    it: &Judgement,
    sides: &[VirtualMode],
) -> Option<Step> {
    let shown = it.refuting.iter().filter_map(|class| {
        let broken = |s: &&Square| sides.contains(&s.side) && s.verdict.is_witnessed();
        let square = judged.all[*class].statewise.iter().find(broken)?;
        let size = size(context.setting.isa, *class, &square.verdict);
        Some((demand(context.setting.isa, judged, it, *class, square, size), *class, square))
    });
    let (_, class, square) = shown.min_by_key(|(demand, class, _)| (*demand, *class))?;
    let side = square.side;
    let setting = context.setting;
    let shown = &setting.isa.classes[class];
    let small = squares::refutation(context, shown, side);
    let Existence::Witnessed(witness) = small.as_ref().unwrap_or(&square.verdict) else {
        return None;
    };
    let guests = setting.guests();
    let witness = (**witness)
        .clone()
        .closer(setting, shown, |replay| statewise::refuted_by(replay, side, guests));
    let broken = statewise::broken(&witness.replay(setting, shown), guests);
    Some(Step { class, side, broken, witness })
}

/// What stands against showing the broken square of a class, the worst first: the class with the least of it teaches
/// most. ARCHITECTURE says why ("The step that is shown").
fn demand(
    isa: &Isa,
    judged: &Judged<'_>,
    it: &Judgement,
    class: usize,
    square: &Square,
    size: u32,
) -> ([bool; 5], u32) {
    let keeps = |(c, choice): &(usize, Choice)| *c == class && matches!(choice, Choice::Keep(_));
    let control = judged.all[class].finding(Property::ControlSensitive);
    let control_in = |side| control.is_some_and(|f| f.over(|asked| asked == side).is_yes());
    // It changes M or R in this mode; in user mode it neither does nor traps.
    let is_silent = control_in(square.side) && !control_in(VirtualMode::User);
    let completes = match &square.verdict {
        Existence::Witnessed(it) => it.after.iter().all(|o| matches!(o, Outcome::Step(_))),
        Existence::Absent(_) | Existence::Unknown(_) => false,
    };
    let breaks_premise = it.offending.contains(&class);
    let safe_if_kept = judged.choices.iter().any(keeps);
    let disclaimed = is_disclaimed(&isa.classes[class]);
    ([!breaks_premise, safe_if_kept, disclaimed, !completes, !is_silent], size)
}

/// Its own notes say that it is no offender of the literature, or does no harm.
fn is_disclaimed(class: &Class) -> bool {
    class.notes.iter().any(|note| {
        let note = note.to_lowercase();
        note.contains("harmless") || note.contains("beyond the published")
    })
}

/// How much there is to read, statements of the semantics and rows of the states, to a factor of two: among instructions
/// of about one size the specification's order counts.
fn size(isa: &Isa, class: usize, shown: &Existence) -> u32 {
    let statements = every(&isa.classes[class].body.statements).count();
    let rows = match shown {
        Existence::Witnessed(witness) => {
            let states: Vec<&State> = witness.before.iter().collect();
            State::table(isa, &states).len()
        }
        Existence::Absent(_) | Existence::Unknown(_) => 0,
    };
    (statements + rows).max(1).ilog2()
}

/// A class that is control sensitive in supervisor mode and privileged, with little to read, and a small run of it.
fn example(context: Context<'_>, judged: &Judged<'_>) -> Option<(usize, Witness)> {
    let isa = context.setting.isa;
    let side = VirtualMode::Supervisor;
    let shown = judged.all.iter().enumerate().filter_map(|(class, it)| {
        let control = it.finding(Property::ControlSensitive)?;
        let (_, verdict) = control.verdicts.iter().find(|(s, v)| *s == side && v.is_witnessed())?;
        let size = size(isa, class, verdict);
        it.privileged.is_yes().then_some((is_disclaimed(&isa.classes[class]), size, class, verdict))
    });
    let (_, _, class, verdict) =
        shown.min_by_key(|(disclaimed, size, class, _)| (*disclaimed, *size, *class))?;
    let small = classify::small(context, &isa.classes[class], &control::DEFINITION, side);
    let Existence::Witnessed(witness) = (if small.is_witnessed() { &small } else { verdict })
    else {
        return None;
    };
    Some((class, (**witness).clone()))
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
