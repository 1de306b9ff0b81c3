//! The analysis, from a checked machine to a report; it reads in the order in which it happens.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use model::diagnostic::Sources;
use model::isa::{Expectation, Isa, Pair, Premise, Profile, TrapId, VerdictWord};
use model::property::Property;
use rayon::prelude::*;
use refvmm::classification::KeptBits;
use refvmm::vmm::Kind;

use crate::assumptions::{self, Assumed, Breaker, Kept};
use crate::choice::{self, Choice};
use crate::classify::{self, Classification};
use crate::collision;
use crate::counts::Counts;
use crate::decide::{Backend, By};
use crate::definitions::Side;
use crate::definitions::save::Component;
use crate::diagram::{self, Diagram};
use crate::entries::{self, Entries};
use crate::guest;
use crate::launch;
use crate::report::{
    AssumptionReport, CollisionReport, DispatcherReport, Escape, Evidence, GuestReport,
    InstructionReport, PairReport, RecursiveReport, Refutation, Report, SCHEMA, SavedReport,
    Summary, TheoremReport, Theorems, TrapReport, Unmet, WitnessReport,
};
use crate::save;
use crate::setting::Setting;
use crate::settle::{Settle, Solving};
use crate::squares::{self, Square};
use crate::theorem::{self, Judgement};
use crate::verdict::{Answer, Verdict};
use crate::witness::Witness;

/// What to analyze.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// The reading of the definitions.
    pub profile: Profile,
    /// Judge only the pair `supervisor` or `supervisor:user` of this name.
    pub pair: Option<&'o str>,
    /// Leave open what is not settled after this time.
    pub timeout: Option<Duration>,
}

/// What is known about one de-privileging pair.
pub(crate) struct Judged<'i> {
    pub(crate) pair: &'i Pair,
    /// De-privileging leaves every admitted state in user mode as it is.
    pub(crate) steady: bool,
    pub(crate) entries: Entries,
    /// Traps that never lead to a monitor.
    pub(crate) strays: Vec<TrapId>,
    /// Definitions that speak of no state in a mode.
    pub(crate) empty: Vec<(Property, Side)>,
    /// By class, in specification order.
    pub(crate) all: Vec<Classification>,
    pub(crate) assumed: Assumed,
    pub(crate) vmm: Judgement,
    pub(crate) recursive: theorem::Recursive,
    pub(crate) hvmm: Judgement,
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
        let Self { pair, steady, strays, empty, .. } = self;
        Setting { isa, pair, profile, steady: *steady, strays, empty }
    }
}

/// The pairs that the options ask for.
pub(crate) fn pairs<'i>(isa: &'i Isa, options: &Options<'_>) -> Vec<&'i Pair> {
    let chosen = |p: &&Pair| options.pair.is_none_or(|name| names_pair(name, p));
    isa.pairs.iter().filter(chosen).collect()
}

