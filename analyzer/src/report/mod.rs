//! The report: plain data, the same for every format. Its JSON keys are a contract.

pub mod atlas;
pub mod baseline;
pub(crate) mod build;
mod diagram;
pub(crate) mod expectations;
pub mod explain;
pub mod findings;
pub mod github;
pub mod html;
pub mod junit;
pub mod latex;
mod lesson;
pub mod markdown;
pub mod page;
pub mod sarif;
pub(crate) mod shell;
pub mod text;

use std::collections::BTreeMap;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Premise, Profile, TrapId, Verdict};
use model::property::Property;
use model::rule::Rule;
use model::state::{Row, State};
use model::theorem::Theorem;
use refvmm::classification::{self, Classification, KeptBits};
use refvmm::vmm::Kind;
use serde::{Serialize, Serializer};

use crate::decide::By;
use crate::prove::answer::{Answer, Existence};
use crate::prove::counts::Counts;
use crate::prove::witness::{Witness, outcome_word};
use crate::theorems::collision::{Collision, Instance};
use crate::theorems::guest::{self, Guest};
use findings::Finding;
pub use findings::Place;
pub use lesson::{Excerpt, Lesson, LessonRow, Shows};

/// Version of the JSON format.
pub const SCHEMA: u32 = 1;

/// The JSON Schema (draft 7) of what `analyze check` writes as JSON.
pub const JSON_SCHEMA: &str = include_str!("report.schema.json");

/// Everything found out about a specification in one profile.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of this format.
    pub schema: u32,
    /// Short name of the machine.
    pub isa: String,
    /// One line about the machine.
    pub title: String,
    /// The year in which it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u32>,
    /// The reading of the definitions.
    #[serde(serialize_with = "word_of_profile")]
    pub profile: Profile,
    /// One entry per de-privileging pair.
    pub pairs: Vec<PairReport>,
    /// Assumptions of the specification, and who maintains them.
    pub assumptions: Vec<AssumptionReport>,
    /// Share of the opcode space that the encodings cover, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opcode_coverage: Option<f64>,
    /// What the other opcodes do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<String>,
    /// Expectations of the author that are not met.
    pub unmet: Vec<Unmet>,
    /// Number of expectations checked.
    pub expectations: u64,
    /// The file of the specification.
    pub file: String,
    /// The file that it extends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// What gates and editors show, by rule.
    pub findings: Vec<Finding>,
    /// Effort.
    pub summary: Summary,
}

impl Report {
    /// What names the specification on a command line: its file, or the name of one that comes with the program.
    pub fn argument(&self) -> &str {
        refvmm::specification::bundled_name(&self.file).unwrap_or(&self.file)
    }

    /// The report on a specification that cannot be analyzed.
    pub fn unreadable(path: &str, profile: Profile, findings: Vec<Finding>) -> Self {
        Self {
            schema: SCHEMA,
            isa: path.to_owned(),
            title: "cannot be analyzed".to_owned(),
            year: None,
            profile,
            pairs: Vec::new(),
            assumptions: Vec::new(),
            opcode_coverage: None,
            unlisted: None,
            unmet: Vec::new(),
            expectations: 0,
            file: path.to_owned(),
            extends: None,
            findings,
            summary: Summary::default(),
        }
    }

    /// Nothing was analyzed: the specification has errors.
    pub fn is_unreadable(&self) -> bool {
        self.findings.iter().any(|it| it.rule == Rule::Specification)
    }

    /// The first guest program that tells the machines apart, as a file.
    pub fn guest(&self) -> Option<String> {
        let mut theorems = self.pairs.iter().flat_map(|p| p.theorems.monitors());
        let guest = theorems.find_map(|(_, t)| t.guest.as_ref())?;
        let head = format!("; {} by {}: {}\n", self.isa, guest.instruction, guest.command);
        Some(guest.program.iter().fold(head, |text, line| text + line + "\n"))
    }

