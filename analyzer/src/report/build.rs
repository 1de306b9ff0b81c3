//! The report of what was found: a pure function.

use std::collections::BTreeMap;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Profile, TrapId, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::findings::Place;
use super::{
    AssumptionReport, CollisionReport, DispatcherReport, Escape, Evidence, Example, GuestReport,
    InstructionReport, Lesson, PairReport, RecursiveReport, Refutation, Report, SCHEMA,
    SavedReport, Summary, TheoremReport, Theorems, TrapReport, WitnessReport, diagram,
    expectations, findings, lesson,
};
use crate::decide::By;
use crate::definitions::VirtualMode;
use crate::definitions::save::Component;
use crate::prove::answer::{Answer, Existence};
use crate::prove::counts::Counts;
use crate::prove::setting::Setting;
use crate::prove::witness::instance;
use crate::theorems::choice::{self, Choice};
use crate::theorems::classify::Classification;
use crate::theorems::counterexample::{Counterexample, Step};
use crate::theorems::entries::Entries;
use crate::theorems::theorem::{self, Judgement, Recursive};
use crate::theorems::{Assumed, Breaker, Judged, Kept, condition, save};
use crate::traps::expected::Outcome;
use refvmm::classification::KeptBits;

/// What was found of a pair, and what shows it.
pub(crate) struct Finding<'i> {
    pub(crate) judged: Judged<'i>,
    /// For Theorems 1 and 3.
    pub(crate) counterexamples: [Counterexample; 2],
}

