//! The whole commuting diagram: every square of P&G section 4, composed into equivalence.
//!
//! A theorem that holds says that a monitor *may* be built. Here its parts are checked for this
//! machine, for all states: direct execution (the statewise condition), the dispatcher behind every real
//! trap, the real trap sequence itself, and the allocator. If all commute, equivalence follows by
//! induction on the instructions executed. A verdict of *holds* is taken back where the dispatcher's square or a
//! trap sequence fails or is open; a failure of the allocator is printed beside it, and that traps save all of
//! E is printed as an assumption, which profile `extended` asks about.

use model::isa::{Isa, Profile, VerdictWord};
use rayon::prelude::*;

use crate::classify::Classification;
use crate::counts::Counts;
use crate::definitions::Side;
use crate::definitions::dispatch::is_emulated;
use crate::definitions::sequence::Stores;
use crate::report::{DiagramReport, Evidence, Refutation, Squares};
use crate::setting::Setting;
use crate::settle::Settle;
use crate::squares::{self, Fetched, Sequence, Square};
use crate::theorem::Judgement;
use crate::verdict::{Answer, Verdict};

/// Equivalence, where every square commutes.
pub(crate) const PROVED: &str = "proved for all states";

/// The squares beyond direct execution, as far as a theorem asks for them.
#[derive(Debug, Default)]
pub(crate) struct Diagram {
    /// By class, in specification order; none for a class that never traps.
    trapped: Vec<Vec<Square>>,
    sequences: Vec<Sequence>,
    allocator: Vec<Square>,
    fetched: Vec<Fetched>,
}

/// What a verdict needs beside direct execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// An instruction or a trap behind which the monitor finds its guest again.
    Recovery,
    /// What is fetched is the guest's.
    Fetching,
}

/// One such need, by name: yes where it is proved.
pub(crate) struct Needed {
    pub(crate) need: Need,
    pub(crate) name: String,
    pub(crate) answer: Answer,
}

/// Asks for the squares that the theorems need which hold: in virtual user mode only, where only
/// the hybrid monitor can be built.
pub(crate) fn judge(
    setting: Setting<'_>,
    (vmm, hvmm): (&Judgement, &Judgement),
    settle: &dyn Settle,
) -> (Diagram, Counts) {
    let mut counts = Counts::default();
    let sides: &[Side] = match (vmm.verdict, hvmm.verdict) {
        (VerdictWord::Holds, _) => setting.sides(false),
        (_, VerdictWord::Holds) => setting.sides(true),
        _ => return (Diagram::default(), counts),
    };
    let (sequences, effort) = squares::sequences(setting, settle);
    counts.add(&effort);
    let (allocator, effort) = squares::allocator(setting, sides, settle);
    counts.add(&effort);
    let (fetched, effort) = squares::fetched(setting, sides, settle);
    counts.add(&effort);
    let answers: Vec<(Vec<Square>, Counts)> = setting
        .isa
        .classes
        .par_iter()
        .with_max_len(1)
        .map(|class| squares::trapped(setting, class, sides, settle))
        .collect();
    let mut trapped = Vec::new();
    for (squares, effort) in answers {
        counts.add(&effort);
        trapped.push(squares);
    }
    (Diagram { trapped, sequences, allocator, fetched }, counts)
}

impl Diagram {
    /// What a verdict needs beside direct execution, in the modes it speaks of.
    pub(crate) fn parts(&self, isa: &Isa, sides: &[Side]) -> Vec<Needed> {
        let of = |squares: &[Square]| {
            let asked = squares.iter().filter(|square| sides.contains(&square.side));
            all_of(asked.map(|square| &square.verdict))
        };
        let recovery = |name, answer| Needed { need: Need::Recovery, name, answer };
        let mut parts = Vec::new();
        for (class, squares) in isa.classes.iter().zip(&self.trapped) {
            parts.push(recovery(class.name.clone(), of(squares)));
        }
        for sequence in &self.sequences {
            let name = &isa.trap(sequence.trap).name;
            let partition = all_of([&sequence.partition]);
            parts.push(recovery(format!("trap {name} (writes to the partition)"), partition));
            for (lost, verdict) in [
                ("P", &sequence.counter),
                ("the mapping, which unprivileged code changes", &sequence.mapping),
                ("its argument", &sequence.argument),
            ] {
                parts.push(recovery(format!("trap {name} (loses {lost})"), all_of(verdict)));
            }
        }
        for it in &self.fetched {
            let cells = if it.length == 1 { "cell" } else { "cells" };
            let name = format!("instructions of {} {cells}", it.length);
            parts.push(Needed { need: Need::Fetching, name, answer: of(&it.squares) });
        }
        parts
    }

    /// Traps that lose part of E, by name.
    pub(crate) fn losing(&self, isa: &Isa) -> Vec<String> {
        let found = |s: &Sequence| s.registers.as_ref().is_none_or(Verdict::is_proved);
        let losing = self.sequences.iter().filter(|s| !found(s));
        losing.map(|s| isa.trap(s.trap).name.clone()).collect()
    }
}

/// All must be proved: yes; one fails: no; and nothing to prove is vacuous.
fn all_of<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Answer {
    let mut verdicts = verdicts.into_iter().peekable();
    if verdicts.peek().is_none() {
        return Answer::Vacuous;
    }
    Answer::any(verdicts.map(Verdict::exists)).negated()
}

