//! Theorems 1, 2 and 3: the premise (a set inclusion), and the verdict on constructibility.
//!
//! The theorems are sufficient conditions: failing set inclusion alone refutes nothing. A verdict
//! of *holds* needs the inclusion or the statewise condition proved; *refuted* needs a replayed state
//! in which the square does not commute (P&G sections 4 to 6).

use model::isa::{Isa, Pair, Premise, Profile, VerdictWord};
use rayon::prelude::*;

use crate::classify::{self, Classification, Counts, Square, answer_of};
use crate::conditions;
use crate::definitions::Side;
use crate::settle::Settle;
use crate::verdict::Answer;

/// A theorem judged for one pair.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) premise: Premise,
    pub(crate) verdict: VerdictWord,
    /// `set-inclusion`, `statewise`, `step-refutation` or empty.
    pub(crate) by: &'static str,
    /// Classes that break the premise, by index.
    pub(crate) offending: Vec<usize>,
    /// Unprivileged classes for which the square does not commute, by index.
    pub(crate) refuting: Vec<usize>,
    /// Ways around a refutation, with what became of them.
    pub(crate) escapes: Vec<Escape>,
    /// The premise holds and the statewise condition fails: a gap in the definitions.
    pub(crate) gap: bool,
}

/// A way around a refutation, and what became of it.
#[derive(Debug)]
pub(crate) struct Escape {
    pub(crate) name: &'static str,
    pub(crate) verdict: VerdictWord,
    /// What it assumes, in words.
    pub(crate) assumption: String,
}

impl Escape {
    fn new(name: &'static str, verdict: VerdictWord, assumption: &str) -> Self {
        Self { name, verdict, assumption: assumption.into() }
    }
}

/// Theorem 2 has premises of its own.
#[derive(Debug)]
pub(crate) struct Recursive {
    pub(crate) premise: Premise,
    pub(crate) verdict: VerdictWord,
    pub(crate) vmm: Premise,
    /// No instruction depends on time.
    pub(crate) timing: Premise,
    /// Classes that depend on time, by index.
    pub(crate) timed: Vec<usize>,
    /// A monitor that is a program of the machine was demonstrated.
    pub(crate) monitor: Premise,
}

/// Judges Theorem 1 (`Side::BOTH`) or Theorem 3 (virtual user mode only).
pub(crate) fn judge(all: &[Classification], profile: Profile, hybrid: bool) -> Judgement {
    let sensitive =
        |c: &Classification| if hybrid { c.user_sensitive(profile) } else { c.sensitive(profile) };
    let sides: &[Side] = if hybrid { &[Side::User] } else { &Side::BOTH };
    // A class that always memory-traps is vacuously privileged.
    let included = |c: &Classification| match (sensitive(c), c.privileged) {
        (Answer::No | Answer::Vacuous, _) | (_, Answer::Yes | Answer::Vacuous) => Answer::Yes,
        (Answer::Yes, Answer::No) => Answer::No,
        (Answer::Undecided, _) | (_, Answer::Undecided) => Answer::Undecided,
    };
    let offending = indices(all, |c| included(c) == Answer::No);
    let open = all.iter().any(|c| included(c) == Answer::Undecided);
    let premise = match (offending.is_empty(), open) {
        (false, _) => Premise::Fails,
        (true, true) => Premise::Undecided,
        (true, false) => Premise::Holds,
    };
    let unprivileged = |c: &Classification| c.privileged != Answer::Yes;
    let commutes = |c: &Classification| Classification::commutes(&c.statewise, sides);
    let refuting = indices(all, |c| unprivileged(c) && commutes(c) == Answer::No);
    let proved = all.iter().filter(|c| unprivileged(c)).all(|c| commutes(c) == Answer::Yes);
    // Where every instruction always memory-traps there is nothing to include.
    let empty = all.iter().all(|c| c.privileged == Answer::Vacuous);
    let premise = if empty { Premise::Vacuous } else { premise };
    let (verdict, by) = match premise {
        Premise::Vacuous => (VerdictWord::Vacuous, ""),
        Premise::Holds => (VerdictWord::Holds, "set-inclusion"),
        _ if proved => (VerdictWord::Holds, "statewise"),
        _ if !refuting.is_empty() => (VerdictWord::Refuted, "step-refutation"),
        _ => (VerdictWord::Undecided, ""),
    };
    let gap = premise == Premise::Holds && !refuting.is_empty();
    Judgement { premise, verdict, by, offending, refuting, escapes: Vec::new(), gap }
}

fn indices(all: &[Classification], wanted: impl Fn(&Classification) -> bool) -> Vec<usize> {
    (0..all.len()).filter(|i| wanted(&all[*i])).collect()
}