    /// What control programs have to know of the machine.
    pub fn classification(&self, isa: &Isa, sources: &Sources) -> Classification {
        let answer = |theorem: &TheoremReport| classification::Answer {
            verdict: theorem.verdict.word().to_owned(),
            offending: theorem.refuting.clone(),
            gap: theorem.gap,
            obstacles: theorem.obstacles.clone(),
            keeps: theorem.keeps.clone(),
            watches: theorem.watches.clone(),
            loses: theorem.loses.clone(),
        };
        let theorems = |pair: &PairReport| classification::Theorems {
            supervisor: pair.supervisor.clone(),
            user: pair.user.clone(),
            vmm: answer(&pair.theorems.vmm),
            hvmm: answer(&pair.theorems.hvmm),
        };
        let pairs = self.pairs.iter().map(theorems).collect();
        Classification::new(isa, sources, self.profile, pairs)
    }
}

/// How much work there was.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Decode classes judged, over all pairs.
    pub instructions: u64,
    /// Obligations, and how they were settled.
    #[serde(flatten)]
    pub counts: Counts,
}

/// An assumption of the specification.
#[derive(Debug, Serialize)]
pub struct AssumptionReport {
    /// Its name.
    pub name: String,
    /// The condition as written.
    pub that: String,
    /// Why it may be assumed.
    pub why: String,
    /// Whether direct execution preserves it, and if not, which instructions break it.
    pub maintained: String,
}

/// An expectation that is not met.
#[derive(Debug, Serialize)]
pub struct Unmet {
    /// What was expected of what.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The place of the expectation, `file:line:column`.
    #[serde(serialize_with = "word_of_place")]
    pub at: Option<Place>,
    /// The finding is `undecided`.
    pub undecided: bool,
}

/// One de-privileging pair.
#[derive(Debug, Serialize)]
pub struct PairReport {
    /// The mode the monitor runs in.
    pub supervisor: String,
    /// The mode the guest runs in.
    pub user: String,
    /// The traps, in specification order: whether they lead to the monitor.
    pub traps: Vec<TrapReport>,
    /// The theorems.
    pub theorems: Theorems,
    /// The decode classes, in specification order.
    pub instructions: Vec<InstructionReport>,
}

impl PairReport {
    /// `supervisor:user`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.supervisor, self.user)
    }
}

/// Trap entry.
#[derive(Debug, Serialize)]
pub struct TrapReport {
    /// The trap.
    pub name: String,
    /// Whether it leads to the monitor, whatever the guest did.
    pub enters: Answer,
    /// Two states that it leads to different places, if that is why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// The three theorems.
#[derive(Debug, Serialize)]
pub struct Theorems {
    /// Theorem 1.
    pub vmm: TheoremReport,
    /// Theorem 2.
    pub recursive: RecursiveReport,
    /// Theorem 3.
    pub hvmm: TheoremReport,
}

impl Theorems {
    /// A theorem about monitors; Theorem 2 has a report of its own kind.
    pub fn monitor(&self, theorem: Theorem) -> Option<&TheoremReport> {
        match theorem {
            Theorem::Vmm => Some(&self.vmm),
            Theorem::Recursive => None,
            Theorem::Hvmm => Some(&self.hvmm),
        }
    }

    /// Theorems 1 and 3.
    pub fn monitors(&self) -> [(Theorem, &TheoremReport); 2] {
        [(Theorem::Vmm, &self.vmm), (Theorem::Hvmm, &self.hvmm)]
    }

    /// The premise of a theorem.
    pub fn premise(&self, theorem: Theorem) -> Premise {
        self.monitor(theorem).map_or(self.recursive.premise, |it| it.premise)
    }

    /// The verdict on a theorem with its conditions: `holds while userio == 0`.
    pub fn verdict_in_words(&self, theorem: Theorem) -> String {
        let conditions = self.monitor(theorem).map(|it| text::on_condition(&it.conditions));
        format!("{}{}", self.verdict(theorem).word(), conditions.unwrap_or_default())
    }

