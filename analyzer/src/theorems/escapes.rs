//! Ways around a refutation, and what becomes of each.

use model::isa::{Isa, Premise, Profile, Verdict};
use model::theorem::Theorem;
use rayon::prelude::*;

use super::choice;
use super::classify::Classification;
use super::squares::{self, Square, commute};
use super::theorem::{Ground, Judgement};
use crate::definitions::VirtualMode;
use crate::definitions::statewise::Guests;
use crate::prove::answer::Answer;
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;

/// A way around a refutation, and what became of it.
#[derive(Debug)]
pub(crate) struct Escape {
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    /// What it assumes, in words.
    pub(crate) assumption: String,
}

impl Escape {
    pub(crate) fn new(name: &'static str, verdict: Verdict, assumption: &str) -> Self {
        Self { name, verdict, assumption: assumption.into() }
    }
}

/// Tries the ways around of Theorems 1 and 3.
pub(super) fn find(context: Context<'_>, all: &[Classification], both: &mut [Judgement; 2]) {
    unrelocated_guests(context, all, both);
    for it in both {
        fixed_bits(context.setting.isa, it);
        partial_traps(it);
    }
}

fn unrelocated(verdict: Verdict) -> Escape {
    let assumption =
        "one guest at k = 0 under a monitor in high storage; its window contains no trap cell";
    Escape::new("single-unrelocated-guest", verdict, assumption)
}

/// Bits of the monitor's own that it keeps at one value: a refutation is one of every choice of them, and
/// where a choice works it is a condition of the verdict.
fn fixed_bits(isa: &Isa, it: &mut Judgement) {
    let (verdict, assumption) = match it.verdict {
        Verdict::Refuted => (
            Verdict::Refuted,
            "for every value of the monitor's own bits there is a state that breaks a square; all bits of kind resource and trap-vector were searched".to_owned(),
        ),
        Verdict::Holds if !it.keeps.is_empty() => {
            let kept = choice::words(isa, &it.keeps);
            (Verdict::Holds, format!("the monitor keeps {kept} in the real machine"))
        }
        _ => return,
    };
    it.escapes.push(Escape::new("monitor-fixed-bits", verdict, &assumption));
}

/// Partial traps: an instruction may run directly although the premise fails, if it traps wherever
/// its action would matter. That is the statewise condition, so its verdict is known.
fn partial_traps(it: &mut Judgement) {
    let verdict = match (it.premise, it.verdict, it.by) {
        (Premise::Fails, Verdict::Holds, Ground::Statewise) if it.keeps.is_empty() => {
            Verdict::Holds
        }
        (_, Verdict::Refuted, _) => Verdict::Refuted,
        _ => return,
    };
    let assumption = "every unprivileged instruction traps where its action would matter: the statewise condition";
    it.escapes.push(Escape::new("partial-traps", verdict, assumption));
}

/// Ways around a refuted Theorem 1 or 3: a single guest that is not relocated, and, for Theorem 1, the hybrid monitor.
fn unrelocated_guests(context: Context<'_>, all: &[Classification], both: &mut [Judgement; 2]) {
    let setting = context.setting;
    let [vmm, hvmm] = both;
    if vmm.verdict != Verdict::Refuted && hvmm.verdict != Verdict::Refuted {
        return;
    }
    // Its squares assume l + b ≤ w and compare no clocks: what `extended` asks of guests, it does not ask.
    let single = (setting.profile != Profile::Extended).then(|| Single::find(context, all, vmm));
    let single = |theorem| single.as_ref().map(|it| unrelocated(it.verdict(context, theorem)));
    if vmm.verdict == Verdict::Refuted {
        vmm.escapes.extend(single(vmm.theorem));
        let assumption = "all virtual-supervisor code is interpreted (Theorem 3)";
        vmm.escapes.push(Escape::new("hybrid-monitor", hvmm.verdict, assumption));
    }
    if hvmm.verdict == Verdict::Refuted {
        hvmm.escapes.extend(single(hvmm.theorem));
    }
}

/// What is known of a single unrelocated guest.
struct Single {
    squares: Vec<Square>,
    /// The class about which was asked first.
    first: usize,
}

impl Single {
    /// The classes that refute come first: one that fails here too, in user mode, settles the question.
    fn find(context: Context<'_>, all: &[Classification], vmm: &Judgement) -> Self {
        let mut order: Vec<usize> = vmm.refuting.clone();
        order.extend((0..all.len()).filter(|i| !vmm.refuting.contains(i)));
        let (refuting, rest) = order.split_at(vmm.refuting.len());
        let mut squares: Vec<Square> = Vec::new();
        let ask = |chosen: &[usize]| -> Vec<Square> {
            let one = |i: &usize| {
                let class = &context.setting.isa.classes[*i];
                squares::unrelocated(context, class, &all[*i].earlier)
            };
            chosen.par_iter().flat_map_iter(one).collect()
        };
        let fails_for_user = |squares: &[Square]| {
            squares.iter().any(|s| s.side == VirtualMode::User && s.verdict.is_witnessed())
        };
        for class in refuting {
            if !fails_for_user(&squares) {
                squares.extend(ask(std::slice::from_ref(class)));
            }
        }
        if !fails_for_user(&squares) {
            squares.extend(ask(rest));
        }
        Self { squares, first: order[0] }
    }