/// Judges Theorem 2: Theorem 1, and a monitor without timing dependencies that is a program of the
/// machine. The last is not demonstrated here, so the verdict stays open where the others hold.
pub(crate) fn recursive(all: &[Classification], vmm: &Judgement) -> Recursive {
    let timed = |c: &Classification| {
        c.finding("time-sensitive").map_or(Answer::No, classify::Finding::answer)
    };
    let dependent = indices(all, |c| timed(c).is_yes());
    let open = all.iter().any(|c| timed(c) == Answer::Undecided);
    let timing = match (dependent.is_empty(), open) {
        (false, _) => Premise::Fails,
        (true, true) => Premise::Undecided,
        (true, false) => Premise::Holds,
    };
    let premise = if vmm.premise == Premise::Fails || timing == Premise::Fails {
        Premise::Fails
    } else {
        Premise::Undecided
    };
    let verdict = match vmm.verdict {
        VerdictWord::Refuted => VerdictWord::Refuted,
        _ => VerdictWord::Undecided,
    };
    Recursive {
        premise,
        verdict,
        vmm: vmm.premise,
        timing,
        timed: dependent,
        monitor: Premise::Undecided,
    }
}

fn unrelocated(verdict: VerdictWord) -> Escape {
    let assumption =
        "one guest at k = 0 under a monitor in high storage; its window contains no trap cell";
    Escape::new("single-unrelocated-guest", verdict, assumption)
}

/// Partial traps: an instruction may run directly although the premise fails, if it traps wherever
/// its action would matter. That is the statewise condition, so its verdict is known.
pub(crate) fn partial_traps(it: &mut Judgement) {
    let verdict = match (it.premise, it.verdict, it.by) {
        (Premise::Fails, VerdictWord::Holds, "statewise") => VerdictWord::Holds,
        (_, VerdictWord::Refuted, _) => VerdictWord::Refuted,
        _ => return,
    };
    let assumption = "every unprivileged instruction traps where its action would matter: the statewise condition";
    it.escapes.push(Escape::new("partial-traps", verdict, assumption));
}

/// Tries the ways around a refuted Theorem 1 or 3: a single guest that is not relocated, and, for
/// Theorem 1, the hybrid monitor.
pub(crate) fn escapes(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    all: &[Classification],
    vmm: &mut Judgement,
    hvmm: &mut Judgement,
    settle: &dyn Settle,
) -> Counts {
    let mut counts = Counts::default();
    if vmm.verdict != VerdictWord::Refuted && hvmm.verdict != VerdictWord::Refuted {
        return counts;
    }
    // The classes that refute come first: one that fails here too settles the question.
    let mut order: Vec<usize> = vmm.refuting.clone();
    order.extend(
        (0..all.len()).filter(|i| all[*i].privileged != Answer::Yes && !vmm.refuting.contains(i)),
    );
    let (first, rest) = order.split_at(vmm.refuting.len());
    let mut squares: Vec<Square> = Vec::new();
    let ask = |chosen: &[usize]| -> Vec<(Vec<Square>, Counts)> {
        chosen
            .par_iter()
            .map(|i| classify::unrelocated(isa, &isa.classes[*i], pair, profile, settle))
            .collect()
    };
    let mut take = |answers: Vec<(Vec<Square>, Counts)>, squares: &mut Vec<Square>| {
        for (more, effort) in answers {
            counts.add(&effort);
            squares.extend(more);
        }
    };
    take(ask(first), &mut squares);
    let fails_for_user = squares.iter().any(|s| s.side == Side::User && s.verdict.is_shown());
    if !fails_for_user {
        take(ask(rest), &mut squares);
    }
    let verdict = |sides: &[Side]| {
        let asked = squares.iter().filter(|s| sides.contains(&s.side));
        match Answer::any(asked.map(|s| answer_of(&s.verdict))) {
            Answer::Yes => VerdictWord::Refuted,
            Answer::No if !fails_for_user => {
                let exists = |side: &Side| {
                    let class = &isa.classes[order[0]];
                    conditions::unrelocated_exists(isa, class, pair, profile, *side, settle)
                };
                let found: Vec<Answer> = sides.iter().map(exists).collect();
                if found.contains(&Answer::Vacuous) {
                    VerdictWord::Vacuous
                } else if found.iter().all(|a| a.is_yes()) {
                    VerdictWord::Holds
                } else {
                    VerdictWord::Undecided
                }
            }
            _ => VerdictWord::Undecided,
        }
    };
    if vmm.verdict == VerdictWord::Refuted {
        vmm.escapes.push(unrelocated(verdict(&Side::BOTH)));
        let assumption = "all virtual-supervisor code is interpreted (Theorem 3)";
        vmm.escapes.push(Escape::new("hybrid-monitor", hvmm.verdict, assumption));
    }
    if hvmm.verdict == VerdictWord::Refuted {
        hvmm.escapes.push(unrelocated(verdict(&[Side::User])));
    }
    counts
}