    /// Instructions that break the premise of Theorem 1, then those that break only a square.
    pub fn offending(&self) -> Vec<&String> {
        let vmm = &self.vmm;
        let more = vmm.refuting.iter().filter(|it| !vmm.offending.contains(it));
        vmm.offending.iter().chain(more).collect()
    }

    /// The verdict on a theorem.
    pub fn verdict(&self, theorem: Theorem) -> Verdict {
        self.monitor(theorem).map_or(self.recursive.verdict, |it| it.verdict)
    }
}

/// Theorem 1 or 3.
#[derive(Debug, Serialize)]
pub struct TheoremReport {
    /// Whether the set inclusion holds.
    #[serde(serialize_with = "word_of_premise")]
    pub premise: Premise,
    /// Whether the monitor can be built under the standard map.
    #[serde(serialize_with = "word_of_verdict")]
    pub verdict: Verdict,
    /// What decided the verdict: `set-inclusion`, `statewise`, `step-refutation`, or nothing.
    pub by: String,
    /// Instructions that break the premise.
    pub offending: Vec<String>,
    /// Instructions whose square does not commute for every choice of the monitor's own bits.
    pub refuting: Vec<String>,
    /// What stands in the way of a verdict, where it is undecided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
    /// What the verdict assumes.
    pub assumptions: Vec<String>,
    /// Ways around a refutation.
    pub escapes: Vec<Escape>,
    /// The premise holds, and yet the statewise condition fails.
    pub gap: bool,
    /// A guest program that tells the real machine from the monitored one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest: Option<GuestReport>,
    /// The run that refutes the theorem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refutation: Option<Refutation>,
    /// Two instructions for which no one-one map exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collision: Option<CollisionReport>,
    /// The conditions under which it holds, in words: bits that the monitor keeps, and assumptions that
    /// guests can break and the monitor has to watch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// The bits that the monitor keeps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keeps: Vec<KeptBits>,
    /// The assumptions that it watches, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watches: Vec<String>,
    /// Traps that lose part of E, by name: the verdict holds while no guest relies on it.
    pub loses: Vec<String>,
    /// A sensitive instruction that is privileged, where the theorem holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
    /// The whole commuting diagram, where the verdict is that the theorem holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagram: Option<DiagramReport>,
}

/// The squares of the commuting diagram f(i(S)) = i′(f(S)), for all guest states.
#[derive(Debug, Serialize)]
pub struct DiagramReport {
    /// Direct execution: the statewise condition of every instruction.
    pub direct: Answer,
    /// Privileged instructions of virtual supervisor mode, interpreted behind their trap.
    pub emulated: Answer,
    /// Every other trap, given to the guest.
    pub reflected: Answer,
    /// The real trap sequences: they leave the partition alone and lose nothing.
    pub traps: Answer,
    /// The allocator: R′ stays within the partition, and f is one-one.
    pub allocator: Answer,
    /// `proved for all states`, `fails for …` or `undecided for …`.
    pub equivalence: String,
    /// How many squares there are of each sort.
    pub squares: Squares,
    /// What does not commute: instructions, trap sequences, the allocator.
    pub failing: Vec<String>,
    /// What the induction assumes.
    pub assumptions: Vec<String>,
    /// A state that is not found again behind a trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Refutation>,
}

/// Numbers of squares.
#[derive(Debug, Serialize)]
pub struct Squares {
    /// Instructions, executed directly.
    pub direct: u64,
    /// Instructions that can trap.
    pub trapped: u64,
    /// Trap sequences.
    pub traps: u64,
    /// Virtual modes the allocator serves.
    pub allocator: u64,
}

/// A guest state S whose step and image do not commute: i(f(S)) is not f(i(S)).
#[derive(Debug, Serialize)]
pub struct Refutation {
    /// The instruction.
    pub instruction: String,
    /// The guest's virtual mode.
    pub mode: String,
    /// What is wrong, in words.
    pub broken: Vec<String>,
    /// S, f(S), and what the instruction makes of them.
    pub witness: WitnessReport,
    /// The instruction as written, and the rows of the states that matter.
    pub lesson: Lesson,
}

/// A sensitive instruction that is privileged, for a theorem that holds.
#[derive(Debug, Serialize)]
pub struct Example {
    /// The instruction.
    pub instruction: String,
    /// The instruction with its operands.
    pub instance: String,
    /// The instruction as written, and what it changes in supervisor mode.
    pub lesson: Lesson,
}

/// A guest state S and instructions i1, i2 with i1(S) ≠ i2(S) but i1(f(S)) = i2(f(S)) for every f:
/// no one-one map exists.
#[derive(Debug, Serialize)]
pub struct CollisionReport {
    /// The two instructions, by the names of their decode classes.
    pub instructions: Vec<String>,
    /// The guest's virtual mode.
    pub mode: String,
    /// The maps f for which the images were proved equal.
    pub maps: String,
    /// S, f(S) and what the instructions make of them, under one f.
    pub witness: WitnessReport,
}

/// A guest program that ends differently on the real machine and under the monitor.
#[derive(Debug, Serialize)]
pub struct GuestReport {
    /// The instruction that makes the difference.
    pub instruction: String,
    /// The monitor: `vmm` or `hybrid`.
    pub monitor: String,
    /// The guest's storage, in cells.
    pub cells: u64,
    /// The program, in the language of the assembler, a line each.
    pub program: Vec<String>,
    /// The command that runs it again, on the file that `--emit guest=FILE` writes.
    pub command: String,
    /// How it ends on the real machine, and under the monitor.
    pub ends: [String; 2],
    /// What differs then: component, value on the real machine, value under the monitor.
    pub differs: Vec<[String; 3]>,
}

impl GuestReport {
    pub(crate) fn of(isa: &Isa, spec: &str, class: usize, it: &Guest) -> Self {
        let end = |end: &guest::End| match (end.halted, end.steps) {
            (true, 1) => "halts after 1 instruction".to_owned(),
            (true, n) => format!("halts after {n} instructions"),
            (false, n) => format!("still runs after {n} instructions"),
        };
        let [real, virtual_] = &it.ends;
        let rows = State::table(isa, &[&real.seen, &virtual_.seen]);
        let differs = rows.into_iter().filter(Row::differs);
        let monitor = match it.kind {
            Kind::Vmm => "vmm",
            Kind::Hybrid => "hybrid",
        };
        let steps = guest::LIMIT;
        Self {
            instruction: isa.classes[class].name.clone(),
            monitor: monitor.into(),
            command: format!(
                "refvmm compare {} FILE --monitor {monitor} --anyway --cells {} --max-steps {steps}",
                shell::path(spec),
                it.cells
            ),
            cells: it.cells,
            program: it.lines.clone(),
            ends: [end(real), end(virtual_)],
            differs: differs.map(|r| [r.name.clone(), r.text(0), r.text(1)]).collect(),
        }
    }
}

/// A way around a refutation.
#[derive(Debug, Serialize)]
pub struct Escape {
    /// Its name.
    pub name: String,
    /// What became of it.
    #[serde(serialize_with = "word_of_verdict")]
    pub verdict: Verdict,
    /// What it assumes.
    pub assumption: String,
}

/// Theorem 2.
#[derive(Debug, Serialize)]
pub struct RecursiveReport {
    /// All premises together.
    #[serde(serialize_with = "word_of_premise")]
    pub premise: Premise,
    /// Whether the machine is recursively virtualizable.
    #[serde(serialize_with = "word_of_verdict")]
    pub verdict: Verdict,
    /// The premises one by one.
    pub premises: BTreeMap<String, String>,
    /// Instructions that depend on time.
    pub timed: Vec<String>,
    /// Which registers of a guest a dispatcher can save and give back; nothing where no monitor is possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatcher: Option<DispatcherReport>,
}

/// What the dispatcher of a monitor, as a program of the machine, can do about a guest's registers.
#[derive(Debug, Serialize)]
pub struct DispatcherReport {
    /// Those of which each, by itself, can be saved behind every trap when those before it are.
    pub saved: Vec<SavedReport>,
    /// Those that no instruction saves.
    pub lost: Vec<String>,
    /// Those of which this is not settled.
    pub undecided: Vec<String>,
    /// Those that no instruction leaves to the guest as it had them which enters user mode.
    pub unresumed: Vec<String>,
    /// Those of which this is not settled.
    pub resuming_undecided: Vec<String>,
    /// Conflicts of the search, which are among those of the summary.
    pub conflicts: u64,
    /// Questions of the search that stay open, which are among the undecided of the summary.
    pub open: u64,
}

/// A register, and an instruction that saves it.
#[derive(Debug, Serialize)]
pub struct SavedReport {
    /// The register.
    pub register: String,
    /// The class of the instruction; nothing where the trap sequences do it.
    pub by: Option<String>,
}

/// One decode class.
#[derive(Debug, Serialize)]
pub struct InstructionReport {
    /// The class.
    pub name: String,
    /// Where it stands; an overlay's patch moves it to the overlay.
    pub at: Place,
    /// Where its semantics are written, in the order in which they run; all cases of an instruction share them.
    pub semantics: Vec<Place>,
    /// The answers, each under its own key; what the profile does not ask has none.
    #[serde(flatten, serialize_with = "answers")]
    pub properties: BTreeMap<Property, Answer>,
    /// Conditions on the monitor's own bits, each of which makes it safe to run directly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safe_if: Vec<String>,
    /// The modes in which a property was shown.
    pub modes: BTreeMap<&'static str, Vec<String>>,
    /// The answers to a property that is asked for each mode.
    pub by_mode: BTreeMap<&'static str, BTreeMap<String, Answer>>,
    /// What stands behind each answer, by key.
    pub evidence: BTreeMap<&'static str, Evidence>,
    /// By property, the components of M and R that make it so, as replayed states show it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<&'static str, Vec<String>>,
    /// The specification's notes.
    pub notes: Vec<String>,
}

/// Every property has its key. What the profile does not ask has no answer, and none is made up.
fn answers<S: Serializer>(it: &BTreeMap<Property, Answer>, s: S) -> Result<S::Ok, S::Error> {
    let word = |property| it.get(&property).map_or("not-asked", |answer| answer.word());
    s.collect_map(Property::ALL.map(|property| (property.key(), word(property))))
}

impl InstructionReport {
    /// Whether it may be sensitive and not privileged, and this is not settled.
    pub(crate) fn may_offend(&self) -> bool {
        self.may_break(Property::Sensitive)
    }

