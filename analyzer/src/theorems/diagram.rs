//! The whole commuting diagram: every square of P&G section 4, composed into equivalence.
//!
//! A theorem that holds says that a monitor *may* be built. Here its parts are checked for this
//! machine, for all states: direct execution (the statewise condition), the dispatcher behind every real
//! trap, the real trap sequence itself, and the allocator. If all commute, equivalence follows by
//! induction on the instructions executed. A verdict of *holds* is taken back where the dispatcher's square, a trap
//! sequence, the allocator or the fetching of the guest's code fails or is open; that traps save all of E is printed
//! as an assumption, which profile `extended` asks about.

use model::isa::{Isa, Verdict};
use rayon::prelude::*;

use crate::definitions::VirtualMode;
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::theorems::squares::{self, Fetched, Sequence, Square};
use crate::theorems::theorem::Judgement;

/// The squares beyond direct execution, as far as a theorem asks for them.
#[derive(Debug, Default)]
pub(crate) struct Diagram {
    /// By class, in specification order; none for a class that never traps.
    pub(crate) trapped: Vec<Vec<Square>>,
    pub(crate) sequences: Vec<Sequence>,
    pub(crate) allocator: Vec<Square>,
    fetched: Vec<Fetched>,
}

/// What a verdict needs beside direct execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// An instruction or a trap behind which the monitor finds its guest again.
    Recovery,
    /// What is fetched is the guest's.
    Fetching,
    /// f places every guest's window in its partition.
    Placing,
}

/// One such need, by name: yes where it is proved.
pub(crate) struct Needed {
    pub(crate) need: Need,
    pub(crate) name: String,
    pub(crate) answer: Answer,
}

/// Asks for the squares that the theorems need which hold: in virtual user mode only, where only
/// the hybrid monitor can be built.
pub(crate) fn judge(context: Context<'_>, monitors: &[Judgement; 2]) -> Diagram {
    let Some(first) = monitors.iter().find(|it| it.verdict == Verdict::Holds) else {
        return Diagram::default();
    };
    let sides = context.setting.virtual_modes(first.theorem);
    let classes = context.setting.isa.classes.par_iter().with_max_len(1);
    Diagram {
        sequences: squares::sequences(context),
        allocator: squares::allocator(context, sides),
        fetched: squares::fetched(context, sides),
        trapped: classes.map(|class| squares::trapped(context, class, sides)).collect(),
    }
}

impl Diagram {
    /// What a verdict needs beside direct execution, in the modes it speaks of.
    pub(crate) fn parts(&self, isa: &Isa, sides: &[VirtualMode]) -> Vec<Needed> {
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
        let answer = of(&self.allocator);
        parts.push(Needed { need: Need::Placing, name: "allocator".into(), answer });
        parts
    }

    /// Traps that lose part of E, by name.
    pub(crate) fn losing(&self, isa: &Isa) -> Vec<String> {
        let found = |s: &Sequence| s.registers.as_ref().is_none_or(Existence::is_absent);
        let losing = self.sequences.iter().filter(|s| !found(s));
        losing.map(|s| isa.trap(s.trap).name.clone()).collect()
    }
}

/// All must be proved: yes; one fails: no; and nothing to prove is vacuous.
pub(crate) fn all_of<'v>(verdicts: impl IntoIterator<Item = &'v Existence>) -> Answer {
    let mut verdicts = verdicts.into_iter().peekable();
    if verdicts.peek().is_none() {
        return Answer::Vacuous;
    }
    Answer::any(verdicts.map(Existence::exists)).negated()
}