    fn verdict(&self, context: Context<'_>, theorem: Theorem) -> Verdict {
        let sides = context.setting.virtual_modes(theorem);
        match commute(&self.squares, sides) {
            Answer::No => Verdict::Refuted,
            // No square fails, so every class was asked about.
            Answer::Yes => {
                let class = &context.setting.isa.classes[self.first];
                let mut inquiry = Inquiry::new(context, class);
                let exists = |side: &VirtualMode| {
                    squares::exists(&mut inquiry, Guests::Unrelocated, *side, &[])
                };
                let found: Vec<Answer> = sides.iter().map(exists).collect();
                if found.contains(&Answer::Vacuous) {
                    Verdict::Vacuous
                } else if found.iter().all(|answer| answer.is_yes()) {
                    Verdict::Holds
                } else {
                    Verdict::Undecided
                }
            }
            _ => Verdict::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use model::isa::{Premise, Profile, Verdict};
    use model::theorem::Theorem;

    use super::{Escape, partial_traps, unrelocated_guests};
    use crate::decide::By;
    use crate::prove::answer::Answer::{self, No, Undecided, Vacuous, Yes};
    use crate::prove::answer::Existence;
    use crate::prove::context::{Context, Tally};
    use crate::prove::question::{Backend, Question, Session};
    use crate::prove::setting::Setting;
    use crate::theorems::fixtures::{class, g3, judgement, verdict};
    use crate::theorems::theorem::{Ground, Judgement};

    #[test]
    fn partial_traps_are_an_escape_where_only_the_premise_fails() {
        use Premise::{Fails, Holds};
        for (premise, word, by, expected) in [
            (Fails, Verdict::Holds, Ground::Statewise, Some(Verdict::Holds)),
            (Fails, Verdict::Refuted, Ground::StepRefutation, Some(Verdict::Refuted)),
            (Fails, Verdict::Undecided, Ground::Nothing, None),
            (Holds, Verdict::Holds, Ground::SetInclusion, None),
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

    impl Backend for Fixed {
        fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
            let isa = session.problem.isa;
            let class = isa.classes.iter().position(|c| c.name == session.problem.class.name);
            let class = class.expect("the class is one of the machine's");
            let side = usize::from(question.name.contains("/user/"));
            let answer = if question.name.starts_with("room/") {
                self.guests[side]
            } else {
                self.asked.lock().expect("nothing panics here").insert(class);
                self.breaks[class][side]
            };
            (verdict(answer), By::Dependency)
        }

        fn small(&self, _: &mut Session<'_>, _: &Question<'_>) -> Option<Existence> {
            None
        }
    }

    /// Escapes by name.
    type Escapes = Vec<(&'static str, Verdict)>;

    /// The escapes of both theorems, and the classes asked about, where class 1 refutes what is refuted.
    fn tried(
        verdicts: [Verdict; 2],
        breaks: [[Answer; 2]; 3],
        guests: [Answer; 2],
    ) -> ([Escapes; 2], Vec<usize>) {
        let isa = g3();
        let all = [No; 3].map(|privileged| class(privileged, [Yes, Yes], [Undecided, Undecided]));
        let fixed = Fixed { breaks, guests, asked: Mutex::default() };
        let mut both = [0, 1].map(|i| {
            let verdict = verdicts[i];
            let mut it = judgement(Premise::Fails, verdict, Ground::Nothing);
            it.theorem = Theorem::MONITORS[i];
            it.refuting = if verdict == Verdict::Refuted { vec![1] } else { vec![] };
            it
        });
        let setting = Setting::new(&isa, &isa.pairs[0], Profile::Refined);
        let tally = Tally::default();
        let context = Context { setting, backend: &fixed, tally: &tally };
        unrelocated_guests(context, &all, &mut both);
        let counts = tally.counts();
        let asked: Vec<usize> =
            fixed.asked.into_inner().expect("nothing panics here").into_iter().collect();
        assert!(counts.obligations >= 2 * asked.len() as u64);
        let of = |it: Judgement| it.escapes.iter().map(|e: &Escape| (e.name, e.verdict)).collect();
        (both.map(of), asked)
    }

    #[test]
    fn escapes_are_what_becomes_of_an_unrelocated_guest() {
        use Verdict::{Holds, Refuted, Undecided as Open, Vacuous as Empty};
        let never = [[No, No]; 3];
        let single = "single-unrelocated-guest";
        let hybrid = "hybrid-monitor";
        // Nothing is refuted: nothing is asked.
        assert_eq!(tried([Holds, Holds], never, [Yes, Yes]), ([vec![], vec![]], vec![]));
        assert_eq!(tried([Open, Open], never, [Yes, Yes]), ([vec![], vec![]], vec![]));
        let all = vec![0, 1, 2];
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