    /// Whether it may be user sensitive and not privileged, and this is not settled.
    pub(crate) fn may_offend_in_user_mode(&self) -> bool {
        self.may_break(Property::UserSensitive)
    }

    fn may_break(&self, sensitive: Property) -> bool {
        use Answer::{No, Undecided, Vacuous, Yes};
        match (self.is(sensitive), self.is(Property::Privileged)) {
            (No | Vacuous, _) | (_, Yes | Vacuous) | (Yes, No) => false,
            (Undecided, _) | (_, Undecided) => true,
        }
    }

    /// The answer to a property that every profile asks; no where it does not.
    pub(crate) fn is(&self, property: Property) -> Answer {
        self.property(property).unwrap_or(Answer::No)
    }

    /// The answer to a property, in one mode if one is named; none if that is not asked.
    pub fn property_in(&self, property: Property, mode: Option<&str>) -> Option<Answer> {
        match mode {
            None => self.property(property),
            Some(mode) => self.by_mode.get(property.key())?.get(mode).copied(),
        }
    }

    /// The answer to a property, if the profile asks.
    pub fn property(&self, property: Property) -> Option<Answer> {
        self.properties.get(&property).copied()
    }
}

/// What stands behind an answer.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Evidence {
    /// A proof by dependency or rewriting.
    Structural {
        /// `dependency` or `rewriting`.
        by: String,
    },
    /// A proof by the SAT solver.
    Solver {
        /// Conflicts it took.
        conflicts: u64,
    },
    /// States that show it, replayed in the interpreter.
    Witness(WitnessReport),
    /// Not settled.
    Open {
        /// Why.
        reason: String,
    },
}

