//! Theorems 1, 2 and 3: the premise (a set inclusion), and the verdict on constructibility.
//!
//! The theorems are sufficient conditions: failing set inclusion alone refutes nothing, and holding set
//! inclusion proves it of the paper's machine only. A verdict of *holds* needs more than either: every
//! square of direct execution proved for every guest, every trap shown to lead to the monitor, every
//! instruction confined, and assumptions that guests keep or that the monitor can watch. *Refuted* needs
//! replayed states that break squares under every choice of the monitor's own bits (P&G sections 4 to 6).

use model::isa::{Isa, Part, Premise, Profile, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::assumptions::{self, Assumed};
use super::choice::{self, Assignment, Choice, Chosen};
use super::classify::Classification;
use super::diagram::{self, Diagram, Need, Needed};
use super::entries::Lead;
use super::entries::{self, Entries};
use super::escapes::{self, Escape};
use super::launch;
use super::save::Saving;
use super::squares;
use crate::definitions::VirtualMode;
use crate::prove::answer::Answer;
use crate::prove::context::Context;
use crate::prove::setting::Setting;

/// What decided a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The premise holds, and the squares commute.
    SetInclusion,
    /// The premise fails or is open, and yet the squares commute.
    Statewise,
    /// States break squares whatever the monitor's own bits are.
    StepRefutation,
    /// Nothing did.
    Nothing,
}

impl Ground {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::SetInclusion => "set-inclusion",
            Self::Statewise => "statewise",
            Self::StepRefutation => "step-refutation",
            Self::Nothing => "",
        }
    }
}

/// What the theorems are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'f> {
    /// By class, in specification order.
    pub(crate) all: &'f [Classification],
    pub(crate) entries: &'f Entries,
    pub(crate) assumed: &'f Assumed,
}

/// A theorem about monitors judged for one pair.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) theorem: Theorem,
    pub(crate) premise: Premise,
    pub(crate) verdict: Verdict,
    pub(crate) by: Ground,
    /// Classes that break the premise, by index.
    pub(crate) offending: Vec<usize>,
    /// Classes for which the square does not commute for every choice of the monitor's bits, by index.
    pub(crate) refuting: Vec<usize>,
    /// What the monitor keeps its own bits at, where the verdict holds under that condition.
    pub(crate) keeps: Assignment,
    /// Assumptions that guests can break under the monitor's eyes, by index: the verdict holds while they
    /// are true.
    pub(crate) watched: Vec<usize>,
    /// Traps that lose part of a guest's E, by name: the verdict holds while no guest relies on it.
    pub(crate) losing: Vec<String>,
    /// An instruction is known that enters user mode.
    pub(crate) launches: bool,
    /// Components that decide where traps lead, with values at which they lead to the monitor.
    pub(crate) vectors: Assignment,
    /// What is assumed that the monitor can do to start a guest, in words.
    pub(crate) launch_assumed: Vec<String>,
    /// What stands in the way of a verdict.
    pub(crate) obstacles: Vec<String>,
    /// Direct execution is right, and that the monitor finds its guest behind every trap is not shown.
    pub(crate) lost: bool,
    /// Ways around a refutation, with what became of them.
    pub(crate) escapes: Vec<Escape>,
    /// The premise holds and squares do not commute: a gap in the definitions.
    pub(crate) gap: bool,
}

/// Theorem 2 has premises of its own.
#[derive(Debug)]
pub(crate) struct Recursive {
    pub(crate) premise: Premise,
    pub(crate) verdict: Verdict,
    pub(crate) vmm: Premise,
    /// No instruction depends on time.
    pub(crate) timing: Premise,
    /// Classes that depend on time, by index.
    pub(crate) timed: Vec<usize>,
    /// A monitor that is a program of the machine was demonstrated.
    pub(crate) monitor: Premise,
    /// Whether its dispatcher can save a guest's registers, where a monitor is possible.
    pub(crate) saving: Option<Saving>,
}

/// The classes whose square breaks in one of the virtual modes, by index.
pub(crate) fn refuting(all: &[Classification], sides: &[VirtualMode]) -> Vec<usize> {
    indices(all, |c| c.commutes(sides) == Answer::No)
}

