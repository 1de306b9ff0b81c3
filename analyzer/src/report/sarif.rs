//! Findings as SARIF 2.1.0 (OASIS standard of 27 March 2020), for code scanning services.
//!
//! Rules have stable ids, and results a fingerprint of rule, pair and subject, which stays when lines move.
//! What the specification allows is suppressed with its reason. A witness is a code flow: the state before the
//! instruction, and each outcome.

use std::fmt::Write as _;

use model::rule::Rule;
use serde_json::{Value, json};

use super::findings::{Baseline, Finding};
use super::{Evidence, PairReport, Report};

/// One log with one run for all reports.
pub fn render(reports: &[Report]) -> Value {
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|report| report.findings.iter().map(move |finding| result(report, finding)))
        .collect();
    let broken = reports.iter().any(Report::is_unreadable);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "analyze",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": !broken}],
            "results": results,
        }],
    })
}

fn rule(rule: Rule) -> Value {
    json!({
        "id": rule.code(),
        "name": rule.word(),
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.explanation()},
    })
}

fn result(report: &Report, finding: &Finding) -> Value {
    let index = Rule::ALL.iter().position(|rule| *rule == finding.rule);
    let mut result = json!({
        "ruleId": finding.rule.code(),
        "ruleIndex": index,
        "level": if finding.fails() { "error" } else { "warning" },
        "message": {"text": finding.message},
        "partialFingerprints": {"finding/v1": format!("{}/{}", report.isa, finding.key())},
    });
    let place = finding.at.as_ref().map(|at| {
        json!({
            "artifactLocation": {"uri": uri(&at.file)},
            "region": {
                "startLine": at.line,
                "startColumn": at.column,
                "endLine": at.end_line,
                "endColumn": at.end_column,
            },
        })
    });
    if let Some(place) = &place {
        result["locations"] = json!([{"physicalLocation": place}]);
    }
    if let Some(reason) = &finding.allowed {
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
    }
    if let Some(baseline) = finding.baseline {
        let known = baseline == Baseline::Known;
        result["baselineState"] = json!(if known { "unchanged" } else { "new" });
    }
    let steps = flow(report, finding);
    if let (Some(place), false) = (place, steps.is_empty()) {
        let location = |text: &String| {
            let message = json!({"text": text});
            json!({"location": {"physicalLocation": place.clone(), "message": message}})
        };
        let locations: Vec<Value> = steps.iter().map(location).collect();
        result["codeFlows"] = json!([{"threadFlows": [{"locations": locations}]}]);
    }
    result
}

/// The instruction with the components that are not zero before it, then what happens.
fn flow(report: &Report, finding: &Finding) -> Vec<String> {
    let is_pair = |pair: &&PairReport| finding.pair.as_deref() == Some(&pair.name());
    let pair = report.pairs.iter().find(is_pair);
    let it = pair.and_then(|pair| pair.instructions.iter().find(|it| it.name == finding.subject));
    let witness = it.and_then(|it| {
        let mut all = it.evidence.values();
        all.find_map(|evidence| match evidence {
            Evidence::Witness(witness) => Some(witness),
            _ => None,
        })
    });
    let Some(witness) = witness else { return Vec::new() };
    let sides = witness.outcomes.len();
    let mut steps = Vec::new();
    for (i, column) in witness.columns.iter().take(sides).enumerate() {
        let set = witness.rows.iter().filter(|row| row.values.get(i).is_some_and(|v| v != "0"));
        let values: Vec<String> =
            set.map(|row| format!("{} = {}", row.name, row.values[i])).collect();
        steps.push(format!("{column}: {}", values.join(", ")));
    }
    steps.extend(witness.outcomes.iter().map(|it| format!("{}: {it}", witness.instruction)));
    steps
}

/// A relative reference: what a URI reserves is percent-encoded (RFC 3986, section 2).
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
