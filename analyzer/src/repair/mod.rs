//! Repair: the smallest set of instructions that must be made to trap so that a theorem holds.
//!
//! Report → what each theorem needs → overlay → the overlay's own report.
//!
//! A class that breaks a premise, or whose square does not commute, does so whatever the other
//! classes do: each member of a set is *necessary* by itself, and its witness shows it. That the set
//! is *sufficient* is not argued at all: the overlay is analyzed like any other specification.

mod overlay;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Component, Path};

use model::diagnostic::Sources;
use model::isa::{Class, Isa, Premise, Verdict};
use model::property::Property;
use model::theorem::Theorem;
use serde::Serialize;

use crate::analyze::{Options, analyze};
use crate::progress::Progress;
use crate::report::expectations;
use crate::report::text::{Cell, Detail, aligned, on_condition};
use crate::report::{Evidence, InstructionReport, PairReport, Report, TheoremReport, Unmet};
use crate::traps::expected;
use overlay::Overlay;

/// Version of the JSON format.
pub const SCHEMA: u32 = 1;

/// What a repair found; its JSON keys are a contract.
#[derive(Debug, Serialize)]
pub struct Repair {
    /// Version of this format.
    pub schema: u32,
    /// Short name of the machine.
    pub isa: String,
    /// The reading of the definitions.
    pub profile: &'static str,
    /// What each theorem needs, over all pairs judged.
    pub theorems: Theorems,
    /// The overlay that makes all of them trap; none if nothing needs to.
    pub overlay: Option<String>,
    /// What the analysis of the overlay gave, or that of the machine itself where there is none.
    pub checked: Checked,
}

/// What must trap, by theorem.
#[derive(Debug, Serialize)]
pub struct Theorems {
    /// Theorem 1.
    pub vmm: Needs,
    /// Theorem 3.
    pub hvmm: Needs,
}

/// What must trap for one theorem: decode classes in specification order.
#[derive(Debug, Serialize)]
pub struct Needs {
    /// For the premise, the set inclusion.
    pub premise: Vec<String>,
    /// For the verdict, the statewise condition.
    pub verdict: Vec<String>,
}

/// The theorems after the repair.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// All of it in one word.
    pub outcome: Outcome,
    /// The pairs repaired.
    pub pairs: Vec<CheckedPair>,
    /// Expectations the overlay inherits and does not meet, of instructions it leaves alone.
    pub unmet: Vec<Unmet>,
}

/// One de-privileging pair after the repair.
#[derive(Debug, Serialize)]
pub struct CheckedPair {
    /// The mode the monitor runs in.
    pub supervisor: String,
    /// The mode the guest runs in.
    pub user: String,
    /// Theorem 1.
    pub vmm: CheckedTheorem,
    /// Theorem 3.
    pub hvmm: CheckedTheorem,
}

/// One theorem after the repair.
#[derive(Debug, Serialize)]
pub struct CheckedTheorem {
    /// The set inclusion.
    pub premise: &'static str,
    /// Constructibility under the standard map.
    pub verdict: &'static str,
    /// On what conditions, where it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// What stands in the way of a verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
}

/// Whether the theorems hold after the repair, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// They do.
    Holds,
    /// Something is not settled.
    Undecided,
    /// One does not.
    Fails,
}

/// Where an overlay stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// Path of the overlay; nothing needs to be there.
    pub path: &'p str,
    /// Path of its base, as seen from its folder.
    pub extends: &'p str,
}