/// Judges Theorems 1 and 3, and the rest of the diagram where one of them holds. `chosen` is what becomes, for each of
/// them, of the classes that are not right for all values of the monitor's own bits.
pub(crate) fn monitors(
    context: Context<'_>,
    found: Found<'_>,
    chosen: &[Chosen; 2],
) -> ([Judgement; 2], Diagram) {
    let setting = context.setting;
    let [vmm, hvmm] = chosen;
    let mut both = [(Theorem::Vmm, vmm), (Theorem::Hvmm, hvmm)]
        .map(|(theorem, chosen)| by_squares(setting, theorem, found, chosen));
    for it in &mut both {
        it.launch(context, found.entries);
        it.place(context);
    }
    let diagram = diagram::judge(context, &both);
    for it in both.iter_mut().filter(|it| it.verdict == Verdict::Holds) {
        it.complete(&diagram.parts(setting.isa, setting.virtual_modes(it.theorem)));
        if setting.profile != Profile::Extended {
            it.losing = diagram.losing(setting.isa);
        }
    }
    // What becomes of the ways around is said of verdicts that stand.
    escapes::find(context, found.all, &mut both);
    (both, diagram)
}

/// What premise, squares, traps and assumptions say of a theorem.
fn by_squares(
    setting: Setting<'_>,
    theorem: Theorem,
    found: Found<'_>,
    Chosen { choice, unconfined }: &Chosen,
) -> Judgement {
    let Found { all, assumed, .. } = found;
    let sides = setting.virtual_modes(theorem);
    let (premise, offending) = premise(setting, theorem, all);
    let refuting = refuting(all, sides);
    let mut obstacles = obstacles(setting, sides, found, unconfined);
    let is_empty = |(side, exists): &(VirtualMode, Answer)| {
        *side != VirtualMode::Other && sides.contains(side) && *exists == Answer::Vacuous
    };
    let empty = premise == Premise::Vacuous || assumed.guests.iter().any(is_empty);
    let mut keeps = Assignment::new();
    let verdict = match choice {
        _ if empty => Verdict::Vacuous,
        Choice::None => Verdict::Refuted,
        Choice::Open => {
            obstacles.push("whether some choice of the monitor's own bits makes all squares commute is not settled".into());
            Verdict::Undecided
        }
        _ if !obstacles.is_empty() => Verdict::Undecided,
        Choice::Keep(assignment) => {
            keeps.clone_from(assignment);
            Verdict::Holds
        }
    };
    let by = match (verdict, premise) {
        (Verdict::Holds, Premise::Holds) => Ground::SetInclusion,
        (Verdict::Holds, _) => Ground::Statewise,
        (Verdict::Refuted, _) => Ground::StepRefutation,
        _ => Ground::Nothing,
    };
    if verdict != Verdict::Undecided {
        obstacles.clear();
    }
    let watched = (0..assumed.kept.len())
        .filter(|i| !assumed.kept[*i].broken.is_empty() || assumed.kept[*i].reset)
        .collect();
    Judgement {
        theorem,
        premise,
        verdict,
        by,
        gap: premise == Premise::Holds && verdict == Verdict::Refuted,
        offending,
        refuting,
        keeps,
        watched,
        losing: Vec::new(),
        launches: false,
        vectors: Assignment::new(),
        launch_assumed: Vec::new(),
        obstacles,
        lost: false,
        escapes: Vec::new(),
    }
}

impl Judgement {
    /// Takes *holds* back where the monitor cannot start a guest, with the bits kept that traps need too.
    fn launch(&mut self, context: Context<'_>, entries: &Entries) {
        if self.verdict != Verdict::Holds {
            return;
        }
        self.keep(entries);
        let setting = context.setting;
        let fixed = setting
            .fixed
            .iter()
            .filter(|(part, _)| entries.choice.parts.iter().any(|(relevant, _)| relevant == part));
        let fixed: Assignment = fixed.copied().collect();
        let for_good = [&self.keeps[..], &fixed].concat();
        let words = |bits: &[(Part, u128)]| choice::words(setting.isa, bits);
        let kept = format!("with {} kept", words(&self.keeps));
        let fixed = format!("with {}, as a reset leaves it for good,", words(&fixed));
        let mut lead = Lead::default();
        for (bits, with) in [(self.keeps.clone(), kept), (for_good, fixed)] {
            let Some(choice) = entries::lead_keeping(context, entries, &bits) else {
                self.take_back(format!(
                    "{with} it is not known that all traps lead to the monitor"
                ));
                return;
            };
            lead = choice;
        }
        self.vectors = lead.parts;
        let launch = launch::judge(self.launching(context), &self.keeps, entries, &lead.cells);
        self.launches = launch.known;
        self.launch_assumed = launch.assumed;
        launch.obstacles.into_iter().for_each(|obstacle| self.take_back(obstacle));
    }