/// A witness, with its states as tables.
#[derive(Debug, Serialize)]
pub struct WitnessReport {
    /// The instruction with its operands.
    pub instruction: String,
    /// What happens to each state.
    pub outcomes: Vec<String>,
    /// Captions of the columns.
    pub columns: Vec<String>,
    /// Components and cells that are not zero or differ.
    pub rows: Vec<WitnessRow>,
    /// Where the states are those of a square that does not commute, the rows that matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub square: Vec<LessonRow>,
    /// What `refvmm eval` is to be asked to repeat each step, a JSON object each.
    #[serde(skip)]
    pub requests: Vec<String>,
}

/// One component in every state of a witness.
#[derive(Debug, Serialize)]
pub struct WitnessRow {
    /// The component or cell.
    pub name: String,
    /// E, M, P or R.
    pub role: String,
    /// Its value in each column.
    pub values: Vec<String>,
    /// The columns differ here between the states, before or after.
    pub differs: bool,
}

impl Evidence {
    /// Evidence as data.
    pub(crate) fn of(isa: &Isa, class: usize, verdict: &Existence) -> Self {
        match verdict {
            Existence::Absent(proof) => match proof.by() {
                By::Dependency => Self::Structural { by: "dependency".into() },
                By::Rewriting | By::Evaluation => Self::Structural { by: "rewriting".into() },
                By::Sat(conflicts) => Self::Solver { conflicts },
            },
            Existence::Witnessed(witness) => Self::Witness(WitnessReport::of(isa, class, witness)),
            Existence::Unknown(reason) => Self::Open { reason: reason.clone() },
        }
    }
}

