//! Baselines: the findings that are known, by machine, rule, pair and subject. Lines may move.

use std::collections::BTreeSet;

use model::isa::Verdict;
use model::rule::Rule;
use model::theorem::Theorem;
use serde::{Deserialize, Serialize};

use super::Report;
use super::findings::{Baseline as State, Finding, Place};
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
        let it: Self = serde_json::from_str(text).map_err(|e| format!("it is no baseline: {e}"))?;
        if it.schema == SCHEMA {
            Ok(it)
        } else {
            Err(format!("its version is {}, and {SCHEMA} is expected", it.schema))
        }
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

/// Adds a finding for each pair of a report for which a required theorem does not hold.
pub fn require(report: &mut Report, theorem: Theorem) {
    let mut missing = Vec::new();
    for pair in &report.pairs {
        let verdict = pair.theorems.verdict(theorem);
        if verdict != Verdict::Holds {
            let mut message = format!("{} is required and is {}", theorem.name(), verdict.word());
            let refuting = pair.theorems.monitor(theorem).map_or(&[][..], |it| &it.refuting);
            if !refuting.is_empty() {
                message = format!("{message}: {}", brief(refuting));
            }
            let finding = Finding::new(Rule::Required, Some(pair), theorem.key(), message);
            missing.push(finding.at(Some(Place::start(&report.file))));
        }
    }
    if report.pairs.is_empty() {
        let message = format!("{} is required and not applicable", theorem.name());
        let finding = Finding::new(Rule::Required, None, theorem.key(), message);
        missing.push(finding.at(Some(Place::start(&report.file))));
    }
    report.findings.extend(missing);
}