    /// The context of questions about launching a guest.
    pub(crate) fn launching<'c>(&'c self, context: Context<'c>) -> Context<'c> {
        Context { setting: Setting { vectors: &self.vectors, ..context.setting }, ..context }
    }

    /// Takes *refuted* back where the map is not known to place guests as it should: squares of a map that places
    /// none of those for which they break refute nothing.
    fn place(&mut self, context: Context<'_>) {
        let sides = context.setting.virtual_modes(self.theorem);
        let placed = || {
            squares::allocator(context, sides).iter().all(|square| square.verdict.is_absent())
                || self.refuting.iter().any(|class| {
                    let class = &context.setting.isa.classes[*class];
                    squares::breaks_placed(context, class, sides)
                })
        };
        if self.verdict == Verdict::Refuted && !placed() {
            self.take_back(
                "the standard map is not known to place guests in their partitions on this machine"
                    .into(),
            );
        }
    }

    /// Takes up the bits that traps need.
    fn keep(&mut self, entries: &Entries) {
        for bits in &entries.needs {
            if !self.keeps.iter().any(|known| choice::covers(*known, *bits)) {
                self.keeps.push(*bits);
            }
        }
        self.keeps.sort_unstable_by_key(|(part, _)| (part.register, part.low));
    }

    /// Takes a verdict back.
    fn take_back(&mut self, why: String) {
        self.gap = false;
        self.verdict = Verdict::Undecided;
        self.by = Ground::Nothing;
        self.keeps.clear();
        self.obstacles.push(why);
    }

    /// Takes it back where a part of the diagram beside direct execution fails or is open.
    fn complete(&mut self, parts: &[Needed]) {
        for (need, fails, open) in [
            (
                Need::Recovery,
                "behind a trap the monitor does not find its guest again:",
                "whether the monitor finds its guest again behind a trap is undecided for",
            ),
            (
                Need::Fetching,
                "under a monitor something else than the guest's code is fetched:",
                "whether the guest's code is fetched under a monitor is undecided for",
            ),
            (
                Need::Placing,
                "the standard map does not place every guest's window in its partition:",
                "whether the standard map places every guest's window in its partition is undecided:",
            ),
        ] {
            for (answer, what) in [(Answer::No, fails), (Answer::Undecided, open)] {
                let of = parts.iter().filter(|part| part.need == need && part.answer == answer);
                let which: Vec<&str> = of.map(|part| part.name.as_str()).collect();
                if !which.is_empty() {
                    self.take_back(format!("{what} {}", brief(&which)));
                    self.lost |= need == Need::Recovery;
                }
            }
        }
    }
}

/// The set inclusion, and the classes that break it.
fn premise(
    setting: Setting<'_>,
    theorem: Theorem,
    all: &[Classification],
) -> (Premise, Vec<usize>) {
    let profile = setting.profile;
    let sensitive = |c: &Classification| {
        if theorem.is_hybrid() { c.user_sensitive(profile) } else { c.sensitive(profile) }
    };
    // A class that always memory-traps is vacuously privileged.
    let included = |c: &Classification| match (sensitive(c), c.privileged) {
        (Answer::No | Answer::Vacuous, _) | (_, Answer::Yes | Answer::Vacuous) => Answer::Yes,
        (Answer::Yes, Answer::No) => Answer::No,
        (Answer::Undecided, _) | (_, Answer::Undecided) => Answer::Undecided,
    };
    let offending = indices(all, |c| included(c) == Answer::No);
    let open = all.iter().any(|c| included(c) == Answer::Undecided);
    // Where every instruction always memory-traps there is nothing to include.
    let empty = all.iter().all(|c| c.privileged == Answer::Vacuous);
    let premise = match (offending.is_empty(), open) {
        _ if empty => Premise::Vacuous,
        (false, _) => Premise::Fails,
        (true, true) => Premise::Undecided,
        (true, false) => Premise::Holds,
    };
    (premise, offending)
}