impl WitnessReport {
    pub(crate) fn of(isa: &Isa, class: usize, witness: &Witness) -> Self {
        use model::interp::Outcome;
        let names: &[&str] = match (witness.before.len(), witness.first) {
            (1, _) => &["S"],
            (_, Some(_)) => &["S", "f(S)"],
            _ => &["S1", "S2"],
        };
        let mut columns = Vec::new();
        let mut states: Vec<&State> = Vec::new();
        for (name, state) in names.iter().zip(&witness.before) {
            columns.push((*name).to_owned());
            states.push(state);
        }
        for (name, outcome) in names.iter().zip(&witness.after) {
            if let Outcome::Step(state) | Outcome::Trap(_, state) = outcome {
                columns.push(format!("i({name})"));
                states.push(state);
            }
        }
        let outcomes = names.iter().zip(&witness.after);
        Self {
            instruction: crate::prove::witness::instance(&isa.classes[class], &witness.operands),
            outcomes: outcomes.map(|(n, o)| format!("i({n}) {}", outcome_word(isa, o))).collect(),
            columns,
            rows: rows(isa, &states, witness.before.len()),
            square: Vec::new(),
            requests: witness.requests(isa, &isa.classes[class]),
        }
    }
}

impl WitnessReport {
    /// Two states, and the same behind the sequence of a trap.
    pub(crate) fn of_trap(isa: &Isa, trap: TrapId, witness: &Witness) -> Self {
        use model::interp::{Outcome, take_trap};
        let behind = |argument: u128| {
            let states = witness.before.iter().map(|before| {
                match take_trap(isa, trap, Some(argument), before.clone()) {
                    Outcome::Trap(_, after) => Some(after),
                    Outcome::Step(_) | Outcome::Unpredictable | Outcome::Unknown => None,
                }
            });
            states.collect::<Vec<_>>()
        };
        let mask = model::bits::mask(isa.trap_argument.min(16));
        let all = |after: &Vec<Option<State>>| after.iter().all(Option::is_some);
        let after = (0..=mask).map(behind).find(all).unwrap_or_else(|| behind(0));
        let mut columns = vec!["S1".to_owned(), "S2".to_owned()];
        let mut states: Vec<&State> = witness.before.iter().collect();
        for (name, state) in ["behind S1", "behind S2"].iter().zip(&after) {
            if let Some(state) = state {
                columns.push((*name).to_owned());
                states.push(state);
            }
        }
        Self {
            instruction: format!("trap {}", isa.trap(trap).name),
            outcomes: Vec::new(),
            columns,
            rows: rows(isa, &states, witness.before.len()),
            square: Vec::new(),
            requests: Vec::new(),
        }
    }
}

