//! What a project copies into its continuous integration, run without the service: the scripts of the workflow
//! example, of the composite action and of the hook, on an overlay that adds an unprivileged sensitive instruction.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// An overlay of g3; the instruction stands in line 5.
const EXTENSION: &str = "\
pgisa: 1
isa: my-extension
extends: base.yaml
instructions:
  rdmode:
    operands: {d: 3}
    semantics: \"r[d] = zext(mode, 32);\"
    expect: []
expect: {}
";

/// A folder with the overlay and its base.
fn project(name: &str, extension: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ci-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    std::fs::copy("../isa-specs/g3.yaml", folder.join("base.yaml")).expect("g3 is bundled");
    std::fs::write(folder.join("my-extension.yaml"), extension).expect("the folder is writable");
    folder
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(path).expect("it is there");
    serde_yaml::from_str(&text).expect("it is YAML")
}

/// Runs a script as a step does: `bash -eo pipefail`, with the analyzer on the path.
fn bash(folder: &Path, script: &str, environment: &BTreeMap<String, String>) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_analyze")).parent().expect("it is in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .envs(environment)
        .output()
        .expect("bash starts")
}

fn strings(of: &Value) -> BTreeMap<String, String> {
    let map = of.as_object().into_iter().flatten();
    map.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// The steps with a script, by name: the exit code and what was printed.
fn steps(
    folder: &Path,
    steps: &Value,
    environment: &BTreeMap<String, String>,
    inputs: &BTreeMap<String, String>,
) -> BTreeMap<String, (Option<i32>, String)> {
    let mut all = BTreeMap::new();
    for step in steps.as_array().expect("a list of steps") {
        let Some(script) = step["run"].as_str() else { continue };
        let mut environment = environment.clone();
        for (key, value) in strings(&step["env"]) {
            // An expression of the service: an input, or what is not known here.
            let known = inputs.iter().find(|(name, _)| value.contains(&format!("inputs.{name} ")));
            let value = known.map_or_else(|| value.clone(), |(_, input)| input.clone());
            assert!(!script.contains("${{"), "expressions belong into `env`: {script}");
            environment.insert(key, value);
        }
        let output = bash(folder, script, &environment);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = step["name"].as_str().expect("a name").to_owned();
        all.insert(name, (output.status.code(), text));
    }
    all
}

/// The error at the line of the overlay's instruction.
fn annotated(text: &str) -> bool {
    let is = |line: &str| line.starts_with("::error file=my-extension.yaml,line=5,");
    text.lines().any(|line| is(line) && line.contains("rdmode"))
}

#[test]
fn the_workflow_fails_at_the_line_of_the_overlay() {
    let workflow = yaml("ci/workflow.yml");
    let gate = &workflow["jobs"]["gate"];
    let folder = project("workflow", EXTENSION);
    let mut environment = strings(&gate["env"]);
    let summary = folder.join("summary.md");
    environment.insert("GITHUB_STEP_SUMMARY".into(), summary.display().to_string());
    let found = steps(&folder, &gate["steps"], &environment, &BTreeMap::new());
    assert_eq!(found["Install the analyzer"].0, Some(0));
    for step in ["What the extension makes worse", "A monitor can still be built"] {
        let (code, text) = &found[step];
        assert_eq!(*code, Some(1), "{step}: {text}");
        assert!(annotated(text), "{step}: {text}");
    }
    assert_eq!(found["Summary"].0, Some(0));
    let summary = std::fs::read_to_string(summary).expect("the step writes it");
    assert!(summary.contains("| a virtual machine monitor can be built | refuted |"), "{summary}");
}

/// The gate is open for an extension that adds nothing sensitive.
#[test]
fn the_workflow_lets_an_innocuous_instruction_pass() {
    let gate = &yaml("ci/workflow.yml")["jobs"]["gate"];
    let folder = project("innocuous", &EXTENSION.replace("zext(mode, 32)", "r[d] + 1"));
    let mut environment = strings(&gate["env"]);
    environment.insert("GITHUB_STEP_SUMMARY".into(), "summary.md".into());
    let found = steps(&folder, &gate["steps"], &environment, &BTreeMap::new());
    assert!(found.values().all(|(code, _)| *code == Some(0)), "{found:?}");
}

#[test]
fn the_action_fails_at_the_line_of_the_overlay() {
    let action = yaml("ci/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    let defaults = action["inputs"].as_object().expect("it has inputs");
    let mut inputs: BTreeMap<String, String> = defaults
        .iter()
        .map(|(name, it)| (name.clone(), it["default"].as_str().unwrap_or_default().to_owned()))
        .collect();
    inputs.insert("specifications".into(), "my-extension.yaml".into());
    let folder = project("action", EXTENSION);
    let run = |inputs: &BTreeMap<String, String>| {
        let found = steps(&folder, &action["runs"]["steps"], &BTreeMap::new(), inputs);
        assert_eq!(found["Build the analyzer"].0, Some(0));
        found["Analyze"].clone()
    };
    let (code, text) = run(&inputs);
    assert_eq!(code, Some(1), "{text}");
    assert!(annotated(&text), "{text}");
    // What is required and known stays an error; without a requirement the baseline decides.
    inputs.insert("require".into(), String::new());
    inputs.insert("baseline".into(), "known.json".into());
    let empty = "{\"schema\": 1, \"findings\": []}";
    std::fs::write(folder.join("known.json"), empty).expect("the folder is writable");
    let (code, text) = run(&inputs);
    assert_eq!(code, Some(1), "{text}");
    inputs.insert("arguments".into(), "--write-baseline known.json".into());
    run(&inputs);
    let (code, text) = run(&inputs);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn the_hook_fails_on_an_expectation() {
    let hooks = yaml("../.pre-commit-hooks.yaml");
    let hook = &hooks[0];
    assert_eq!(hook["language"], "system");
    let entry = hook["entry"].as_str().expect("a command");
    let wrong = EXTENSION.replace("expect: {}", "expect: {vmm: holds}");
    for (text, code) in [(EXTENSION, 0), (&wrong, 1)] {
        let folder = project("hook", text);
        // The hook gets the files that changed, wherever they are; what is no specification is left alone.
        std::fs::create_dir(folder.join("machines")).expect("the folder is writable");
        for name in ["my-extension.yaml", "base.yaml"] {
            std::fs::rename(folder.join(name), folder.join("machines").join(name))
                .expect("it is there");
        }
        std::fs::write(folder.join("other.yml"), "on: [push]\n").expect("the folder is writable");
        let run = |files: &str| bash(&folder, &format!("{entry} {files}"), &BTreeMap::new());
        let output = run("other.yml machines/my-extension.yaml");
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(run("other.yml").status.code(), Some(0));
        let required = run("--require vmm machines/my-extension.yaml");
        assert_eq!(required.status.code(), Some(1), "options go on: {required:?}");
    }
    assert_eq!((&hook["files"], &hook["types"]), (&Value::Null, &serde_json::json!(["yaml"])));
}
