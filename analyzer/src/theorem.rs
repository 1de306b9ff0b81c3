//! Theorems 1, 2 and 3: the premise (a set inclusion), and the verdict on constructibility.
//!
//! The theorems are sufficient conditions: failing set inclusion alone refutes nothing. A verdict
//! of *holds* needs the inclusion or the statewise condition proved; *refuted* needs a replayed state
//! in which the square does not commute (P&G sections 4 to 6).

use model::isa::{Isa, Pair, Premise, Profile, VerdictWord};
use rayon::prelude::*;

use crate::classify::{self, Classification, Counts, Square, answer_of};
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
            .map(|i| {
                let class = &isa.classes[*i];
                classify::unrelocated(isa, class, pair, profile, &all[*i].earlier, settle)
            })
            .collect()
    };
    let mut take = |answers: Vec<(Vec<Square>, Counts)>, squares: &mut Vec<Square>| {
        for (more, effort) in answers {
            counts.add(&effort);
            squares.extend(more);
        }
    };
    let fails_for_user =
        |squares: &[Square]| squares.iter().any(|s| s.side == Side::User && s.verdict.is_shown());
    // One by one: a failure in user mode settles both theorems.
    for class in first {
        if !fails_for_user(&squares) {
            take(ask(std::slice::from_ref(class)), &mut squares);
        }
    }
    if !fails_for_user(&squares) {
        take(ask(rest), &mut squares);
    }
    let verdict = |sides: &[Side]| {
        let asked = squares.iter().filter(|s| sides.contains(&s.side));
        match Answer::any(asked.map(|s| answer_of(&s.verdict))) {
            Answer::Yes => VerdictWord::Refuted,
            // No square fails, so every class was asked about.
            Answer::No => {
                let exists = |side: &Side| {
                    let class = &isa.classes[order[0]];
                    classify::unrelocated_exists(isa, class, pair, profile, *side, settle)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use model::diagnostic::Sources;
    use model::isa::{Isa, Premise, Profile, VerdictWord};

    use super::{Escape, Judgement, escapes, judge, partial_traps, recursive};
    use crate::classify::{Classification, Counts, Finding, Square};
    use crate::decide::By;
    use crate::definitions::{DEFINITIONS, Side};
    use crate::settle::{Docket, Question, Settle};
    use crate::verdict::Answer::{self, No, Undecided, Vacuous, Yes};
    use crate::verdict::{Proof, Verdict};
    use crate::witness::Witness;

    fn verdict(exists: Answer) -> Verdict {
        let (operands, choices) = (Vec::new(), Vec::new());
        let (before, after) = (Vec::new(), Vec::new());
        match exists {
            Yes => {
                Verdict::Shown(Box::new(Witness { operands, choices, before, after, first: None }))
            }
            No | Vacuous => Verdict::Proved(Proof::new(By::Dependency)),
            Undecided => Verdict::Open("not tried".into()),
        }
    }

    fn both(answers: [Answer; 2]) -> Vec<(Side, Verdict)> {
        Side::BOTH.into_iter().zip(answers.map(verdict)).collect()
    }

    /// A class that is privileged or not, control sensitive, and has squares that break, the latter two
    /// in supervisor and user mode.
    fn class(privileged: Answer, sensitive: [Answer; 2], breaks: [Answer; 2]) -> Classification {
        let finding = |name: &str, answers| Finding {
            definition: DEFINITIONS.iter().find(|d| d.name == name).expect("it is defined"),
            verdicts: both(answers),
        };
        let square = |(side, verdict)| Square { side, verdict };
        Classification {
            privileged,
            privileged_evidence: verdict(privileged),
            findings: vec![
                finding("control-sensitive", sensitive),
                finding("time-sensitive", [No, No]),
            ],
            statewise: both(breaks).into_iter().map(square).collect(),
            breaks: Vec::new(),
            unpredictable: false,
            earlier: crate::decide::Earlier::default(),
            counts: Counts::default(),
        }
    }

    #[test]
    fn theorems_follow_from_what_is_known_of_the_classes() {
        let harmless = || class(No, [No, No], [No, No]);
        let guarded = || class(Yes, [Yes, Yes], [No, No]);
        let never = || class(Vacuous, [No, No], [No, No]);
        // Classes; premise, verdict and reason; what offends and what refutes; a gap.
        let table = [
            (vec![harmless(), guarded()], "holds, holds, set-inclusion", [vec![], vec![]], false),
            (vec![never(), never()], "vacuous, vacuous, ", [vec![], vec![]], false),
            (vec![never(), harmless()], "holds, holds, set-inclusion", [vec![], vec![]], false),
            (
                vec![harmless(), class(No, [Yes, Yes], [No, No])],
                "fails, holds, statewise",
                [vec![1], vec![]],
                false,
            ),
            (
                vec![harmless(), class(No, [Yes, Yes], [Undecided, Undecided])],
                "fails, undecided, ",
                [vec![1], vec![]],
                false,
            ),
            (
                vec![class(No, [Yes, Yes], [No, Yes]), harmless()],
                "fails, refuted, step-refutation",
                [vec![0], vec![0]],
                false,
            ),
            (
                vec![harmless(), class(No, [Undecided, Undecided], [Undecided, Undecided])],
                "undecided, undecided, ",
                [vec![], vec![]],
                false,
            ),
            (
                vec![harmless(), class(No, [Undecided, Undecided], [No, No])],
                "undecided, holds, statewise",
                [vec![], vec![]],
                false,
            ),
            (
                vec![harmless(), class(Undecided, [Yes, Yes], [Yes, Yes])],
                "undecided, refuted, step-refutation",
                [vec![], vec![1]],
                false,
            ),
            (
                vec![harmless(), class(No, [No, No], [Yes, Yes])],
                "holds, holds, set-inclusion",
                [vec![], vec![1]],
                true,
            ),
        ];
        for (all, expected, [offending, refuting], gap) in table {
            for hybrid in [false, true] {
                let it = judge(&all, Profile::Refined, hybrid);
                let (premise, verdict) = (it.premise.word(), it.verdict.word());
                assert_eq!(format!("{premise}, {verdict}, {}", it.by), expected, "{all:#?}");
                assert_eq!(it.offending, offending, "{all:#?}");
                assert_eq!(it.refuting, refuting, "{all:#?}");
                assert_eq!(it.gap, gap, "{all:#?}");
            }
        }
        // The hybrid monitor asks of virtual user mode only.
        let all = [class(No, [Yes, No], [Yes, No])];
        assert_eq!(judge(&all, Profile::Refined, false).verdict, VerdictWord::Refuted);
        let hybrid = judge(&all, Profile::Refined, true);
        assert_eq!((hybrid.premise, hybrid.verdict), (Premise::Holds, VerdictWord::Holds));
        assert!(hybrid.refuting.is_empty() && !hybrid.gap);
    }

    fn judgement(premise: Premise, verdict: VerdictWord, by: &'static str) -> Judgement {
        let (offending, refuting, escapes) = (Vec::new(), Vec::new(), Vec::new());
        Judgement { premise, verdict, by, offending, refuting, escapes, gap: false }
    }

    #[test]
    fn theorem_2_asks_for_theorem_1_and_for_no_clock() {
        use Premise::{Fails, Holds, Undecided as Open};
        let timed = |answer| {
            let mut it = class(No, [No, No], [No, No]);
            it.findings[1].verdicts = both([No, answer]);
            it
        };
        for (premise, dependence, timing, expected) in [
            (Holds, No, Holds, Open),
            (Holds, Undecided, Open, Open),
            (Holds, Yes, Fails, Fails),
            (Open, No, Holds, Open),
            (Open, Yes, Fails, Fails),
            (Fails, No, Holds, Fails),
            (Fails, Undecided, Open, Fails),
            (Fails, Yes, Fails, Fails),
        ] {
            for word in [VerdictWord::Holds, VerdictWord::Refuted, VerdictWord::Undecided] {
                let all = [timed(No), timed(dependence)];
                let it = recursive(&all, &judgement(premise, word, ""));
                assert_eq!((it.vmm, it.timing, it.premise), (premise, timing, expected));
                assert_eq!(it.timed, if dependence == Yes { vec![1] } else { vec![] });
                // Whether the monitor is a program of the machine stays open.
                let refuted = word == VerdictWord::Refuted;
                let open = VerdictWord::Undecided;
                assert_eq!(it.verdict, if refuted { VerdictWord::Refuted } else { open });
            }
        }
    }

    #[test]
    fn partial_traps_are_an_escape_where_only_the_premise_fails() {
        use Premise::{Fails, Holds};
        for (premise, word, by, expected) in [
            (Fails, VerdictWord::Holds, "statewise", Some(VerdictWord::Holds)),
            (Fails, VerdictWord::Refuted, "step-refutation", Some(VerdictWord::Refuted)),
            (Fails, VerdictWord::Undecided, "", None),
            (Holds, VerdictWord::Holds, "set-inclusion", None),
        ] {
            let mut it = judgement(premise, word, by);
            partial_traps(&mut it);
            assert_eq!(it.escapes.first().map(|e| e.verdict), expected);
        }
    }

    /// Answers by class and virtual mode; notes which classes are asked about.
    struct Fixed {
        /// Whether the square of each class breaks in supervisor and user mode.
        breaks: [[Answer; 2]; 3],
        /// Whether there are guests in supervisor and user mode.
        guests: [Answer; 2],
        asked: Mutex<BTreeSet<usize>>,
    }

    impl Settle for Fixed {
        fn settle(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> (Verdict, By) {
            let isa = docket.problem.isa;
            let class = isa.classes.iter().position(|c| c.name == docket.problem.class.name);
            let class = class.expect("the class is one of the machine's");
            let side = usize::from(question.name.contains("/user/"));
            let answer = if question.name.ends_with("/premise") {
                self.guests[side]
            } else {
                self.asked.lock().expect("nothing panics here").insert(class);
                self.breaks[class][side]
            };
            (verdict(answer), By::Dependency)
        }

        fn small(&self, _: &mut Docket<'_>, _: &Question<'_>) -> Option<Verdict> {
            None
        }
    }

    fn g3() -> Isa {
        let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let loaded = model::load("../isa-specs/g3.yaml", &open, &mut Sources::default());
        let mut isa = loaded.expect("the specification loads").isa;
        isa.classes.truncate(3);
        isa
    }

    /// Escapes by name.
    type Escapes = Vec<(&'static str, VerdictWord)>;

    /// The escapes of both theorems, and the classes asked about, where class 1 refutes what is refuted
    /// and class 0 is privileged.
    fn tried(
        verdicts: [VerdictWord; 2],
        breaks: [[Answer; 2]; 3],
        guests: [Answer; 2],
    ) -> ([Escapes; 2], Vec<usize>) {
        let isa = g3();
        let all =
            [Yes, No, No].map(|privileged| class(privileged, [Yes, Yes], [Undecided, Undecided]));
        let settle = Fixed { breaks, guests, asked: Mutex::default() };
        let [mut vmm, mut hvmm] = verdicts.map(|verdict| {
            let mut it = judgement(Premise::Fails, verdict, "");
            it.refuting = if verdict == VerdictWord::Refuted { vec![1] } else { vec![] };
            it
        });
        let pair = &isa.pairs[0];
        let counts = escapes(&isa, pair, Profile::Refined, &all, &mut vmm, &mut hvmm, &settle);
        let asked: Vec<usize> =
            settle.asked.into_inner().expect("nothing panics here").into_iter().collect();
        assert_eq!(counts.obligations, 2 * asked.len() as u64);
        let of = |it: Judgement| it.escapes.iter().map(|e: &Escape| (e.name, e.verdict)).collect();
        ([vmm, hvmm].map(of), asked)
    }

    #[test]
    fn escapes_are_what_becomes_of_an_unrelocated_guest() {
        use VerdictWord::{Holds, Refuted, Undecided as Open, Vacuous as Empty};
        let never = [[No, No]; 3];
        let single = "single-unrelocated-guest";
        let hybrid = "hybrid-monitor";
        // Nothing is refuted: nothing is asked.
        assert_eq!(tried([Holds, Holds], never, [Yes, Yes]), ([vec![], vec![]], vec![]));
        assert_eq!(tried([Open, Open], never, [Yes, Yes]), ([vec![], vec![]], vec![]));
        // What is privileged need not be asked about.
        let all = vec![1, 2];
        assert_eq!(
            tried([Refuted, Holds], never, [Yes, Yes]),
            ([vec![(single, Holds), (hybrid, Holds)], vec![]], all.clone())
        );
        let (of_both, of_user) = ([single, hybrid], [single]);
        for (breaks, guests, [vmm, hvmm], asked) in [
            (never, [Yes, Yes], [Holds, Holds], &all),
            (never, [Vacuous, Yes], [Empty, Holds], &all),
            (never, [Undecided, Yes], [Open, Holds], &all),
            (never, [Yes, Undecided], [Open, Open], &all),
            ([[No, No], [Yes, No], [No, No]], [Yes, Yes], [Refuted, Holds], &all),
            ([[No, No], [No, No], [Yes, No]], [Yes, Yes], [Refuted, Holds], &all),
            ([[No, No], [No, No], [No, Undecided]], [Yes, Yes], [Open, Open], &all),
            ([[No, No], [No, No], [Undecided, Yes]], [Yes, Yes], [Refuted, Refuted], &all),
            // What fails here too settles the question for both.
            ([[No, No], [No, Yes], [No, No]], [Yes, Yes], [Refuted, Refuted], &vec![1]),
        ] {
            let (found, who) = tried([Refuted, Refuted], breaks, guests);
            let expected = [
                of_both.into_iter().zip([vmm, Refuted]).collect(),
                of_user.into_iter().zip([hvmm]).collect::<Vec<_>>(),
            ];
            assert_eq!((found, &who), (expected, asked), "{breaks:?} {guests:?}");
        }
    }
}