/// Finds what must trap for Theorems 1 and 3 on the pairs of `report`, writes it as an overlay and
/// analyzes that. `open` reads the base again. An error says why there can be no overlay.
pub fn repair(
    isa: &Isa,
    report: &Report,
    place: Place<'_>,
    open: &dyn Fn(&str) -> Result<String, String>,
    progress: &Progress<'_>,
) -> Result<Repair, String> {
    if isa.pairs.is_empty() {
        return Err("the machine has no modes: the theorems are not applicable".into());
    }
    let mut repair = Repair {
        schema: SCHEMA,
        isa: isa.name.clone(),
        profile: report.profile.word(),
        theorems: Theorems {
            vmm: needs(isa, report, |p| &p.theorems.vmm),
            hvmm: needs(isa, report, |p| &p.theorems.hvmm),
        },
        overlay: None,
        checked: checked(report, &report.pairs),
    };
    let trapping = trapping(isa, report);
    if trapping.is_empty() {
        return Ok(repair);
    }
    let overlay = Overlay::new(isa, report, place.extends, trapping)?;
    // What the overlay expects is known after the first reading; its semantics stay the same.
    let (patched, sources) = load(&overlay.text(None), place, open)?;
    let options = Options { profile: report.profile, pair: None, timeout: None };
    let mut after = analyze(&patched, &sources, options, progress);
    let text = overlay.text(Some(&after));
    let (patched, sources) = load(&text, place, open)?;
    let outcomes = expected::check(&patched, &options);
    expectations::check(&patched, &sources, &mut after, &outcomes);
    repair.overlay = Some(text);
    repair.checked = checked(&after, &report.pairs);
    repair.checked.unmet = after.unmet;
    Ok(repair)
}

impl Repair {
    /// What it found out about an instruction.
    pub fn about(&self, name: &str) -> String {
        let Theorems { vmm, hvmm } = &self.theorems;
        let all = [&vmm.premise, &vmm.verdict, &hvmm.premise, &hvmm.verdict];
        let all: BTreeSet<&str> = all.into_iter().flatten().map(String::as_str).collect();
        if !all.contains(name) {
            return "`analyze repair` does not make it trap.".into();
        }
        let all = match all.len() {
            1 => "it".to_owned(),
            2 => "it and one other instruction".to_owned(),
            n => format!("it and {} other instructions", n - 1),
        };
        let then = match self.checked.outcome {
            Outcome::Holds => "Theorems 1 and 3 would hold",
            Outcome::Undecided => "it is undecided whether Theorems 1 and 3 would hold",
            Outcome::Fails => "Theorem 1 or 3 would not hold even then",
        };
        format!(
            "If {all} trapped outside supervisor mode, {then}. That machine was analyzed; `analyze repair` prints it."
        )
    }
}

/// The way from a folder to a file, both absolute and without `..`, as `extends:` wants it.
pub fn relative(from: &Path, to: &Path) -> Option<String> {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| Some(".."));
    let down = to[common..].iter().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    Some(up.chain(down).collect::<Option<Vec<_>>>()?.join("/"))
}

/// Loads the overlay's text as if it stood at its place.
fn load(
    text: &str,
    place: Place<'_>,
    open: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(Isa, Sources), String> {
    let open = |path: &str| if path == place.path { Ok(text.to_owned()) } else { open(path) };
    let mut sources = Sources::default();
    match model::load(place.path, &open, &mut sources) {
        Ok(loaded) => Ok((loaded.isa, sources)),
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(|e| e.render(&sources, false)).collect();
            Err(format!("the overlay does not load:\n{}", errors.join("\n")))
        }
    }
}

/// What a theorem needs over all pairs.
fn needs(isa: &Isa, report: &Report, theorem: impl Fn(&PairReport) -> &TheoremReport) -> Needs {
    let of = |wanted: fn(&TheoremReport) -> &[String]| {
        let some = |c: &&Class| report.pairs.iter().any(|p| wanted(theorem(p)).contains(&c.name));
        isa.classes.iter().filter(some).map(|c| c.name.clone()).collect()
    };
    Needs { premise: of(|t| &t.offending), verdict: of(breaking) }
}

/// The classes that the verdict needs a trap of. Where it holds, if only on a condition, it needs none.
fn breaking(it: &TheoremReport) -> &[String] {
    if it.verdict == Verdict::Holds { &[] } else { &it.refuting }
}