/// What stands in the way of *holds*, beside squares that break.
fn obstacles(
    setting: Setting<'_>,
    sides: &[VirtualMode],
    Found { all, entries, assumed }: Found<'_>,
    unconfined: &[usize],
) -> Vec<String> {
    let isa = setting.isa;
    let classes =
        |wanted: &dyn Fn(&Classification) -> bool| brief(&names(isa, &indices(all, wanted)));
    let mut obstacles = Vec::new();
    let mut note = |what: &str, which: String| {
        if !which.is_empty() {
            obstacles.push(format!("{what} {which}"));
        }
    };
    note(
        "whether the square commutes is undecided for",
        classes(&|c| c.commutes(sides) == Answer::Undecided),
    );
    note("not confined in user mode:", brief(&names(isa, unconfined)));
    let confined = |c: &Classification| c.answer(Property::Unconfined);
    note("whether it is confined is undecided for", classes(&|c| confined(c) == Answer::Undecided));
    if setting.profile == Profile::Extended {
        let shows = |c: &Classification| {
            let finding = c.finding(Property::TrapVisible);
            finding.map_or(Answer::No, |f| f.over(|side| sides.contains(&side))) == Answer::Yes
        };
        note("shows that the monitor hid a trap before it:", classes(&shows));
    }
    let undecided = entries.of(Answer::Undecided);
    let traps: Vec<&str> = undecided.iter().map(|id| isa.trap(*id).name.as_str()).collect();
    note(
        "whether every choice of the monitor's lets the trap lead to it is undecided for",
        brief(&traps),
    );
    // Opcodes that are not listed, and fetches, raise traps too.
    let strays = entries.of(Answer::No);
    let strays: Vec<&str> = strays.iter().map(|id| isa.trap(*id).name.as_str()).collect();
    note("under no choice of the monitor's does the trap lead to it:", brief(&strays));
    if isa.halted.as_ref().is_some_and(|halted| assumptions::names_guests(isa, halted)) {
        let what = "whether a guest can stop the real machine is not analyzed:";
        note(what, "`halted` names components that are not the monitor's".into());
    }
    if entries.more {
        note("which bits of its own a monitor has to keep is undecided for", "trap entry".into());
    }
    if entries.apart {
        note("no choice of the monitor's is known under which", "all traps lead to it".into());
    }
    for (assumption, kept) in isa.assumptions.iter().zip(&assumed.kept) {
        let about = format!("the assumption {} ({})", assumption.name, assumption.text.trim());
        let unseen = |wanted: Answer| {
            let of = kept.unseen.iter().filter(|(_, side, a)| sides.contains(side) && *a == wanted);
            brief(&names(isa, &of.map(|(class, ..)| *class).collect::<Vec<_>>()))
        };
        note(&format!("{about} is broken, without a trap, by"), unseen(Answer::Yes));
        let open = unseen(Answer::Undecided);
        note(&format!("{about}: whether it is broken without a trap is undecided for"), open);
        let image = |wanted: Answer| {
            kept.images.iter().any(|(side, a)| sides.contains(side) && *a == wanted)
        };
        if image(Answer::Yes) {
            note(&format!("{about} is not true of every image"), "f(S)".into());
        } else if image(Answer::Undecided) {
            note(
                &format!("{about}: it is undecided whether it is true of every image"),
                "f(S)".into(),
            );
        }
    }
    if assumed.guests.iter().any(|(side, a)| sides.contains(side) && *a == Answer::Undecided) {
        note("it is undecided whether there is room for", "any guest".into());
    }
    obstacles
}

fn indices(all: &[Classification], wanted: impl Fn(&Classification) -> bool) -> Vec<usize> {
    (0..all.len()).filter(|i| wanted(&all[*i])).collect()
}

/// Names of classes, each once.
pub(crate) fn names(isa: &Isa, indices: &[usize]) -> Vec<String> {
    let mut names: Vec<String> = indices.iter().map(|i| isa.classes[*i].name.clone()).collect();
    names.dedup();
    names
}

/// A list of names, cut after a few.
pub(crate) fn brief<S: std::borrow::Borrow<str>>(names: &[S]) -> String {
    cut(names, 6)
}

/// A list of names, cut after so many.
pub(crate) fn cut<S: std::borrow::Borrow<str>>(names: &[S], shown: usize) -> String {
    let list = names[..names.len().min(shown)].join(", ");
    match names.len().checked_sub(shown) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}