/// Judges one pair: its traps, every class, then the theorems, with answers from `settle`.
pub(crate) fn judge<'i>(
    isa: &'i Isa,
    pair: &'i Pair,
    profile: Profile,
    settle: &dyn Settle,
    done: &(dyn Fn() + Sync),
) -> Judged<'i> {
    let mut counts = Counts::default();
    let setting = Setting::new(isa, pair, profile);
    let steady = assumptions::steady(setting, settle, &mut counts);
    let setting = Setting { steady, ..setting };
    let entries = entries::judge(setting, settle);
    counts.add(&entries.counts);
    let strays = entries.strays();
    let setting = Setting { strays: &strays, ..setting };
    let empty = assumptions::empty(setting, settle, &mut counts);
    let setting = Setting { empty: &empty, ..setting };
    let all: Vec<Classification> = isa
        .classes
        .par_iter()
        // Classes differ a thousandfold in effort and the heavy ones stand together.
        .with_max_len(1)
        .map(|class| {
            let classification = classify::classify(setting, class, settle);
            done();
            classification
        })
        .collect();
    for classification in &all {
        counts.add(&classification.counts);
    }
    let assumed = assumptions::judge(setting, &all, settle);
    counts.add(&assumed.counts);
    let (choices, [vmm_choice, hvmm_choice]) = choices(setting, &all, settle, &mut counts);
    let mut vmm = theorem::judge(setting, false, &all, &entries, &assumed, &vmm_choice);
    let mut hvmm = theorem::judge(setting, true, &all, &entries, &assumed, &hvmm_choice);
    for it in [&mut vmm, &mut hvmm].into_iter().filter(|it| it.verdict == VerdictWord::Holds) {
        it.keep(&entries);
        if !entries::lead_keeping(setting, &entries, &it.keeps, settle, &mut counts) {
            let kept = choice::words(isa, &it.keeps);
            it.take_back(format!(
                "with {kept} kept it is not known that all traps lead to the monitor"
            ));
            continue;
        }
        let launch = launch::judge(setting, &it.keeps, &entries, settle, &mut counts);
        it.launches = launch.known;
        it.launch_assumed = launch.assumed;
        launch.obstacles.into_iter().for_each(|obstacle| it.take_back(obstacle));
    }
    for (it, hybrid) in [(&mut vmm, false), (&mut hvmm, true)] {
        if it.verdict == VerdictWord::Refuted
            && !is_placed(setting, it, setting.sides(hybrid), settle, &mut counts)
        {
            it.take_back(
                "the standard map is not known to place guests in their partitions on this machine"
                    .into(),
            );
        }
    }
    counts.add(&theorem::escapes(setting, &all, &mut vmm, &mut hvmm, settle));
    for it in [&mut vmm, &mut hvmm] {
        theorem::fixed_bits(isa, it);
        theorem::partial_traps(it);
    }
    let (diagram, effort) = diagram::judge(setting, (&vmm, &hvmm), settle);
    counts.add(&effort);
    for (it, hybrid) in [(&mut vmm, false), (&mut hvmm, true)] {
        if it.verdict == VerdictWord::Holds {
            it.complete(&diagram.parts(isa, setting.sides(hybrid)));
            if profile != Profile::Extended {
                it.losing = diagram.losing(isa);
            }
        }
    }
    let possible = [&vmm, &hvmm].into_iter().find(|it| it.verdict == VerdictWord::Holds);
    let saving = possible.map(|it| {
        let kept = it.launches.then_some(it.keeps.as_slice());
        save::judge(setting, kept, settle, &mut counts)
    });
    let recursive = theorem::recursive(&all, &vmm, saving);
    Judged {
        pair,
        steady,
        entries,
        all,
        assumed,
        vmm,
        recursive,
        hvmm,
        diagram,
        choices,
        counts,
        empty: empty.clone(),
        strays: strays.clone(),
    }
}

/// Whether a refutation is one of a map that places guests as it should: of every guest, or of one for which a
/// square breaks. Squares of a map that is none refute nothing.
fn is_placed(
    setting: Setting<'_>,
    it: &Judgement,
    sides: &[Side],
    settle: &dyn Settle,
    counts: &mut Counts,
) -> bool {
    let (placed, effort) = squares::allocator(setting, sides, settle);
    counts.add(&effort);
    placed.iter().all(|square| square.verdict.is_proved())
        || it.refuting.iter().any(|class| {
            let class = &setting.isa.classes[*class];
            squares::breaks_placed(setting, class, sides, settle, counts)
        })
}

/// What the monitor's choice of its own bits does for each class whose square breaks, in all virtual
/// modes, and for the two theorems.
fn choices(
    setting: Setting<'_>,
    all: &[Classification],
    settle: &dyn Settle,
    counts: &mut Counts,
) -> (Vec<(usize, Choice)>, [Choice; 2]) {
    let [vmm, hvmm] = [false, true].map(|hybrid| setting.sides(hybrid));
    let (each, effort) =
        choice::of_classes(setting, all, &theorem::refuting(all, vmm), vmm, settle);
    counts.add(&effort);
    // What makes a class safe in all modes makes it safe in user mode.
    let known = |class: &usize| {
        each.iter().find(|(c, choice)| c == class && matches!(choice, Choice::Keep(_))).cloned()
    };
    let refuting = theorem::refuting(all, hvmm);
    let rest: Vec<usize> = refuting.iter().copied().filter(|c| known(c).is_none()).collect();
    let (mut in_user, effort) = choice::of_classes(setting, all, &rest, hvmm, settle);
    counts.add(&effort);
    in_user.extend(refuting.iter().filter_map(known));
    in_user.sort_by_key(|(class, _)| *class);
    let theorems = [
        choice::together(setting, all, &each, vmm, settle, counts),
        choice::together(setting, all, &in_user, hvmm, settle, counts),
    ];
    (each, theorems)
}

