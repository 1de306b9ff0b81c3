//! Baselines: the findings that are known, by machine, rule, pair and subject. Lines may move.

use std::collections::BTreeSet;

use model::isa::Verdict;
use model::rule::Rule;
use model::theorem::Theorem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::findings::{Baseline as State, Finding, Place};
use super::text::on_condition;
use super::{PairReport, Report, TheoremReport, Theorems};
use crate::prove::answer::Answer;
use crate::theorems::theorem::brief;

/// Version of the format.
const SCHEMA: u32 = 1;

/// Known findings: `isa/V001/supervisor:user/subject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    schema: u32,
    findings: BTreeSet<String>,
}

fn key(report: &Report, finding: &Finding) -> String {
    format!("{}/{}", report.isa, finding.key())
}

/// What a baseline may know: what fails in any case is not among it.
fn may_be_known(finding: &Finding) -> bool {
    finding.allowed.is_none() && !finding.is_error()
}

impl Baseline {
    /// The findings of reports.
    pub fn of(reports: &[Report]) -> Self {
        let of_one = |report: &'_ Report| {
            let known = report.findings.iter().filter(|it| may_be_known(it));
            known.map(|finding| key(report, finding)).collect::<Vec<_>>()
        };
        Self { schema: SCHEMA, findings: reports.iter().flat_map(of_one).collect() }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// If the text is no baseline, or one of another version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("it is no baseline: line {line}, column {column} is not JSON")
        })?;
        let schema = json.get("schema").and_then(Value::as_u64);
        if let Some(schema) = schema.filter(|it| *it != u64::from(SCHEMA)) {
            return Err(format!("its version is {schema}, and {SCHEMA} is expected"));
        }
        serde_json::from_value(json).map_err(|_| {
            "it is no baseline, which has the form {\"schema\": 1, \"findings\": [\"MACHINE/CODE/PAIR/NAME\"]}".into()
        })
    }

    /// The baseline as a file, the same for the same findings.
    pub fn text(&self) -> String {
        format!("{:#}\n", serde_json::json!({"schema": self.schema, "findings": self.findings}))
    }

    /// What it knows of these machines and is found no longer.
    pub fn gone(&self, reports: &[Report]) -> Vec<&str> {
        let found = Self::of(reports).findings;
        let machine =
            |key: &&String| reports.iter().any(|it| key.split('/').next() == Some(it.isa.as_str()));
        let gone = self.findings.iter().filter(machine).filter(|key| !found.contains(*key));
        gone.map(String::as_str).collect()
    }

    /// Marks each finding of a report as known or new.
    pub fn mark(&self, report: &mut Report) {
        let states: Vec<State> = report
            .findings
            .iter()
            .map(|it| {
                let known = may_be_known(it) && self.findings.contains(&key(report, it));
                if known { State::Known } else { State::New }
            })
            .collect();
        for (finding, state) in report.findings.iter_mut().zip(states) {
            finding.baseline = Some(state);
        }
    }
}

/// A theorem that has to hold for every pair of modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    /// The theorem.
    pub theorem: Theorem,
    /// *Holds if the monitor keeps …* and *holds while …* are not enough.
    pub unconditional: bool,
}

impl Requirement {
    /// Whether a pair meets it; undecided where that is not settled.
    pub fn met(self, theorems: &Theorems) -> Answer {
        match theorems.verdict(self.theorem) {
            Verdict::Holds if self.unconditional && !self.conditions(theorems).is_empty() => {
                Answer::No
            }
            Verdict::Holds => Answer::Yes,
            Verdict::Undecided => Answer::Undecided,
            Verdict::Refuted | Verdict::Vacuous | Verdict::NotApplicable => Answer::No,
        }
    }

    /// The conditions of the verdict; Theorem 2 has those of Theorem 1.
    fn conditions(self, theorems: &Theorems) -> &[String] {
        &theorems.monitor(self.theorem).unwrap_or(&theorems.vmm).conditions
    }
}

/// The instructions that refute a theorem whatever the monitor keeps; all that refute it where each is safe under some
/// choice of its bits.
fn refuting<'p>(pair: &'p PairReport, monitor: &'p TheoremReport) -> Vec<&'p str> {
    let safe =
        |name: &str| pair.instructions.iter().any(|it| it.name == name && !it.safe_if.is_empty());
    let all = || monitor.refuting.iter().map(String::as_str);
    let hard: Vec<&str> = all().filter(|name| !safe(name)).collect();
    if hard.is_empty() { all().collect() } else { hard }
}

/// Adds a finding for each pair of a report that does not meet a requirement, and marks those that stand in its way.
pub fn require(report: &mut Report, requirement: Requirement) {
    let theorem = requirement.theorem;
    let missing = |pair: Option<&PairReport>, message: String| {
        let finding = Finding::new(Rule::Required, pair, theorem.key(), message);
        finding.at(Some(Place::start(&report.file)))
    };
    let mut found = Vec::new();
    for pair in report.pairs.iter().filter(|it| requirement.met(&it.theorems) != Answer::Yes) {
        let verdict = pair.theorems.verdict(theorem);
        let (name, word) = (theorem.name(), verdict.word());
        if verdict == Verdict::Holds {
            let conditions = on_condition(requirement.conditions(&pair.theorems));
            let message = format!("{name} is required without conditions, and holds{conditions}");
            found.push(missing(Some(pair), message));
            continue;
        }
        let mut message = format!("{name} is required and is {word}");
        let monitor = pair.theorems.monitor(theorem).unwrap_or(&pair.theorems.vmm);
        let refuting = refuting(pair, monitor);
        if !refuting.is_empty() {
            message = format!("{message}: {}", brief(&refuting));
        }
        let stands_in_the_way = |it: &&mut Finding| {
            let names = monitor.offending.iter().chain(&monitor.refuting);
            it.pair.as_deref() == Some(&pair.name())
                && names.clone().any(|name| *name == it.subject)
        };
        report.findings.iter_mut().filter(stands_in_the_way).for_each(|it| it.required = true);
        let mut missing = missing(Some(pair), message);
        let first = |it: &&Finding| refuting.first().is_some_and(|name| *name == it.subject);
        if let Some(offender) = report.findings.iter().find(first) {
            missing.at.clone_from(&offender.at);
        }
        found.push(missing);
    }
    if report.pairs.is_empty() {
        let message = format!("{} is required and not applicable", theorem.name());
        found.push(missing(None, message));
    }
    report.findings.extend(found);
}