/// Whether a class must trap for one of the theorems on this pair. Theorem 3 asks for no more than
/// Theorem 1.
fn must_trap(pair: &PairReport, name: &str) -> bool {
    let it = &pair.theorems.vmm;
    it.offending.iter().chain(breaking(it)).any(|n| n == name)
}

/// The classes that must trap, each with the modes in which it still runs: the supervisor modes of
/// the machine's pairs, except where they are the user mode of a pair that needs the trap. So in
/// rings 1 and 2 it traps like in ring 3.
fn trapping<'i>(isa: &'i Isa, report: &Report) -> BTreeMap<&'i str, Vec<&'i (String, u128)>> {
    let mut all = BTreeMap::new();
    for class in &isa.classes {
        let name = class.name.as_str();
        let pairs = report.pairs.iter().filter(|p| must_trap(p, name));
        let users: BTreeSet<&str> = pairs.map(|p| p.user.as_str()).collect();
        if !users.is_empty() {
            let mut modes: Vec<_> = isa.pairs.iter().map(|p| &p.supervisor).collect();
            modes.retain(|(mode, _)| !users.contains(mode.as_str()));
            modes.sort_by_key(|(_, value)| *value);
            modes.dedup();
            all.insert(name, modes);
        }
    }
    all
}

fn checked(report: &Report, pairs: &[PairReport]) -> Checked {
    let repaired = |p: &&PairReport| {
        pairs.iter().any(|q| (&q.supervisor, &q.user) == (&p.supervisor, &p.user))
    };
    let found: Vec<&PairReport> = report.pairs.iter().filter(repaired).collect();
    let outcome = |t: &TheoremReport| match (t.premise, t.verdict) {
        (Premise::Fails, _) | (_, Verdict::Refuted | Verdict::NotApplicable) => Outcome::Fails,
        (Premise::Undecided, _) | (_, Verdict::Undecided) => Outcome::Undecided,
        (Premise::Holds | Premise::Vacuous, Verdict::Holds | Verdict::Vacuous) => Outcome::Holds,
    };
    let theorem = |t: &TheoremReport| CheckedTheorem {
        premise: t.premise.word(),
        verdict: t.verdict.word(),
        conditions: t.conditions.clone(),
        obstacles: t.obstacles.clone(),
    };
    let outcomes = found.iter().flat_map(|p| p.theorems.monitors()).map(|(_, it)| outcome(it));
    Checked {
        outcome: outcomes.max().unwrap_or(Outcome::Holds),
        pairs: found
            .iter()
            .map(|p| CheckedPair {
                supervisor: p.supervisor.clone(),
                user: p.user.clone(),
                vmm: theorem(&p.theorems.vmm),
                hvmm: theorem(&p.theorems.hvmm),
            })
            .collect(),
        unmet: Vec::new(),
    }
}