/// Judges every decode class and every theorem of a machine. `progress` is called after each class
/// with the number done and the number in all.
pub fn analyze(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Report {
    analyze_by(isa, sources, options, &solving(&options), progress)
}

/// The decision procedure as the options want it.
pub(crate) fn solving(options: &Options<'_>) -> Solving {
    Solving { backend: Backend::until(options.timeout) }
}

/// [`analyze`] with answers from `settle`.
pub(crate) fn analyze_by(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    settle: &dyn Settle,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Report {
    let pairs = pairs(isa, &options);
    let total = pairs.len() * isa.classes.len();
    let done = AtomicUsize::new(0);
    let count = || progress(done.fetch_add(1, Relaxed) + 1, total);
    let judged: Vec<Judged<'_>> =
        pairs.into_iter().map(|pair| judge(isa, pair, options.profile, settle, &count)).collect();
    report(isa, sources, options.profile, &judged, settle)
}

/// What was found, as plain data.
fn report(
    isa: &Isa,
    sources: &Sources,
    profile: Profile,
    judged: &[Judged<'_>],
    settle: &dyn Settle,
) -> Report {
    let mut counts = Counts::default();
    let mut pairs = Vec::new();
    let spec = sources.files.first().map_or("SPEC", |file| file.path.as_str());
    for it in judged {
        counts.add(&it.counts);
        let setting = it.setting(isa, profile);
        let theorem =
            |judgement, hybrid| theorem_report(setting, spec, it, judgement, hybrid, settle);
        let (vmm, hvmm) = rayon::join(|| theorem(&it.vmm, false), || theorem(&it.hvmm, true));
        pairs.push(PairReport {
            supervisor: it.pair.supervisor.0.clone(),
            user: it.pair.user.0.clone(),
            traps: trap_reports(setting, &it.entries),
            theorems: Theorems { vmm, recursive: recursive_report(setting, &it.recursive), hvmm },
            instructions: (0..it.all.len())
                .map(|i| InstructionReport {
                    safe_if: safe_if(isa, &it.choices, i),
                    ..instruction_report(setting, i, &it.all[i])
                })
                .collect(),
        });
    }
    let instructions = judged.iter().map(|it| it.all.len() as u64).sum();
    let mut report = Report {
        schema: SCHEMA,
        isa: isa.name.clone(),
        title: isa.title.clone(),
        profile,
        pairs,
        assumptions: judged
            .first()
            .map(|it| assumption_reports(isa, it.pair, &it.assumed))
            .unwrap_or_default(),
        opcode_coverage: isa.coverage.map(|c| c.fraction),
        unlisted: isa.unlisted.as_ref().map(|body| unlisted(isa, &body.statements)),
        unmet: Vec::new(),
        expectations: 0,
        summary: Summary { instructions, counts },
    };
    check_expectations(isa, sources, &mut report);
    report
}

/// What opcodes do that no instruction lists, in words.
fn unlisted(isa: &Isa, statements: &[model::isa::Stmt]) -> String {
    match statements {
        [model::isa::Stmt::Trap(id, _)] => format!("trap ({})", isa.trap(*id).name),
        [model::isa::Stmt::Unpredictable] => "are unpredictable".into(),
        _ => "do what the specification's `unlisted:` says".into(),
    }
}

/// Whether `supervisor`, or `supervisor:user`, names a pair.
pub fn names_pair(name: &str, pair: &Pair) -> bool {
    match name.split_once(':') {
        Some((supervisor, user)) => supervisor == pair.supervisor.0 && user == pair.user.0,
        None => name == pair.supervisor.0,
    }
}

fn theorem_report(
    setting: Setting<'_>,
    spec: &str,
    judged: &Judged<'_>,
    it: &Judgement,
    hybrid: bool,
    settle: &dyn Settle,
) -> TheoremReport {
    let Setting { isa, pair, profile, .. } = setting;
    let all = judged.all.as_slice();
    let sides = setting.sides(hybrid);
    let mut assumptions: Vec<String> =
        isa.assumptions.iter().map(|a| format!("{}: {}", a.name, a.text)).collect();
    if matches!(it.verdict, VerdictWord::Holds | VerdictWord::Refuted) {
        let place = "a guest with w cells of storage stands at k in a machine of q ≥ k + w cells (standard map)";
        assumptions.push(place.into());
        if profile != Profile::Extended {
            assumptions.push("the guest keeps l + b ≤ w, as the paper assumes".into());
        }
    }
    if it.verdict == VerdictWord::Holds {
        assumptions.extend(it.launch_assumed.iter().cloned());
    }
    if profile != Profile::Extended {
        assumptions.push("components of kind time are not compared".into());
    }
    let strange: Vec<&str> = (0..all.len())
        .filter(|i| all[*i].unpredictable)
        .map(|i| isa.classes[i].name.as_str())
        .collect();
    if !strange.is_empty() {
        assumptions.push(format!(
            "no program relies on what is unpredictable in {}",
            theorem::brief(&strange)
        ));
    }
    let undefined: Vec<&str> = isa
        .classes
        .iter()
        .filter(|c| c.body.choices.iter().any(|choice| !choice.arbitrary))
        .map(|c| c.name.as_str())
        .collect();
    if !undefined.is_empty() {
        let what =
            "values the architecture leaves undefined do not themselves depend on M or R, in";
        assumptions.push(format!("{what} {}", theorem::brief(&undefined)));
    }
    let refuted = it.verdict == VerdictWord::Refuted;
    let step = refuted.then(|| refuting_step(setting, all, it, sides, settle)).flatten();
    let collision = refuted.then(|| {
        let small = step.as_ref().map(|s| (s.class, s.side, &s.witness));
        collision::find(setting, all, (small, &it.refuting), sides)
    });
    let watched = it.watched.iter().filter(|_| it.verdict == VerdictWord::Holds);
    let guest = refuted.then(|| {
        let kind = if hybrid { Kind::Hybrid } else { Kind::Vmm };
        let first = step.as_ref().map(|s| s.class);
        let others = it.refuting.iter().copied().filter(|c| Some(*c) != first);
        guest::find(isa, pair, kind, first.into_iter().chain(others))
    });
    TheoremReport {
        premise: it.premise,
        verdict: it.verdict,
        by: it.by.word().into(),
        offending: theorem::names(isa, &it.offending),
        refuting: theorem::names(isa, &it.refuting),
        obstacles: it.obstacles.clone(),
        assumptions,
        escapes: it
            .escapes
            .iter()
            .map(|it| Escape {
                name: it.name.into(),
                verdict: it.verdict,
                assumption: it.assumption.clone(),
            })
            .collect(),
        gap: it.gap,
        refutation: step.map(|it| Refutation {
            instruction: isa.classes[it.class].name.clone(),
            mode: it.side.of_state(isa, pair, &it.witness.before[0]),
            broken: it.broken.into_iter().map(str::to_owned).collect(),
            witness: WitnessReport::of(isa, it.class, &it.witness),
        }),
        guest: guest.flatten().map(|(class, it)| GuestReport::of(isa, spec, class, &it)),
        collision: collision.flatten().map(|it| CollisionReport::of(isa, pair, &it)),
        conditions: conditions(isa, pair, it),
        keeps: it.keeps.iter().map(|(part, value)| KeptBits::new(isa, *part, *value)).collect(),
        watches: watched.map(|i| isa.assumptions[*i].name.clone()).collect(),
        loses: if it.verdict == VerdictWord::Holds { it.losing.clone() } else { Vec::new() },
        diagram: diagram::report(setting, (all, &judged.diagram), it, sides, settle),
    }
}

/// A run that refutes a theorem.
struct Step {
    class: usize,
    side: Side,
    broken: Vec<&'static str>,
    witness: Witness,
}

/// The run that refutes a theorem: the first instruction whose square breaks, in a small state.
fn refuting_step(
    setting: Setting<'_>,
    all: &[Classification],
    it: &Judgement,
    sides: &[Side],
    settle: &dyn Settle,
) -> Option<Step> {
    let class = *it.refuting.iter().find(|i| it.offending.contains(i)).or(it.refuting.first())?;
    let broken = |s: &&Square| sides.contains(&s.side) && s.verdict.is_shown();
    let square = all[class].statewise.iter().rev().find(broken)?;
    let side = square.side;
    let small = squares::refutation(setting, &setting.isa.classes[class], side, settle);
    let (witness, broken) = match (small, &square.verdict) {
        (Some((witness, broken)), _) => (*witness, broken),
        (None, Verdict::Shown(witness)) => ((**witness).clone(), Vec::new()),
        (None, Verdict::Proved(_) | Verdict::Open(_)) => return None,
    };
    Some(Step { class, side, broken, witness })
}

/// The conditions of a verdict that holds, in words.
pub(crate) fn conditions(isa: &Isa, pair: &Pair, it: &Judgement) -> Vec<String> {
    if it.verdict != VerdictWord::Holds {
        return Vec::new();
    }
    let keeps = choice::words(isa, &it.keeps);
    let keeps = (!keeps.is_empty()).then(|| format!("the monitor keeps {keeps}"));
    let watched = it.watched.iter().map(|index| assumptions::condition(isa, pair, *index));
    let losing = (!it.losing.is_empty()).then(|| {
        let traps = it.losing.join(", ");
        format!("no guest relies on what these traps do not save: {traps} (profile extended asks)")
    });
    keeps.into_iter().chain(watched).chain(losing).collect()
}

/// The conditions on the real machine under which a class is safe to run directly.
fn safe_if(isa: &Isa, choices: &[(usize, Choice)], class: usize) -> Vec<String> {
    match choices.iter().find(|(c, _)| *c == class) {
        Some((_, Choice::Keep(assignment))) => vec![choice::words(isa, assignment)],
        _ => Vec::new(),
    }
}

/// Where the traps lead.
fn trap_reports(setting: Setting<'_>, entries: &Entries) -> Vec<TrapReport> {
    let isa = setting.isa;
    let of = |(index, (answer, depends)): (usize, &(Answer, Option<Verdict>))| {
        let trap = TrapId(index as u32);
        let evidence = depends.as_ref().and_then(|verdict| match verdict {
            Verdict::Shown(witness) => {
                Some(Evidence::Witness(WitnessReport::of_trap(isa, trap, witness)))
            }
            Verdict::Proved(_) | Verdict::Open(_) => None,
        });
        TrapReport { name: isa.trap(trap).name.clone(), enters: *answer, evidence }
    };
    entries.traps.iter().enumerate().map(of).collect()
}

fn recursive_report(setting: Setting<'_>, it: &theorem::Recursive) -> RecursiveReport {
    let isa = setting.isa;
    let names = |all: &[Component]| all.iter().map(|it| save::name(setting, it)).collect();
    let dispatcher = it.saving.as_ref().map(|saving| {
        let by = |(it, class): &(Component, Option<usize>)| SavedReport {
            register: save::name(setting, it),
            by: class.map(|class| isa.classes[class].name.clone()),
        };
        DispatcherReport {
            saved: saving.saved.iter().map(by).collect(),
            lost: names(&saving.lost),
            undecided: names(&saving.open),
            unresumed: names(&saving.unresumed),
            resuming_undecided: names(&saving.resuming_open),
            conflicts: saving.conflicts,
            open: saving.unsettled,
        }
    });
    let premises = [("vmm", it.vmm), ("timing", it.timing), ("monitor", it.monitor)];
    RecursiveReport {
        premise: it.premise,
        verdict: it.verdict,
        premises: premises.into_iter().map(|(n, p)| (n.to_owned(), p.word().to_owned())).collect(),
        timed: theorem::names(isa, &it.timed),
        dispatcher,
    }
}

/// A witness tells the most, then what is open, then the proof that took the most.
fn telling(verdict: &Verdict) -> u64 {
    match verdict {
        Verdict::Shown(_) => u64::MAX,
        Verdict::Open(_) => u64::MAX - 1,
        Verdict::Proved(proof) => match proof.by() {
            By::Dependency => 0,
            By::Rewriting | By::Evaluation => 1,
            By::Sat(conflicts) => conflicts.saturating_add(2).min(u64::MAX - 2),
        },
    }
}

fn instruction_report(
    setting: Setting<'_>,
    index: usize,
    it: &Classification,
) -> InstructionReport {
    let Setting { isa, pair, .. } = setting;
    let mut evidence = std::collections::BTreeMap::new();
    let mut modes = std::collections::BTreeMap::new();
    let mut by_mode = std::collections::BTreeMap::new();
    evidence.insert(Property::Privileged.key(), Evidence::of(isa, index, &it.privileged_evidence));
    for finding in &it.findings {
        let key = finding.definition.property.key();
        if let Some((_, verdict)) = finding.verdicts.iter().max_by_key(|(_, v)| telling(v)) {
            evidence.insert(key, Evidence::of(isa, index, verdict));
        }
        let shown = finding
            .verdicts
            .iter()
            .filter(|(_, v)| v.is_shown() && !finding.definition.modes.is_empty());
        let shown: Vec<String> = shown.map(|(side, _)| side.name(pair).to_owned()).collect();
        if !finding.definition.modes.is_empty() {
            let answers = finding.verdicts.iter().map(|(side, _)| {
                (side.name(pair).to_owned(), finding.over(|asked| asked == *side))
            });
            by_mode.insert(key, answers.collect());
        }
        if !shown.is_empty() {
            modes.insert(key, shown);
        }
    }
    // The first of those that tell the most.
    if let Some(square) = it.statewise.iter().rev().max_by_key(|s| telling(&s.verdict)) {
        evidence.insert(Property::Statewise.key(), Evidence::of(isa, index, &square.verdict));
        let broken = it.statewise.iter().filter(|s| s.verdict.is_shown());
        let broken: Vec<String> = broken.map(|s| s.side.name(pair).to_owned()).collect();
        if !broken.is_empty() {
            modes.insert(Property::Statewise.key(), broken);
        }
    }
    InstructionReport {
        name: isa.classes[index].name.clone(),
        properties: Property::ALL
            .into_iter()
            .filter_map(|property| Some((property, it.property(property, setting)?)))
            .collect(),
        safe_if: Vec::new(),
        modes,
        by_mode,
        evidence,
        notes: isa.classes[index].notes.clone(),
    }
}

fn assumption_reports(isa: &Isa, pair: &Pair, assumed: &Assumed) -> Vec<AssumptionReport> {
    let mode = |side: &Side| match side {
        Side::Supervisor => pair.supervisor.0.as_str(),
        Side::User => pair.user.0.as_str(),
        Side::Other => "any other mode",
    };
    let list = |of: &[(Breaker, Side, Answer)], wanted: Answer| {
        let name = |breaker: &Breaker| match breaker {
            Breaker::Class(class) => isa.classes[*class].name.clone(),
            Breaker::Trap(trap) => format!("trap {}", isa.trap(*trap).name),
        };
        let mut names = Vec::new();
        for (breaker, side, _) in of.iter().filter(|(_, _, answer)| *answer == wanted) {
            let name = format!("{} ({})", name(breaker), mode(side));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| theorem::brief(&names))
    };
    let of = |(a, kept): (&model::isa::Assumption, &Kept)| {
        let unseen: Vec<(Breaker, Side, Answer)> = kept
            .unseen
            .iter()
            .map(|(class, side, a)| (Breaker::Class(*class), *side, *a))
            .collect();
        let (yes, open) = (Answer::Yes, Answer::Undecided);
        let maintained = if let Some(names) = list(&unseen, yes) {
            format!("not kept: {names} can break it without a trap")
        } else if let Some(names) = list(&unseen, open) {
            format!("undecided: whether it is broken without a trap by {names}")
        } else if let Some(names) = list(&kept.broken, yes) {
            format!("a monitor has to watch it: {names} can break it")
        } else if let Some(names) = list(&kept.broken, open) {
            format!("a monitor has to watch it: whether it is broken by {names} is undecided")
        } else if kept.reset {
            "false after a reset, and kept by every instruction and trap".to_owned()
        } else {
            "kept by every instruction and trap".to_owned()
        };
        AssumptionReport {
            name: a.name.clone(),
            that: a.text.clone(),
            why: a.why.clone(),
            maintained,
        }
    };
    isa.assumptions.iter().zip(&assumed.kept).map(of).collect()
}

/// Compares the findings with what the author expects in this profile.
pub(crate) fn check_expectations(isa: &Isa, sources: &Sources, report: &mut Report) {
    let profile = report.profile;
    let at = |span: model::diagnostic::Span| {
        let (line, column) = sources.position(span);
        Some(format!("{}:{line}:{column}", sources.files[span.file as usize].path))
    };
    let mut unmet = Vec::new();
    let mut checked = 0;
    for pair in &report.pairs {
        for (class, found) in isa.classes.iter().zip(&pair.instructions) {
            let words =
                class.expect.iter().filter(|(p, _)| *p == profile).flat_map(|(_, words)| words);
            for word in words {
                let mode = word.mode.as_deref();
                if mode.is_some_and(|mode| mode != pair.supervisor && mode != pair.user) {
                    continue;
                }
                checked += 1;
                let name = mode.map_or(word.property.word().to_owned(), |mode| {
                    format!("{} in {mode}", word.property.word())
                });
                let Some(answer) = found.property_in(word.property, mode) else {
                    let by_mode = mode.is_some() && found.property(word.property).is_some();
                    unmet.push(Unmet {
                        expected: format!("{}: {name}", found.name),
                        found: if by_mode {
                            format!("{} is not asked for one mode", word.property.word())
                        } else {
                            format!("profile {} does not ask", profile.word())
                        },
                        at: at(word.span),
                        undecided: true,
                    });
                    continue;
                };
                let wanted = if word.holds { Answer::Yes } else { Answer::No };
                if answer != wanted && !(answer == Answer::Vacuous && word.holds) {
                    let not = if word.holds { "" } else { "not " };
                    unmet.push(Unmet {
                        expected: format!("{}: {not}{name}", found.name),
                        found: format!("{name}: {}", answer.word()),
                        at: at(word.span),
                        undecided: answer == Answer::Undecided,
                    });
                }
            }
        }
        for (_, expected) in isa.expect.iter().filter(|(p, _)| *p == profile) {
            theorem_expectations(
                pair,
                expected,
                expected.span.and_then(at).as_deref(),
                &mut checked,
                &mut unmet,
            );
        }
    }
    if isa.pairs.is_empty() {
        for class in &isa.classes {
            let words =
                class.expect.iter().filter(|(p, _)| *p == profile).flat_map(|(_, words)| words);
            for word in words {
                checked += 1;
                let not = if word.holds { "" } else { "not " };
                unmet.push(Unmet {
                    expected: format!("{}: {not}{}", class.name, word.property.word()),
                    found: "this machine has no modes: nothing is classified".into(),
                    at: at(word.span),
                    undecided: false,
                });
            }
        }
        for (_, expected) in isa.expect.iter().filter(|(p, _)| *p == profile) {
            let place = expected.span.and_then(at);
            not_applicable(expected, place.as_deref(), &mut checked, &mut unmet);
        }
    }
    for run in model::runs::replay(isa) {
        let (expected, found) = (run.expected, run.found);
        unmet.push(Unmet { expected, found, at: at(run.span), undecided: false });
    }
    report.unmet = unmet;
    report.expectations = checked + model::runs::count(isa) as u64;
}

/// On a machine without modes every theorem is not applicable, whatever else is expected.
fn not_applicable(
    expected: &Expectation,
    at: Option<&str>,
    checked: &mut u64,
    unmet: &mut Vec<Unmet>,
) {
    let all =
        [("vmm", &expected.vmm), ("recursive", &expected.recursive), ("hvmm", &expected.hvmm)];
    for (name, it) in all {
        let (premise, verdict) = (it.premise, it.verdict);
        let premise = premise.map(|p| format!("{name}: premise {}", p.word()));
        let verdict = verdict
            .filter(|v| *v != VerdictWord::NotApplicable)
            .map(|v| format!("{name}: {}", v.word()));
        *checked += 1;
        for expected in premise.into_iter().chain(verdict) {
            let found =
                format!("{name}: {}, the machine has no modes", VerdictWord::NotApplicable.word());
            unmet.push(Unmet { expected, found, at: at.map(str::to_owned), undecided: false });
        }
    }
}

fn theorem_expectations(
    pair: &PairReport,
    expected: &Expectation,
    at: Option<&str>,
    checked: &mut u64,
    unmet: &mut Vec<Unmet>,
) {
    let t = &pair.theorems;
    let name = format!("{}:{}", pair.supervisor, pair.user);
    if expected.pair.as_ref().is_some_and(|wanted| *wanted != name) {
        return;
    }
    let found = [
        ("vmm", &expected.vmm, t.vmm.premise, t.vmm.verdict, Some(&t.vmm)),
        ("recursive", &expected.recursive, t.recursive.premise, t.recursive.verdict, None),
        ("hvmm", &expected.hvmm, t.hvmm.premise, t.hvmm.verdict, Some(&t.hvmm)),
    ];
    let mut check = |wanted: &str, found: &str, undecided: bool| {
        *checked += 1;
        if wanted != found {
            let (expected, found) = (wanted.to_owned(), found.to_owned());
            unmet.push(Unmet { expected, found, at: at.map(str::to_owned), undecided });
        }
    };
    for (name, it, p, v, theorem) in found {
        if let Some(wanted) = it.premise {
            let text = |p: Premise| format!("{name}: premise {}", p.word());
            check(&text(wanted), &text(p), p == Premise::Undecided);
        }
        if let Some(wanted) = it.verdict {
            let text = |v: VerdictWord| format!("{name}: {}", v.word());
            check(&text(wanted), &text(v), v == VerdictWord::Undecided);
        }
        if let Some(wanted) = &it.conditions {
            let list = |conditions: &[String]| {
                let mut all = conditions.to_vec();
                all.sort();
                format!("{name}: conditions [{}]", all.join(", "))
            };
            let found = theorem.map_or(&[][..], |t| t.conditions.as_slice());
            check(&list(wanted), &list(found), v == VerdictWord::Undecided);
        }
        if let Some(wanted) = it.diagram {
            let found = theorem.and_then(|t| t.diagram.as_ref()).map(|d| (d, d.failing.is_empty()));
            let (found, open) = match found {
                Some((d, true)) if d.equivalence == diagram::PROVED => ("commutes", false),
                Some((_, false)) => ("fails", false),
                Some((_, true)) => ("undecided", true),
                None => {
                    ("not asked, as direct execution is not right", v == VerdictWord::Undecided)
                }
            };
            check(
                &format!("{name}: diagram {}", wanted.word()),
                &format!("{name}: diagram {found}"),
                open,
            );
        }
    }
    if let Some(wanted) = &expected.offending {
        let mut wanted = wanted.clone();
        let mut found = t.vmm.offending.clone();
        wanted.sort();
        found.sort();
        // An instruction that is not settled may yet turn out to be offending, or not.
        let open: Vec<&str> =
            pair.instructions.iter().filter(|i| i.may_offend()).map(|i| i.name.as_str()).collect();
        let possible = found.iter().all(|name| wanted.contains(name))
            && wanted.iter().all(|w| found.contains(w) || open.contains(&w.as_str()));
        let least = if open.is_empty() { "" } else { "at least " };
        // Equal lists are the same only where nothing is open.
        *checked += 1;
        if wanted != found || !open.is_empty() {
            unmet.push(Unmet {
                expected: format!("offending: [{}]", wanted.join(", ")),
                found: format!("offending: {least}[{}]", found.join(", ")),
                at: at.map(str::to_owned),
                undecided: possible && !open.is_empty(),
            });
        }
    }
}