/// Judges Theorem 2: Theorem 1, and a monitor without timing dependencies that is a program of the
/// machine. The last is not demonstrated here, so the verdict stays open where the others hold.
pub(crate) fn recursive(
    all: &[Classification],
    vmm: &Judgement,
    saving: Option<Saving>,
) -> Recursive {
    let timed = |c: &Classification| c.answer(Property::TimeSensitive);
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
        known @ (Verdict::Refuted | Verdict::Vacuous) => known,
        Verdict::Holds | Verdict::Undecided | Verdict::NotApplicable => Verdict::Undecided,
    };
    Recursive {
        premise,
        verdict,
        vmm: vmm.premise,
        timing,
        timed: dependent,
        monitor: Premise::Undecided,
        saving,
    }
}

#[cfg(test)]
mod tests {
    use model::isa::{Premise, Profile, Verdict};
    use model::property::Property;
    use model::theorem::Theorem;

    use super::{Found, Ground, by_squares, indices, recursive, refuting};
    use crate::definitions::VirtualMode;
    use crate::prove::answer::Answer::{No, Undecided, Vacuous, Yes};
    use crate::prove::setting::Setting;
    use crate::theorems::assumptions::{Assumed, Kept};
    use crate::theorems::choice::{Assignment, Choice, Chosen};
    use crate::theorems::classify::Classification;
    use crate::theorems::entries::Entries;
    use crate::theorems::fixtures::{both, class, g3, judgement};