/// Explains a repair for people; `report` is that of the machine before.
pub fn render(report: &Report, repair: &Repair, detail: Detail) -> String {
    let mut out = format!(
        "{} — {}: what must trap so that the theorems hold (profile {})\n",
        report.isa, report.title, repair.profile
    );
    for pair in report.pairs.iter().filter(|_| repair.overlay.is_some()) {
        let _ = writeln!(out, "\nSupervisor mode {}, user mode {}", pair.supervisor, pair.user);
        render_needs(&mut out, pair, detail);
    }
    let last = match (repair.checked.outcome, &repair.overlay) {
        (Outcome::Holds, None) => "There is nothing to repair.",
        (Outcome::Holds, Some(_)) => "Together they are sufficient: the overlay was analyzed.",
        (Outcome::Undecided, None) => {
            "Nothing is known to need a trap, and yet the theorems are undecided."
        }
        (Outcome::Undecided, Some(_)) => "Whether that is sufficient is undecided.",
        (Outcome::Fails, _) => "No set of instructions that trap in user mode is sufficient.",
    };
    if repair.overlay.is_some() {
        out.push_str(
            "\nEach is necessary where the monitor keeps no bit of its own at a value: as long as it runs untrapped in user\n\
             mode its witness breaks the premise, or its square the statewise condition, whatever other instructions do.",
        );
    }
    let _ = writeln!(out, "\n{last}");
    for pair in &repair.checked.pairs {
        let _ = writeln!(out, "\nSo in the pair {}:{}", pair.supervisor, pair.user);
        for (theorem, it) in Theorem::MONITORS.into_iter().zip([&pair.vmm, &pair.hvmm]) {
            let name = theorem.name();
            let conditions = on_condition(&it.conditions);
            let _ = writeln!(
                out,
                "  {name}  premise {}, verdict {}{conditions}",
                it.premise, it.verdict
            );
            for obstacle in &it.obstacles {
                let _ = writeln!(out, "    {obstacle}");
            }
        }
    }
    for unmet in &repair.checked.unmet {
        let at = unmet.at.as_ref().map_or(String::new(), ToString::to_string);
        let _ = writeln!(
            out,
            "The overlay inherits an expectation that is not met: {at}: expected {}, found {}",
            unmet.expected, unmet.found
        );
    }
    out
}

/// One line per theorem.
pub fn concise(repair: &Repair) -> String {
    let mut out = String::new();
    for (theorem, it) in
        Theorem::MONITORS.into_iter().zip([&repair.theorems.vmm, &repair.theorems.hvmm])
    {
        let name = theorem.key();
        let (premise, verdict) = (it.premise.join(" "), it.verdict.join(" "));
        let _ = writeln!(out, "{} {name}: premise [{premise}], verdict [{verdict}]", repair.isa);
    }
    out
}

/// The classes that must trap on one pair: for which theorem, and why.
fn render_needs(out: &mut String, pair: &PairReport, detail: Detail) {
    let header = ["", "T1 premise", "T1 verdict", "T3 premise", "T3 verdict", "because it is"];
    let mut lines = vec![header.map(Cell::plain).into()];
    let (vmm, hvmm) = (&pair.theorems.vmm, &pair.theorems.hvmm);
    let sets = [&*vmm.offending, breaking(vmm), &*hvmm.offending, breaking(hvmm)];
    for it in pair.instructions.iter().filter(|i| must_trap(pair, &i.name)) {
        let mut line = vec![Cell::plain(it.name.as_str())];
        line.extend(
            sets.map(|set| Cell::plain(if set.contains(&it.name) { "traps" } else { "·" })),
        );
        line.push(Cell::plain(why(it)));
        lines.push(line);
    }
    let mut total = vec![Cell::plain("in all")];
    total.extend(sets.map(|set| Cell::plain(set.len().to_string())));
    lines.push(total);
    out.push_str(&aligned(&lines, detail));
}

/// In what way a class is sensitive, with the instance that shows the first.
fn why(it: &InstructionReport) -> String {
    use Property::{Innocuous, Privileged, Sensitive, Statewise, UserSensitive};
    const KINDS: [Property; 5] = [Privileged, UserSensitive, Sensitive, Innocuous, Statewise];
    let mut kinds: Vec<Property> = Property::ALL.into_iter().collect();
    kinds.retain(|kind| !KINDS.contains(kind) && it.is(*kind).is_yes());
    if kinds.len() > 1 {
        kinds.retain(|kind| *kind != Property::BehaviourSensitive);
    }
    let shown = kinds.first().copied().unwrap_or(Statewise);
    let mut words: Vec<&str> = kinds.into_iter().map(Property::word).collect();
    if words.is_empty() {
        words.push("not safe to run directly");
    }
    let witness = match it.evidence.get(shown.key()) {
        Some(Evidence::Witness(witness)) => format!(": {}", witness.instruction),
        _ => String::new(),
    };
    format!("{}{witness}", words.join(", "))
}