/// Components and cells of states, the first `sides` of which are before the step.
fn rows(isa: &Isa, states: &[&State], sides: usize) -> Vec<WitnessRow> {
    let mut rows: Vec<WitnessRow> = State::table(isa, states)
        .into_iter()
        .map(|row| WitnessRow {
            differs: row.differs(),
            values: (0..states.len()).map(|i| row.text(i)).collect(),
            role: row.letter.to_string(),
            name: row.name,
        })
        .collect();
    let cells = states.iter().map(|s| model::state::number(s.cells)).collect();
    let differs = sides == 2 && states[0].cells != states[1].cells;
    rows.push(WitnessRow { name: "cells".into(), role: "E".into(), values: cells, differs });
    rows
}

impl CollisionReport {
    /// A collision as data.
    pub(crate) fn of(isa: &Isa, pair: &Pair, it: &Collision) -> Self {
        let name = |i: &Instance| isa.classes[i.class].name.clone();
        let text = |i: &Instance| {
            let class = &isa.classes[i.class];
            let named = class.operands.iter().map(|o| o.name.clone());
            crate::prove::witness::instance(
                class,
                &named.zip(i.operands.clone()).collect::<Vec<_>>(),
            )
        };
        let [i1, i2] = &it.instances;
        let columns = ["S", "f(S)", "i1(S)", "i2(S)", "i1(f(S))", "i2(f(S))"];
        Self {
            instructions: vec![name(i1), name(i2)],
            mode: it.side.of_state(isa, pair, &it.states[0]),
            maps: format!(
                "every k and q ≥ k + w, whatever the monitor's storage and resources hold{}",
                if isa.assumptions.is_empty() { "" } else { " within the assumptions" }
            ),
            witness: WitnessReport {
                instruction: format!("{} | {}", text(i1), text(i2)),
                outcomes: vec!["i1(S) ≠ i2(S)".into(), "i1(f(S)) = i2(f(S))".into()],
                columns: columns.map(str::to_owned).into(),
                rows: rows(isa, &it.states.each_ref(), 2),
                square: Vec::new(),
                requests: Vec::new(),
            },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn word_of_profile<S: Serializer>(it: &Profile, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(it.word())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn word_of_premise<S: Serializer>(it: &Premise, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(it.word())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn word_of_verdict<S: Serializer>(it: &Verdict, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(it.word())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn word_of_rule<S: Serializer>(it: &Rule, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(it.code())
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn word_of_place<S: Serializer>(at: &Option<Place>, s: S) -> Result<S::Ok, S::Error> {
    at.as_ref().map(ToString::to_string).serialize(s)
}