    #[test]
    fn theorems_follow_from_what_is_known_of_the_classes() {
        let harmless = || class(No, [No, No], [No, No]);
        let guarded = || class(Yes, [Yes, Yes], [No, No]);
        let never = || class(Vacuous, [No, No], [No, No]);
        let isa = g3();
        let setting = Setting::new(&isa, &isa.pairs[0], Profile::Refined);
        let judge = |all: &[Classification], theorem, choice: &Choice| {
            let (entries, assumed) = (&Entries::default(), &Assumed::default());
            let found = Found { all, entries, assumed };
            by_squares(setting, theorem, found, &chosen(setting, theorem, all, choice))
        };
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
                "holds, refuted, step-refutation",
                [vec![], vec![1]],
                true,
            ),
            // What is privileged in pairs of states may break squares all the same.
            (
                vec![harmless(), class(Yes, [Yes, Yes], [No, Yes])],
                "holds, refuted, step-refutation",
                [vec![], vec![1]],
                true,
            ),
            // A premise proves it of the paper's machine only.
            (
                vec![harmless(), class(No, [No, No], [No, Undecided])],
                "holds, undecided, ",
                [vec![], vec![]],
                false,
            ),
        ];
        for (all, expected, [offending, refuting], gap) in table {
            for theorem in Theorem::MONITORS {
                let it = judge(&all, theorem, &Choice::None);
                let (premise, verdict) = (it.premise.word(), it.verdict.word());
                assert_eq!(format!("{premise}, {verdict}, {}", it.by.word()), expected, "{all:#?}");
                assert_eq!(it.offending, offending, "{all:#?}");
                assert_eq!(it.refuting, refuting, "{all:#?}");
                assert_eq!(it.gap, gap, "{all:#?}");
            }
        }
        // The hybrid monitor asks of virtual user mode only.
        let all = [class(No, [Yes, No], [Yes, No])];
        assert_eq!(judge(&all, Theorem::Vmm, &Choice::None).verdict, Verdict::Refuted);
        let hybrid = judge(&all, Theorem::Hvmm, &Choice::None);
        assert_eq!((hybrid.premise, hybrid.verdict), (Premise::Holds, Verdict::Holds));
        assert!(hybrid.refuting.is_empty() && !hybrid.gap);
        // The monitor chooses its own bits.
        let part = model::isa::Part { register: model::isa::RegisterId(0), low: 0, width: 1 };
        let all = [class(No, [Yes, Yes], [Yes, Yes])];
        let kept = judge(&all, Theorem::Vmm, &Choice::Keep(vec![(part, 1)]));
        assert_eq!((kept.verdict, kept.by), (Verdict::Holds, Ground::Statewise));
        assert_eq!(kept.keeps, [(part, 1)]);
        let open = judge(&all, Theorem::Vmm, &Choice::Open);
        assert_eq!(open.verdict, Verdict::Undecided);
        assert_eq!(open.obstacles.len(), 1);
    }

    #[test]
    fn holds_needs_more_than_squares() {
        let mut isa = g3();
        isa.assumptions.push(model::isa::Assumption {
            name: "zero".into(),
            text: "r[1] == 0".into(),
            that: model::isa::Expr::constant(model::bits::Bits::new(1, 1)),
            why: String::new(),
        });
        let setting = Setting::new(&isa, &isa.pairs[0], Profile::Refined);
        let harmless = || class(No, [No, No], [No, No]);
        let unconfined = |answer| {
            let mut it = harmless();
            it.findings[2].verdicts = both([No, answer]);
            it
        };
        let entries = |answer, apart| Entries {
            traps: vec![(Yes, None), (answer, None)],
            apart,
            ..Entries::default()
        };
        let assumed = |kept, user| Assumed {
            kept: vec![kept],
            guests: vec![(VirtualMode::Supervisor, Yes), (VirtualMode::User, user)],
        };
        let fine = || assumed(Kept::default(), Yes);
        let broken = |unseen| Kept {
            broken: vec![(crate::theorems::assumptions::Breaker::Class(0), VirtualMode::User, Yes)],
            unseen,
            ..Kept::default()
        };
        let (holds, open) = (Verdict::Holds, Verdict::Undecided);
        for (all, entries, assumed, expected, watched) in [
            (harmless(), entries(Yes, false), fine(), holds, 0),
            (harmless(), entries(No, false), fine(), open, 0),
            (harmless(), entries(Undecided, false), fine(), open, 0),
            (harmless(), entries(Yes, true), fine(), open, 0),
            (unconfined(Yes), entries(Yes, false), fine(), open, 0),
            (unconfined(Undecided), entries(Yes, false), fine(), open, 0),
            (harmless(), entries(Yes, false), assumed(broken(vec![]), Yes), holds, 1),
            (
                harmless(),
                entries(Yes, false),
                assumed(broken(vec![(0, VirtualMode::User, Yes)]), Yes),
                open,
                1,
            ),
            (
                harmless(),
                entries(Yes, false),
                assumed(Kept { images: vec![(VirtualMode::User, Yes)], ..Kept::default() }, Yes),
                open,
                0,
            ),
            (
                harmless(),
                entries(Yes, false),
                assumed(Kept { reset: true, ..Kept::default() }, Yes),
                holds,
                1,
            ),
            (
                harmless(),
                entries(Yes, false),
                assumed(Kept::default(), Vacuous),
                Verdict::Vacuous,
                0,
            ),
        ] {
            for theorem in Theorem::MONITORS {
                let all = std::slice::from_ref(&all);
                let found = Found { all, entries: &entries, assumed: &assumed };
                let chosen = chosen(setting, theorem, all, &Choice::None);
                let it = by_squares(setting, theorem, found, &chosen);
                assert_eq!(it.verdict, expected, "{entries:?} {assumed:?}");
                assert_eq!(it.obstacles.is_empty(), expected != open, "{:?}", it.obstacles);
                assert_eq!(it.watched.len(), watched);
            }
        }
    }

    /// The choice where squares break; else none is needed.
    fn chosen(
        setting: Setting<'_>,
        theorem: Theorem,
        all: &[Classification],
        choice: &Choice,
    ) -> Chosen {
        let broken = !refuting(all, setting.virtual_modes(theorem)).is_empty();
        let choice = if broken { choice.clone() } else { Choice::Keep(Assignment::new()) };
        let unconfined = indices(all, |c| c.answer(Property::Unconfined).is_yes());
        Chosen { choice, unconfined }
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
            for word in [Verdict::Holds, Verdict::Refuted, Verdict::Undecided] {
                let all = [timed(No), timed(dependence)];
                let it = recursive(&all, &judgement(premise, word, Ground::Nothing), None);
                assert_eq!((it.vmm, it.timing, it.premise), (premise, timing, expected));
                assert_eq!(it.timed, if dependence == Yes { vec![1] } else { vec![] });
                // Whether the monitor is a program of the machine stays open.
                let refuted = word == Verdict::Refuted;
                let open = Verdict::Undecided;
                assert_eq!(it.verdict, if refuted { Verdict::Refuted } else { open });
            }
        }
    }
}
