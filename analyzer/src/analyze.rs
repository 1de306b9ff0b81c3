//! The analysis, from a checked machine to a report; it reads in the order in which it happens.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use model::diagnostic::Sources;
use model::isa::{Expectation, Isa, Pair, Premise, Profile, VerdictWord};
use rayon::prelude::*;
use refvmm::vmm::Kind;

use crate::classify::{self, Classification, Counts};
use crate::collision;
use crate::conditions::{self, Fixing};
use crate::decide::Backend;
use crate::definitions::Side;
use crate::diagram::{self, Diagram};
use crate::guest;
use crate::report::{
    AssumptionReport, CollisionReport, Escape, Evidence, GuestReport, InstructionReport,
    PairReport, RecursiveReport, Refutation, Report, SCHEMA, Summary, TheoremReport, Theorems,
    Unmet, WitnessReport,
};
use crate::settle::{Settle, Solving};
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
    /// By class, in specification order.
    pub(crate) all: Vec<Classification>,
    pub(crate) vmm: Judgement,
    pub(crate) recursive: theorem::Recursive,
    pub(crate) hvmm: Judgement,
    pub(crate) diagram: Diagram,
    /// What fixing bits of the real machine does for classes that are not safe to run directly.
    pub(crate) fixings: Vec<(usize, Fixing)>,
    pub(crate) counts: Counts,
}

/// The pairs that the options ask for.
pub(crate) fn pairs<'i>(isa: &'i Isa, options: &Options<'_>) -> Vec<&'i Pair> {
    let chosen = |p: &&Pair| options.pair.is_none_or(|name| names_pair(name, p));
    isa.pairs.iter().filter(chosen).collect()
}