/// What was found, as plain data.
pub(crate) fn report(
    isa: &Isa,
    sources: &Sources,
    profile: Profile,
    found: &[Finding<'_>],
    outcomes: &[Outcome],
) -> Report {
    let mut counts = Counts::default();
    let mut pairs = Vec::new();
    for Finding { judged: it, counterexamples } in found {
        counts.add(&it.counts);
        let setting = it.setting(isa, profile);
        let [vmm, hvmm] = [0, 1]
            .map(|i| theorem_report(setting, sources, it, &it.monitors[i], &counterexamples[i]));
        pairs.push(PairReport {
            supervisor: it.pair.supervisor.0.clone(),
            user: it.pair.user.0.clone(),
            traps: trap_reports(setting, &it.entries),
            theorems: Theorems { vmm, recursive: recursive_report(setting, &it.recursive), hvmm },
            instructions: (0..it.all.len())
                .map(|i| InstructionReport {
                    safe_if: safe_if(isa, &it.choices, i),
                    ..instruction_report(setting, sources, i, &it.all[i])
                })
                .collect(),
        });
    }
    let instructions = found.iter().map(|it| it.judged.all.len() as u64).sum();
    let mut report = Report {
        schema: SCHEMA,
        isa: isa.name.clone(),
        title: isa.title.clone(),
        year: isa.year,
        profile,
        pairs,
        assumptions: found.first().map_or_else(Vec::new, |it| {
            assumption_reports(isa, it.judged.pair, &it.judged.assumed)
        }),
        opcode_coverage: isa.coverage.map(|c| c.fraction),
        unlisted: isa.unlisted.as_ref().map(|body| unlisted(isa, &body.statements)),
        unmet: Vec::new(),
        expectations: 0,
        file: path(sources).to_owned(),
        extends: sources.files.get(1).map(|base| Place::start(&base.path).file),
        findings: Vec::new(),
        summary: Summary { instructions, counts },
    };
    expectations::check(isa, sources, &mut report, outcomes);
    report.findings = findings::of(isa, sources, &report);
    report
}

/// The file of the specification.
fn path(sources: &Sources) -> &str {
    sources.files.first().map_or("SPEC", |file| file.path.as_str())
}

/// What opcodes do that no instruction lists, in words.
fn unlisted(isa: &Isa, statements: &[model::isa::Stmt]) -> String {
    match statements {
        [model::isa::Stmt::Trap(id, _)] => format!("trap ({})", isa.trap(*id).name),
        [model::isa::Stmt::Unpredictable] => "are unpredictable".into(),
        _ => "do what the specification's `unlisted:` says".into(),
    }
}

fn theorem_report(
    setting: Setting<'_>,
    sources: &Sources,
    judged: &Judged<'_>,
    it: &Judgement,
    counterexample: &Counterexample,
) -> TheoremReport {
    let Setting { isa, pair, profile, .. } = setting;
    let all = judged.all.as_slice();
    let mut assumptions: Vec<String> =
        isa.assumptions.iter().map(|a| format!("{}: {}", a.name, a.text)).collect();
    if matches!(it.verdict, Verdict::Holds | Verdict::Refuted) {
        let place = "a guest with w cells of storage stands at k in a machine of q ≥ k + w cells (standard map)";
        assumptions.push(place.into());
        if profile != Profile::Extended {
            assumptions.push("the guest keeps l + b ≤ w, as the paper assumes".into());
        }
    }
    if it.verdict == Verdict::Holds {
        assumptions.extend(it.launch_assumed.iter().cloned());
        assumptions.push("a program of the machine can start and resume every guest (only single steps were looked for)".into());
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
    let watched = it.watched.iter().filter(|_| it.verdict == Verdict::Holds);
    let Counterexample { step, collision, guest, loss, example } = counterexample;
    let refutation = |it: &Step| Refutation {
        instruction: isa.classes[it.class].name.clone(),
        mode: it.side.of_state(isa, pair, &it.witness.before[0]),
        broken: it.broken.iter().copied().map(str::to_owned).collect(),
        witness: WitnessReport::of(isa, it.class, &it.witness),
        lesson: Lesson::of(isa, pair, sources, it.class, &it.witness),
    };
    let loss = loss.as_ref().map(refutation);
    let example = example.as_ref().map(|(class, witness)| Example {
        instruction: isa.classes[*class].name.clone(),
        instance: instance(&isa.classes[*class], &witness.operands),
        lesson: Lesson::of(isa, pair, sources, *class, witness),
    });
    let spec = path(sources);
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
        refutation: step.as_ref().map(refutation),
        guest: guest.as_ref().map(|(class, it)| GuestReport::of(isa, spec, *class, it)),
        example,
        collision: collision.as_ref().map(|it| CollisionReport::of(isa, pair, it)),
        conditions: conditions(isa, pair, it),
        keeps: it.keeps.iter().map(|(part, value)| KeptBits::new(isa, *part, *value)).collect(),
        watches: watched.map(|i| isa.assumptions[*i].name.clone()).collect(),
        loses: if it.verdict == Verdict::Holds { it.losing.clone() } else { Vec::new() },
        diagram: diagram::report(setting, (all, &judged.diagram), it, loss),
    }
}

/// The conditions of a verdict that holds, in words.
pub(crate) fn conditions(isa: &Isa, pair: &Pair, it: &Judgement) -> Vec<String> {
    if it.verdict != Verdict::Holds {
        return Vec::new();
    }
    let keeps = choice::words(isa, &it.keeps);
    let keeps = (!keeps.is_empty()).then(|| format!("the monitor keeps {keeps}"));
    let watched = it.watched.iter().map(|index| condition(isa, pair, *index));
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
    let of = |(index, (answer, depends)): (usize, &(Answer, Option<Existence>))| {
        let trap = TrapId(index as u32);
        let evidence = depends.as_ref().and_then(|verdict| match verdict {
            Existence::Witnessed(witness) => {
                Some(Evidence::Witness(WitnessReport::of_trap(isa, trap, witness)))
            }
            Existence::Absent(_) | Existence::Unknown(_) => None,
        });
        TrapReport { name: isa.trap(trap).name.clone(), enters: *answer, evidence }
    };
    entries.traps.iter().enumerate().map(of).collect()
}

fn recursive_report(setting: Setting<'_>, it: &Recursive) -> RecursiveReport {
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
    let premises = [(Theorem::Vmm.key(), it.vmm), ("timing", it.timing), ("monitor", it.monitor)];
    RecursiveReport {
        premise: it.premise,
        verdict: it.verdict,
        premises: premises.into_iter().map(|(n, p)| (n.to_owned(), p.word().to_owned())).collect(),
        timed: theorem::names(isa, &it.timed),
        dispatcher,
    }
}

/// A witness tells the most, then what is open, then the proof that took the most.
fn telling(verdict: &Existence) -> u64 {
    match verdict {
        Existence::Witnessed(_) => u64::MAX,
        Existence::Unknown(_) => u64::MAX - 1,
        Existence::Absent(proof) => match proof.by() {
            By::Dependency => 0,
            By::Rewriting | By::Evaluation => 1,
            By::Sat(conflicts) => conflicts.saturating_add(2).min(u64::MAX - 2),
        },
    }
}

fn instruction_report(
    setting: Setting<'_>,
    sources: &Sources,
    index: usize,
    it: &Classification,
) -> InstructionReport {
    let Setting { isa, pair, .. } = setting;
    let mut evidence = BTreeMap::new();
    let mut modes = BTreeMap::new();
    let mut by_mode = BTreeMap::new();
    let mut components = BTreeMap::new();
    evidence.insert(Property::Privileged.key(), Evidence::of(isa, index, &it.privileged_evidence));
    for finding in &it.findings {
        let key = finding.definition.property.key();
        if let Some((_, verdict)) = finding.verdicts.iter().max_by_key(|(_, v)| telling(v)) {
            evidence.insert(key, Evidence::of(isa, index, verdict));
        }
        let shown = finding
            .verdicts
            .iter()
            .filter(|(_, v)| v.is_witnessed() && !finding.definition.modes.is_empty());
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
        let turns_on = lesson::components(setting, &isa.classes[index], finding);
        if !turns_on.is_empty() {
            components.insert(key, turns_on);
        }
    }
    let direct = it.statewise.iter();
    let direct = direct.map(|s| (s.side.name(pair).to_owned(), s.verdict.exists().negated()));
    by_mode.insert(Property::Statewise.key(), direct.collect());
    // The first of those that tell the most.
    if let Some(square) = it.statewise.iter().rev().max_by_key(|s| telling(&s.verdict)) {
        let mut shown = Evidence::of(isa, index, &square.verdict);
        if let (Evidence::Witness(report), Existence::Witnessed(witness)) =
            (&mut shown, &square.verdict)
        {
            report.square = lesson::square_of(isa, pair, witness);
        }
        evidence.insert(Property::Statewise.key(), shown);
        let broken = it.statewise.iter().filter(|s| s.verdict.is_witnessed());
        let broken: Vec<String> = broken.map(|s| s.side.name(pair).to_owned()).collect();
        if !broken.is_empty() {
            modes.insert(Property::Statewise.key(), broken);
        }
    }
    let class = &isa.classes[index];
    InstructionReport {
        name: class.name.clone(),
        at: Place::of(sources, class.span),
        semantics: class.semantics.iter().map(|span| Place::of(sources, *span)).collect(),
        properties: Property::ALL
            .into_iter()
            .filter_map(|property| Some((property, it.property(property, setting)?)))
            .collect(),
        safe_if: Vec::new(),
        modes,
        by_mode,
        evidence,
        components,
        notes: class.notes.clone(),
    }
}

fn assumption_reports(isa: &Isa, pair: &Pair, assumed: &Assumed) -> Vec<AssumptionReport> {
    let mode = |side: &VirtualMode| match side {
        VirtualMode::Supervisor => pair.supervisor.0.as_str(),
        VirtualMode::User => pair.user.0.as_str(),
        VirtualMode::Other => "any other mode",
    };
    let list = |of: &[(Breaker, VirtualMode, Answer)], wanted: Answer| {
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
        let unseen: Vec<(Breaker, VirtualMode, Answer)> = kept
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
