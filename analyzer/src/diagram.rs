//! The whole commuting diagram: every square of P&G section 4, composed into equivalence.
//!
//! A theorem that holds says that a monitor *may* be built. Here its parts are checked for this
//! machine, for all states: direct execution (the statewise condition), the dispatcher behind every real
//! trap, the real trap sequence itself, and the allocator. If all commute, equivalence follows by
//! induction on the instructions executed. The verdict of a theorem does not change by it.

use model::isa::{Isa, Pair, Profile, VerdictWord};
use rayon::prelude::*;

use crate::classify::{self, Classification, Counts, Sequence, Square, answer_of};
use crate::definitions::Side;
use crate::definitions::dispatch::is_emulated;
use crate::definitions::sequence::Stores;
use crate::report::{DiagramReport, Evidence, Refutation, Squares};
use crate::settle::Settle;
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
}

/// Asks for the squares that the theorems need which hold: in virtual user mode only, where only
/// the hybrid monitor can be built.
pub(crate) fn judge(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    (vmm, hvmm): (&Judgement, &Judgement),
    settle: &dyn Settle,
) -> (Diagram, Counts) {
    let mut counts = Counts::default();
    let sides: &[Side] = match (vmm.verdict, hvmm.verdict) {
        (VerdictWord::Holds, _) => &Side::BOTH,
        (_, VerdictWord::Holds) => &[Side::User],
        _ => return (Diagram::default(), counts),
    };
    let (sequences, effort) = classify::sequences(isa, pair, profile, settle);
    counts.add(&effort);
    let (allocator, effort) = classify::allocator(isa, pair, profile, sides, settle);
    counts.add(&effort);
    let answers: Vec<(Vec<Square>, Counts)> = isa
        .classes
        .par_iter()
        .with_max_len(1)
        .map(|class| classify::trapped(isa, class, pair, profile, sides, settle))
        .collect();
    let mut trapped = Vec::new();
    for (squares, effort) in answers {
        counts.add(&effort);
        trapped.push(squares);
    }
    (Diagram { trapped, sequences, allocator }, counts)
}

/// All must be proved: yes; one fails: no; and nothing to prove is vacuous.
fn all_of<'v>(verdicts: impl IntoIterator<Item = &'v Verdict>) -> Answer {
    let mut verdicts = verdicts.into_iter().peekable();
    if verdicts.peek().is_none() {
        return Answer::Vacuous;
    }
    Answer::any(verdicts.map(answer_of)).negated()
}

/// What the diagram comes to for a theorem that holds, in the modes it speaks of.
pub(crate) fn report(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    (all, it): (&[Classification], &Diagram),
    verdict: VerdictWord,
    sides: &[Side],
    settle: &dyn Settle,
) -> Option<DiagramReport> {
    if verdict != VerdictWord::Holds {
        return None;
    }
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
    let direct_of = |c: &Classification| Classification::commutes(&c.statewise, sides);
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
    for (_, class, square) in trapped(None) {
        note(class.name.clone(), all_of([&square.verdict]));
    }
    for sequence in &it.sequences {
        let name = &isa.trap(sequence.trap).name;
        note(format!("trap {name} (writes to the partition)"), all_of([&sequence.partition]));
        note(format!("trap {name} (loses part of the state)"), all_of([&sequence.saved]));
    }
    note("allocator".into(), allocator);
    let equivalence = match (failing.as_slice(), open.as_slice()) {
        ([], []) => PROVED.to_owned(),
        ([], open) => format!("undecided for {}", open.join(", ")),
        (failing, _) => format!("fails for {}", failing.join(", ")),
    };
    let lost = trapped(None).find(|(_, _, s)| s.verdict.is_shown());
    let loss = lost.and_then(|(i, _, square)| loss(isa, pair, profile, i, square, settle));
    let squares = Squares {
        direct: all.len() as u64,
        trapped: it.trapped.iter().filter(|s| s.iter().any(|s| sides.contains(&s.side))).count()
            as u64,
        traps: it.sequences.len() as u64,
        allocator: allocators().count() as u64,
    };
    let assumptions = assumptions(isa, profile, it);
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
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    class: usize,
    square: &Square,
    settle: &dyn Settle,
) -> Option<Refutation> {
    let small = classify::loss(isa, &isa.classes[class], pair, profile, square.side, settle);
    let (shown, broken) = small.unwrap_or_else(|| (square.verdict.clone(), Vec::new()));
    match Evidence::of(isa, class, &shown) {
        Evidence::Witness(witness) => Some(Refutation {
            instruction: isa.classes[class].name.clone(),
            mode: square.side.name(pair).to_owned(),
            broken: broken.into_iter().map(str::to_owned).collect(),
            witness,
        }),
        Evidence::Structural { .. } | Evidence::Solver { .. } | Evidence::Open { .. } => None,
    }
}

/// What the induction assumes beyond the specification.
fn assumptions(isa: &Isa, profile: Profile, it: &Diagram) -> Vec<String> {
    let mut all = vec![
        "the cells a trap loads its new PSW from hold the monitor's: supervisor mode, its own R, the dispatcher's P".to_owned(),
        "the dispatcher learns which trap was taken and with what argument; its interpreters follow the specification".to_owned(),
    ];
    if it.sequences.iter().any(|s| s.stores == Stores::Own) {
        all.push("what a trap stores through the monitor's own registers (its stack) exists and lies outside the partition".into());
    }
    if profile != Profile::Extended {
        all.push("every instruction leaves a guest with l + b ≤ w, as the paper assumes".into());
    }
    let listed = isa
        .unlisted
        .as_ref()
        .is_some_and(|body| matches!(body.statements.as_slice(), [model::isa::Stmt::Trap(..)]));
    if !listed {
        all.push("guests run no opcode that the specification does not list".into());
    }
    all
}