/// Judges one pair: every class, then the theorems, with answers from `settle`.
pub(crate) fn judge<'i>(
    isa: &'i Isa,
    pair: &'i Pair,
    profile: Profile,
    settle: &dyn Settle,
    done: &(dyn Fn() + Sync),
) -> Judged<'i> {
    let all: Vec<Classification> = isa
        .classes
        .par_iter()
        // Classes differ a thousandfold in effort and the heavy ones stand together.
        .with_max_len(1)
        .map(|class| {
            let classification = classify::classify(isa, class, pair, profile, settle);
            done();
            classification
        })
        .collect();
    let mut counts = Counts::default();
    for classification in &all {
        counts.add(&classification.counts);
    }
    let mut vmm = theorem::judge(&all, profile, false);
    let mut hvmm = theorem::judge(&all, profile, true);
    let recursive = theorem::recursive(&all, &vmm);
    counts.add(&theorem::escapes(isa, pair, profile, &all, &mut vmm, &mut hvmm, settle));
    let (fixings, effort) =
        conditions::escapes(isa, pair, profile, &all, [&mut vmm, &mut hvmm], settle);
    counts.add(&effort);
    theorem::partial_traps(&mut vmm);
    theorem::partial_traps(&mut hvmm);
    let (diagram, effort) = diagram::judge(isa, pair, profile, (&vmm, &hvmm), settle);
    counts.add(&effort);
    Judged { pair, all, vmm, recursive, hvmm, diagram, fixings, counts }
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
        let (pair, all) = (it.pair, &it.all);
        let theorem =
            |judgement, sides| theorem_report(isa, spec, it, profile, judgement, sides, settle);
        let (needed, (vmm, hvmm)) = rayon::join(
            || conditions::needed(isa, pair, profile, all, [&it.vmm, &it.hvmm]),
            || rayon::join(|| theorem(&it.vmm, &Side::BOTH), || theorem(&it.hvmm, &[Side::User])),
        );
        let [vmm_needs, hvmm_needs] = needed;
        pairs.push(PairReport {
            supervisor: pair.supervisor.0.clone(),
            user: pair.user.0.clone(),
            theorems: Theorems {
                vmm: TheoremReport { conditions: vmm_needs, ..vmm },
                recursive: recursive_report(isa, &it.recursive),
                hvmm: TheoremReport { conditions: hvmm_needs, ..hvmm },
            },
            instructions: (0..all.len())
                .map(|i| InstructionReport {
                    safe_if: safe_if(&it.fixings, i),
                    ..instruction_report(isa, pair, i, &all[i], profile)
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
        assumptions: judged.first().map(|it| assumption_reports(isa, &it.all)).unwrap_or_default(),
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

fn names(isa: &Isa, indices: &[usize]) -> Vec<String> {
    indices.iter().map(|i| isa.classes[*i].name.clone()).collect()
}

fn theorem_report(
    isa: &Isa,
    spec: &str,
    judged: &Judged<'_>,
    profile: Profile,
    it: &Judgement,
    sides: &[Side],
    settle: &dyn Settle,
) -> TheoremReport {
    let (pair, all) = (judged.pair, judged.all.as_slice());
    let mut assumptions: Vec<String> =
        isa.assumptions.iter().map(|a| format!("{}: {}", a.name, a.text)).collect();
    if it.by == "statewise" || it.by == "step-refutation" {
        let place = "a guest with w cells of storage stands at k in a machine of q ≥ k + w cells (standard map)";
        assumptions.push(place.into());
        if profile != Profile::Extended {
            assumptions.push("the guest keeps l + b ≤ w, as the paper assumes".into());
        }
    }
    if profile != Profile::Extended {
        assumptions.push("components of kind time are not compared".into());
    }
    let strange: Vec<&str> = (0..all.len())
        .filter(|i| all[*i].unpredictable)
        .map(|i| isa.classes[i].name.as_str())
        .collect();
    if !strange.is_empty() {
        assumptions
            .push(format!("no program relies on what is unpredictable in {}", brief(&strange)));
    }
    let undefined: Vec<&str> = isa
        .classes
        .iter()
        .filter(|c| !c.body.choices.is_empty())
        .map(|c| c.name.as_str())
        .collect();
    if !undefined.is_empty() {
        let what =
            "values the architecture leaves undefined do not themselves depend on M or R, in";
        assumptions.push(format!("{what} {}", brief(&undefined)));
    }
    let refuted = it.verdict == VerdictWord::Refuted;
    let step = refuted.then(|| refuting_step(isa, pair, all, profile, it, sides, settle)).flatten();
    let collision = refuted.then(|| {
        let small = step.as_ref().map(|s| (s.class, s.side, &s.witness));
        collision::find(isa, pair, profile, all, (small, &it.refuting), sides)
    });
    let guest = refuted.then(|| {
        let kind = if sides.contains(&Side::Supervisor) { Kind::Vmm } else { Kind::Hybrid };
        let first = step.as_ref().map(|s| s.class);
        let others = it.refuting.iter().copied().filter(|c| Some(*c) != first);
        guest::find(isa, pair, kind, first.into_iter().chain(others))
    });
    TheoremReport {
        premise: it.premise,
        verdict: it.verdict,
        by: it.by.into(),
        offending: names(isa, &it.offending),
        refuting: names(isa, &it.refuting),
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
            mode: it.side.name(pair).to_owned(),
            broken: it.broken.into_iter().map(str::to_owned).collect(),
            witness: WitnessReport::of(isa, it.class, &it.witness),
        }),
        guest: guest.flatten().map(|(class, it)| GuestReport::of(isa, spec, class, &it)),
        collision: collision.flatten().map(|it| CollisionReport::of(isa, pair, &it)),
        conditions: Vec::new(),
        diagram: diagram::report(
            isa,
            pair,
            profile,
            (all, &judged.diagram),
            it.verdict,
            sides,
            settle,
        ),
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
    isa: &Isa,
    pair: &Pair,
    all: &[Classification],
    profile: Profile,
    it: &Judgement,
    sides: &[Side],
    settle: &dyn Settle,
) -> Option<Step> {
    let class = *it.refuting.iter().find(|i| it.offending.contains(i)).or(it.refuting.first())?;
    let broken = |s: &&classify::Square| sides.contains(&s.side) && s.verdict.is_shown();
    let square = all[class].statewise.iter().rev().find(broken)?;
    let side = square.side;
    let small = classify::refutation(isa, &isa.classes[class], pair, profile, side, settle);
    let (witness, broken) = match (small, &square.verdict) {
        (Some((witness, broken)), _) => (*witness, broken),
        (None, Verdict::Shown(witness)) => ((**witness).clone(), Vec::new()),
        (None, Verdict::Proved(_) | Verdict::Open(_)) => return None,
    };
    Some(Step { class, side, broken, witness })
}

/// The conditions on the real machine under which a class is safe to run directly.
fn safe_if(fixings: &[(usize, Fixing)], class: usize) -> Vec<String> {
    match fixings.iter().find(|(c, _)| *c == class) {
        Some((_, Fixing::Safe(all))) => all.iter().map(conditions::words).collect(),
        _ => Vec::new(),
    }
}

/// A list of names, cut after a few.
fn brief(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    let list = names[..names.len().min(SHOWN)].join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}

fn recursive_report(isa: &Isa, it: &theorem::Recursive) -> RecursiveReport {
    let premises = [("vmm", it.vmm), ("timing", it.timing), ("monitor", it.monitor)];
    RecursiveReport {
        premise: it.premise,
        verdict: it.verdict,
        premises: premises.into_iter().map(|(n, p)| (n.to_owned(), p.word().to_owned())).collect(),
        timed: names(isa, &it.timed),
    }
}

fn instruction_report(
    isa: &Isa,
    pair: &Pair,
    index: usize,
    it: &Classification,
    profile: Profile,
) -> InstructionReport {
    let asked = |name: &str| it.finding(name).map(classify::Finding::answer);
    let answer = |name: &str| asked(name).unwrap_or(Answer::No);
    let sensitive = it.sensitive(profile);
    let mut evidence = std::collections::BTreeMap::new();
    let mut modes = std::collections::BTreeMap::new();
    evidence.insert("privileged".to_owned(), Evidence::of(isa, index, &it.privileged_evidence));
    for finding in &it.findings {
        let key = finding.definition.name.replace('-', "_");
        // A witness if there is one, else what is open, else the proof that took the most.
        let best = finding.verdicts.iter().max_by_key(|(_, v)| match v {
            Verdict::Shown(_) => 3,
            Verdict::Open(_) => 2,
            Verdict::Proved(proof) if matches!(proof.by(), crate::decide::By::Sat(_)) => 1,
            Verdict::Proved(_) => 0,
        });
        if let Some((_, verdict)) = best {
            evidence.insert(key.clone(), Evidence::of(isa, index, verdict));
        }
        let shown =
            finding.verdicts.iter().filter(|(_, v)| v.is_shown() && finding.definition.per_mode);
        let shown: Vec<String> = shown.map(|(side, _)| side.name(pair).to_owned()).collect();
        if !shown.is_empty() {
            modes.insert(key, shown);
        }
    }
    if let Some(square) =
        it.statewise.iter().find(|s| s.verdict.is_shown()).or(it.statewise.first())
    {
        evidence.insert("statewise".into(), Evidence::of(isa, index, &square.verdict));
        let broken = it.statewise.iter().filter(|s| s.verdict.is_shown());
        let broken: Vec<String> = broken.map(|s| s.side.name(pair).to_owned()).collect();
        if !broken.is_empty() {
            modes.insert("statewise".into(), broken);
        }
    }
    InstructionReport {
        name: isa.classes[index].name.clone(),
        privileged: it.privileged,
        control_sensitive: answer("control-sensitive"),
        behaviour_sensitive: it.behaviour_sensitive(),
        location_sensitive: answer("location-sensitive"),
        mode_sensitive: answer("mode-sensitive"),
        resource_sensitive: answer("resource-sensitive"),
        extent_sensitive: asked("extent-sensitive"),
        time_sensitive: answer("time-sensitive"),
        trap_masked: asked("trap-masked"),
        trap_visible: asked("trap-visible"),
        user_sensitive: it.user_sensitive(profile),
        sensitive,
        innocuous: sensitive.negated(),
        statewise: Classification::commutes(&it.statewise, &Side::BOTH),
        safe_if: Vec::new(),
        modes,
        evidence,
        notes: isa.classes[index].notes.clone(),
    }
}

fn assumption_reports(isa: &Isa, all: &[Classification]) -> Vec<AssumptionReport> {
    let breakers = |index: usize, side: Side| -> Vec<&str> {
        let breaks = |c: &Classification| {
            c.breaks
                .iter()
                .any(|(i, s, v)| *i == index && *s == side && !matches!(v, Verdict::Proved(_)))
        };
        (0..all.len()).filter(|i| breaks(&all[*i])).map(|i| isa.classes[i].name.as_str()).collect()
    };
    let of = |(index, a): (usize, &model::isa::Assumption)| {
        let (in_user, in_supervisor) =
            (breakers(index, Side::User), breakers(index, Side::Supervisor));
        let maintained = match (in_user.is_empty(), in_supervisor.is_empty()) {
            (true, true) => "preserved by every instruction".to_owned(),
            (true, false) => format!(
                "preserved in user mode; in supervisor mode maintained by the monitor against {}",
                brief(&in_supervisor)
            ),
            (false, _) => format!("maintained by the monitor against {}", brief(&in_user)),
        };
        AssumptionReport {
            name: a.name.clone(),
            that: a.text.clone(),
            why: a.why.clone(),
            maintained,
        }
    };
    isa.assumptions.iter().enumerate().map(of).collect()
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
                checked += 1;
                let Some(answer) = found.property(&word.word) else {
                    unmet.push(Unmet {
                        expected: format!("{}: {}", found.name, word.word),
                        found: format!("profile {} does not ask", profile.word()),
                        at: at(word.span),
                        undecided: true,
                    });
                    continue;
                };
                let wanted = if word.holds { Answer::Yes } else { Answer::No };
                if answer != wanted && !(answer == Answer::Vacuous && word.holds) {
                    let not = if word.holds { "" } else { "not " };
                    unmet.push(Unmet {
                        expected: format!("{}: {not}{}", found.name, word.word),
                        found: format!("{}: {}", word.word, answer.word()),
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
        for (_, expected) in isa.expect.iter().filter(|(p, _)| *p == profile) {
            let place = expected.span.and_then(at);
            not_applicable(expected, place.as_deref(), &mut checked, &mut unmet);
        }
    }
    report.unmet = unmet;
    report.expectations = checked;
}

/// On a machine without modes every theorem is not applicable, whatever else is expected.
fn not_applicable(
    expected: &Expectation,
    at: Option<&str>,
    checked: &mut u64,
    unmet: &mut Vec<Unmet>,
) {
    let all = [("vmm", expected.vmm), ("recursive", expected.recursive), ("hvmm", expected.hvmm)];
    for (name, (premise, verdict)) in all {
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
    let found = [
        ("vmm", expected.vmm, t.vmm.premise, t.vmm.verdict),
        ("recursive", expected.recursive, t.recursive.premise, t.recursive.verdict),
        ("hvmm", expected.hvmm, t.hvmm.premise, t.hvmm.verdict),
    ];
    let mut check = |wanted: &str, found: &str, undecided: bool| {
        *checked += 1;
        if wanted != found {
            let (expected, found) = (wanted.to_owned(), found.to_owned());
            unmet.push(Unmet { expected, found, at: at.map(str::to_owned), undecided });
        }
    };
    for (name, (premise, verdict), p, v) in found {
        if let Some(wanted) = premise {
            let text = |p: Premise| format!("{name}: premise {}", p.word());
            check(&text(wanted), &text(p), p == Premise::Undecided);
        }
        if let Some(wanted) = verdict {
            let text = |v: VerdictWord| format!("{name}: {}", v.word());
            check(&text(wanted), &text(v), v == VerdictWord::Undecided);
        }
    }
    if let Some(wanted) = &expected.offending {
        let mut wanted = wanted.clone();
        let mut found = t.vmm.offending.clone();
        wanted.sort();
        found.sort();
        check(
            &format!("offending: [{}]", wanted.join(", ")),
            &format!("offending: [{}]", found.join(", ")),
            false,
        );
    }
}