/// What the diagram comes to for a theorem that holds, in the modes it speaks of.
pub(crate) fn report(
    setting: Setting<'_>,
    (all, it): (&[Classification], &Diagram),
    judgement: &Judgement,
    sides: &[Side],
    settle: &dyn Settle,
) -> Option<DiagramReport> {
    if judgement.verdict != VerdictWord::Holds && !judgement.lost {
        return None;
    }
    let isa = setting.isa;
    let trapped = |emulated: Option<bool>| {
        let of_class = isa.classes.iter().zip(&it.trapped).enumerate();
        let squares = of_class.flat_map(move |(i, (class, squares))| {
            squares.iter().map(move |square| (i, class, square))
        });
        squares.filter(move |(_, class, square)| {
            sides.contains(&square.side)
                && emulated.is_none_or(|wanted| is_emulated(isa, class, square.side) == wanted)
        })
    };
    // Under the monitor's choice of its own bits the squares that need it commute.
    let direct_of = |c: &Classification| match c.commutes(sides) {
        Answer::No if !judgement.keeps.is_empty() => Answer::Yes,
        answer => answer,
    };
    let direct = Answer::any(all.iter().map(|c| direct_of(c).negated())).negated();
    let emulated = all_of(trapped(Some(true)).map(|(_, _, s)| &s.verdict));
    let reflected = all_of(trapped(Some(false)).map(|(_, _, s)| &s.verdict));
    let traps = all_of(it.sequences.iter().flat_map(|s| [&s.partition, &s.saved]));
    let allocators = || it.allocator.iter().filter(|s| sides.contains(&s.side));
    let allocator = all_of(allocators().map(|s| &s.verdict));

    // What does not commute, and what is open, by name.
    let mut failing = Vec::new();
    let mut open = Vec::new();
    let mut note = |name: String, answer: Answer| match answer {
        Answer::No if !failing.contains(&name) => failing.push(name),
        Answer::Undecided if !open.contains(&name) => open.push(name),
        _ => {}
    };
    for (class, c) in isa.classes.iter().zip(all) {
        note(class.name.clone(), direct_of(c));
    }
    for Needed { need, name, answer } in it.parts(isa, sides) {
        let fetching = if need == Need::Fetching { "fetching " } else { "" };
        note(format!("{fetching}{name}"), answer);
    }
    // Outside `extended` the verdict holds while no guest relies on the rest.
    if setting.profile == Profile::Extended {
        for sequence in it.sequences.iter().filter(|s| all_of(&s.counter) != Answer::No) {
            let name = &isa.trap(sequence.trap).name;
            note(format!("trap {name} (loses part of E)"), all_of(&sequence.registers));
        }
    }
    note("allocator".into(), allocator);
    let equivalence = match (failing.as_slice(), open.as_slice()) {
        ([], []) => PROVED.to_owned(),
        ([], open) => format!("undecided for {}", open.join(", ")),
        (failing, _) => format!("fails for {}", failing.join(", ")),
    };
    let lost = trapped(None).find(|(_, _, s)| s.verdict.is_shown());
    let loss = lost.and_then(|(i, _, square)| loss(setting, i, square, settle));
    let squares = Squares {
        direct: all.len() as u64,
        trapped: it.trapped.iter().filter(|s| s.iter().any(|s| sides.contains(&s.side))).count()
            as u64,
        traps: it.sequences.len() as u64,
        allocator: allocators().count() as u64,
    };
    let assumptions = assumptions(setting, it);
    Some(DiagramReport {
        direct,
        emulated,
        reflected,
        traps,
        allocator,
        equivalence,
        squares,
        failing,
        assumptions,
        loss,
    })
}

/// The run that shows what is lost behind a trap, in a small state.
fn loss(
    setting: Setting<'_>,
    class: usize,
    square: &Square,
    settle: &dyn Settle,
) -> Option<Refutation> {
    let isa = setting.isa;
    let small = squares::loss(setting, &isa.classes[class], square.side, settle);
    let (shown, broken) = small.unwrap_or_else(|| (square.verdict.clone(), Vec::new()));
    let Verdict::Shown(found) = &shown else { return None };
    match Evidence::of(isa, class, &shown) {
        Evidence::Witness(witness) => Some(Refutation {
            instruction: isa.classes[class].name.clone(),
            mode: square.side.of_state(isa, setting.pair, &found.before[0]),
            broken: broken.into_iter().map(str::to_owned).collect(),
            witness,
        }),
        Evidence::Structural { .. } | Evidence::Solver { .. } | Evidence::Open { .. } => None,
    }
}

/// What the induction assumes beyond the specification.
fn assumptions(setting: Setting<'_>, it: &Diagram) -> Vec<String> {
    let mut all = vec![
        "what a trap loads from the monitor's own cells and components leads to the dispatcher: trap entry shows that it can".to_owned(),
        "the dispatcher learns which trap was taken; its interpreters follow the specification".to_owned(),
    ];
    if it.sequences.iter().any(|s| s.stores == Stores::Own) {
        all.push("what a trap stores through the monitor's own registers (its stack) exists, and lies outside the partition and apart from what the trap loads".into());
    }
    if setting.profile != Profile::Extended {
        all.push("every instruction leaves a guest with l + b ≤ w, as the paper assumes".into());
    }
    if setting.isa.all_fetches.is_empty() {
        all.push(
            "instructions are fetched through the mapping: the specification does not say how"
                .into(),
        );
    }
    let listed = setting
        .isa
        .unlisted
        .as_ref()
        .is_some_and(|body| matches!(body.statements.as_slice(), [model::isa::Stmt::Trap(..)]));
    if !listed {
        all.push("guests run no opcode that the specification does not list".into());
    }
    all
}
