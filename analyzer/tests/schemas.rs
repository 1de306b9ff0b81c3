//! What programs read: JSON by the schema that is shipped, and SARIF by the parts of its standard that are used.

mod common;

use std::process::{Command, Output};

use common::violations;
use serde_json::{Value, json};

fn analyze(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    command.args(arguments).output().expect("the program starts")
}

fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_slice(&analyze(arguments).stdout).expect("it is JSON")
}

fn schema() -> Value {
    json_of(&["schema", "--report"])
}

const G3: &str = "../isa-specs/g3.yaml";
const POPF: &str = "../isa-specs/g3-popf.yaml";

/// That each bundled machine's report is by the schema is tested in `verdicts`.
#[test]
fn every_shape_is_by_the_schema() {
    let schema = schema();
    let broken = format!("{}/schemas-broken.yaml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&broken, "pgisa: 1\nisa: [").expect("the folder is writable");
    for arguments in [
        &["check", POPF, "--format", "json"][..],
        &["check", POPF, G3, "--format", "json"],
        &["check", POPF, "--format", "json", "--profile", "all"],
        &["check", POPF, "--format", "reports", "--require", "vmm"],
        &["check", POPF, G3, &broken, "--format", "reports"],
        &["check", &broken, "--format", "reports"],
        &["check", G3, "--format", "reports", "--profile", "extended"],
    ] {
        let found = violations(&schema, &json_of(arguments), true);
        assert_eq!(found, Vec::<String>::new(), "{arguments:?}");
    }
    // One shape, whatever is asked for.
    for (specs, count) in [(&[G3][..], 1), (&[G3, POPF], 2), (&[&broken], 1)] {
        let json = json_of(&[&["check", "--format", "reports"], specs].concat());
        assert_eq!(json["reports"].as_array().map(Vec::len), Some(count));
        assert_eq!(json["schema"], 1);
    }
    let json = json_of(&["check", &broken, "--format", "reports"]);
    assert_eq!(json["reports"][0]["findings"][0]["code"], "V010");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = schema();
    let good = json_of(&["check", POPF, "--format", "json"]);
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut json = good.clone();
        change(&mut json);
        !violations(&schema, &json, true).is_empty()
    };
    assert!(!wrong(&|_| {}));
    assert!(wrong(&|json| json["schema"] = json!(2)));
    assert!(wrong(&|json| json["pairs"][0]["theorems"]["vmm"]["verdict"] = json!("yes")));
    assert!(wrong(&|json| json["pairs"][0]["instructions"][0]["evidence"]["privileged"] =
        json!({"kind": "hearsay"})));
    assert!(wrong(&|json| json["findings"][0]["at"]["line"] = json!("1")));
    assert!(wrong(&|json| json["new"] = json!(1)));
    assert!(wrong(&|json| drop(json.as_object_mut().map(|json| json.remove("summary")))));
    assert!(wrong(&|json| *json = json!([json.clone()])));
    // The format may grow.
    let mut grown = good.clone();
    grown["new"] = json!(1);
    assert_eq!(violations(&schema, &grown, false), Vec::<String>::new());
}

/// SARIF 2.1.0, the properties that the standard demands of what is written here, by section.
#[test]
fn sarif_is_as_the_standard_says() {
    let integer = json!({"type": "integer", "minimum": 1});
    let text = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false});
    let region = json!({
        "type": "object",
        "properties": {"startLine": integer, "startColumn": integer, "endLine": integer, "endColumn": integer},
        "required": ["startLine"],
        "additionalProperties": false,
    });
    // 3.29: a physical location; 3.4.3: `uri` is a URI reference.
    let physical = json!({
        "type": "object",
        "properties": {
            "artifactLocation": {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"], "additionalProperties": false},
            "region": region,
            "message": text,
        },
        "required": ["artifactLocation"],
    });
    let location = json!({
        "type": "object",
        "properties": {"physicalLocation": physical, "message": text},
        "additionalProperties": false,
    });
    // 3.36 to 3.38: a code flow has thread flows, which have locations; none of them empty.
    let flow = json!({
        "type": "object",
        "properties": {"threadFlows": {"type": "array", "minItems": 1, "items": {
            "type": "object",
            "properties": {"locations": {"type": "array", "minItems": 1, "items": {
                "type": "object", "properties": {"location": location}, "additionalProperties": false,
            }}},
            "required": ["locations"],
            "additionalProperties": false,
        }}},
        "required": ["threadFlows"],
        "additionalProperties": false,
    });
    // 3.27: a result; 3.27.11 message, 3.27.10 level, 3.27.17 partial fingerprints, 3.27.23 suppressions, 3.27.24 baseline.
    let result = json!({
        "type": "object",
        "properties": {
            "ruleId": {"type": "string", "pattern": "^V[0-9]{3}$"},
            "ruleIndex": {"type": "integer", "minimum": 0},
            "level": {"enum": ["none", "note", "warning", "error"]},
            "message": text,
            "locations": {"type": "array", "items": location},
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "codeFlows": {"type": "array", "minItems": 1, "items": flow},
            "suppressions": {"type": "array", "items": {
                "type": "object",
                "properties": {"kind": {"enum": ["inSource", "external"]}, "justification": {"type": "string"}},
                "required": ["kind"],
                "additionalProperties": false,
            }},
            "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
        },
        "required": ["message", "ruleId", "level", "locations", "partialFingerprints"],
        "additionalProperties": false,
    });
    // 3.49: a reporting descriptor has a stable `id` (3.49.3) and a readable `name` (3.49.7).
    let rule = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^V[0-9]{3}$"},
            "name": {"type": "string"},
            "shortDescription": text,
            "fullDescription": text,
        },
        "required": ["id"],
        "additionalProperties": false,
    });
    // 3.13: a log has `version` and `runs`; 3.14: a run has a `tool`; 3.18: that has a `driver` with a `name`.
    let log = json!({
        "type": "object",
        "properties": {
            "$schema": {"type": "string"},
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "tool": {"type": "object", "properties": {"driver": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "version": {"type": "string"},
                            "rules": {"type": "array", "items": rule},
                        },
                        "required": ["name"],
                        "additionalProperties": false,
                    }}, "required": ["driver"], "additionalProperties": false},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {"type": "array", "items": {
                        "type": "object",
                        "properties": {"executionSuccessful": {"type": "boolean"}},
                        "required": ["executionSuccessful"],
                        "additionalProperties": false,
                    }},
                    "results": {"type": "array", "items": result},
                },
                "required": ["tool"],
                "additionalProperties": false,
            }},
        },
        "required": ["version", "runs"],
        "additionalProperties": false,
    });
    let written = json_of(&[
        "check",
        POPF,
        G3,
        "../isa-specs/x86-legacy.yaml",
        "--format",
        "sarif",
        "--require",
        "vmm",
    ]);
    assert_eq!(violations(&log, &written, true), Vec::<String>::new());
    let run = &written["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("a list");
    let results = run["results"].as_array().expect("a list");
    assert!(results.len() > 40 && results.iter().any(|it| it["codeFlows"].is_array()));
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        // 3.27.6: `ruleIndex` leads to the rule of `ruleId`.
        let index = result["ruleIndex"].as_u64().expect("a number") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(fingerprints.insert(result["partialFingerprints"].to_string()), "{result}");
        // 3.30: a region does not end before it begins.
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let at = |line: &str, column: &str| (region[line].as_u64(), region[column].as_u64());
        assert!(at("startLine", "startColumn") <= at("endLine", "endColumn"), "{region}");
    }
    // A witness is a code flow: its first locations are states, its last what happens.
    let popf = results
        .iter()
        .find(|it| it["message"]["text"].as_str().is_some_and(|it| it.starts_with("popf ")));
    let flow = &popf.expect("popf offends")["codeFlows"][0]["threadFlows"][0]["locations"];
    let texts = flow
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["location"]["message"]["text"].as_str());
    let texts: Vec<&str> = texts.flatten().collect();
    assert!(
        texts[0].starts_with('S') && texts.last().is_some_and(|it| it.contains("i(S")),
        "{texts:?}"
    );
}
