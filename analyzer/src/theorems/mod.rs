//! From answers to verdicts, one de-privileging pair at a time; [`judge`] reads in the order in which it happens.

pub(crate) mod assumptions;
pub(crate) mod choice;
pub(crate) mod classify;
pub(crate) mod collision;
pub(crate) mod counterexample;
pub(crate) mod diagram;
pub(crate) mod entries;
pub(crate) mod escapes;
mod fixed;
#[cfg(test)]
mod fixtures;
pub(crate) mod guest;
mod handover;
mod launch;
mod resume;
pub(crate) mod save;
pub(crate) mod squares;
mod steps;
pub(crate) mod theorem;

use model::isa::{Isa, Pair, Profile, TrapId, Verdict};
use model::property::Property;
use model::theorem::Theorem;
use rayon::prelude::*;

pub(crate) use assumptions::{Assumed, Breaker, Kept, condition};

use crate::definitions::VirtualMode;
use crate::progress::{Step, during};
use crate::prove::context::{Context, Tally};
use crate::prove::counts::Counts;
use crate::prove::question::Backend;
use crate::prove::setting::Setting;
use choice::{Assignment, Choice, Chosen};
use classify::Classification;
use diagram::Diagram;
use entries::Entries;
use theorem::{Judgement, Recursive};

/// What is asked before the classes.
const TRAPS: &str = "the traps";

/// What is asked behind the classes.
const THEOREMS: &str = "the theorems";

/// What is known about one de-privileging pair.
pub(crate) struct Judged<'i> {
    pub(crate) pair: &'i Pair,
    /// De-privileging leaves every admitted state in user mode as it is.
    steady: bool,
    pub(crate) entries: Entries,
    /// Traps that never lead to a monitor.
    strays: Vec<TrapId>,
    /// Components that stay as a reset leaves them.
    fixed: Assignment,
    /// Definitions that speak of no state in a mode.
    empty: Vec<(Property, VirtualMode)>,
    /// By class, in specification order.
    pub(crate) all: Vec<Classification>,
    pub(crate) assumed: Assumed,
    /// Theorems 1 and 3.
    pub(crate) monitors: [Judgement; 2],
    pub(crate) recursive: Recursive,
    pub(crate) diagram: Diagram,
    /// What a choice of the monitor's own bits does for classes that are not safe to run directly.
    pub(crate) choices: Vec<(usize, Choice)>,
    pub(crate) counts: Counts,
}

impl<'i> Judged<'i> {
    /// The setting that the pair was judged in.
    pub(crate) fn setting<'s>(&'s self, isa: &'s Isa, profile: Profile) -> Setting<'s>
    where
        'i: 's,
    {
        let Self { pair, steady, entries, strays, fixed, empty, .. } = self;
        let kept = &entries.needs;
        Setting { isa, pair, profile, steady: *steady, strays, kept, vectors: &[], fixed, empty }
    }
}

/// Items of work that judging a pair is divided into: each class, what comes before, and what comes behind.
pub(crate) fn items(isa: &Isa) -> usize {
    isa.classes.len() + 2
}

/// Judges one pair: its traps, every class, then the theorems, with answers from `backend`.
pub(crate) fn judge<'i>(
    isa: &'i Isa,
    pair: &'i Pair,
    profile: Profile,
    backend: &dyn Backend,
    step: &(dyn Fn(Step<'_>) + Sync),
) -> Judged<'i> {
    let tally = Tally::default();
    let within = |setting| Context { setting, backend, tally: &tally };
    let setting = Setting::new(isa, pair, profile);
    step(Step::Begins(TRAPS));
    let steady = assumptions::steady(within(setting));
    let setting = Setting { steady, ..setting };
    let entries = entries::judge(within(setting));
    let strays = entries.strays();
    let setting = Setting { strays: &strays, kept: &entries.needs, ..setting };
    let fixed = fixed::judge(within(setting));
    let setting = Setting { fixed: &fixed, ..setting };
    let empty = assumptions::empty(within(setting));
    let context = within(Setting { empty: &empty, ..setting });
    step(Step::Ends(TRAPS));
    let all: Vec<Classification> = isa
        .classes
        .par_iter()
        // Classes differ a thousandfold in effort and the heavy ones stand together.
        .with_max_len(1)
        .map(|class| during(step, &class.name, || classify::classify(context, class)))
        .collect();
    step(Step::Begins(THEOREMS));
    let assumed = assumptions::judge(context, &all);
    let (choices, chosen) = choices(context, &all);
    let found = theorem::Found { all: &all, entries: &entries, assumed: &assumed };
    let (monitors, diagram) = theorem::monitors(context, found, &chosen);
    let saving = monitors.iter().find(|it| it.verdict == Verdict::Holds).map(|it| {
        let kept = it.launches.then_some(it.keeps.as_slice());
        save::judge(it.launching(context), kept)
    });
    let recursive = theorem::recursive(&all, &monitors[0], saving);
    let counts = tally.counts();
    step(Step::Ends(THEOREMS));
    Judged {
        pair,
        steady,
        entries,
        strays,
        fixed,
        empty,
        all,
        assumed,
        monitors,
        recursive,
        diagram,
        choices,
        counts,
    }
}

/// What the monitor's choice of its own bits does for each class whose square breaks, in all virtual
/// modes, and for the two theorems.
fn choices(context: Context<'_>, all: &[Classification]) -> (Vec<(usize, Choice)>, [Chosen; 2]) {
    let [vmm, hvmm] = Theorem::MONITORS.map(|theorem| context.setting.virtual_modes(theorem));
    let each = choice::of_classes(context, all, &theorem::refuting(all, vmm), vmm);
    // What makes a class safe in all modes makes it safe in user mode.
    let known = |class: &usize| {
        each.iter().find(|(c, choice)| c == class && matches!(choice, Choice::Keep(_))).cloned()
    };
    let refuting = theorem::refuting(all, hvmm);
    let rest: Vec<usize> = refuting.iter().copied().filter(|c| known(c).is_none()).collect();
    let mut in_user = choice::of_classes(context, all, &rest, hvmm);
    in_user.extend(refuting.iter().filter_map(known));
    in_user.sort_by_key(|(class, _)| *class);
    let chosen = [(&each, vmm), (&in_user, hvmm)]
        .map(|(each, sides)| choice::for_theorem(context, all, each, sides));
    (each, chosen)
}
