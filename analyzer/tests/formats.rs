//! The formats of `analyze check` beside text: what they say, and that nothing in a specification breaks them.

use std::process::{Command, Output};

use analyzer::report::baseline::Baseline;
use analyzer::report::{Report, github, junit, latex, markdown, sarif};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;
use model::rule::Rule;

fn bundled(name: &str) -> String {
    std::fs::read_to_string(format!("../isa-specs/{name}.yaml")).expect("it is bundled")
}

/// The report on a specification of the bundled folder, given by its text.
fn report(text: &str) -> Report {
    let path = "../isa-specs/this.yaml";
    let open = |p: &str| {
        let file = || std::fs::read_to_string(p).map_err(|e| e.to_string());
        if p == path { Ok(text.to_owned()) } else { file() }
    };
    let mut sources = Sources::default();
    let loaded = model::load(path, &open, &mut sources);
    let isa = loaded.unwrap_or_else(|e| panic!("it does not load: {e:?}")).isa;
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    analyze(&isa, &sources, options, &|_, _| {})
}

#[test]
fn each_format_of_a_refuted_machine() {
    let reports = [report(&bundled("g3-popf"))];
    insta::assert_snapshot!("formats-github", github::render(&reports[0]));
    insta::assert_snapshot!("formats-sarif", format!("{:#}", sarif::render(&reports)));
    insta::assert_snapshot!("formats-junit", junit::render(&reports));
    insta::assert_snapshot!("formats-markdown", markdown::render(&reports[0]));
    insta::assert_snapshot!("formats-latex", latex::render(&reports));
}

/// A finding stands where the file that wrote the instruction has it: `popf` in the overlay, `lpsw` in its base.
#[test]
fn findings_stand_in_the_file_that_wrote_them() {
    let popf = bundled("g3-popf");
    let unchecked =
        bundled("g3").replacen("require mode == supervisor else", "require true else", 1);
    let of = |report: &Report, subject: &str| {
        let finding = report.findings.iter().find(|it| it.subject == subject);
        let at = finding.and_then(|it| it.at.clone()).expect("it is found, at a place");
        (at.file, at.line)
    };
    let (file, line) = of(&report(&popf), "popf");
    assert_eq!(file, "../isa-specs/this.yaml");
    assert!(popf.lines().nth(line - 1).expect("a line").contains("popf:"));
    let (file, line) = of(&report(&unchecked), "lpsw");
    assert_eq!(file, "../isa-specs/this.yaml");
    assert!(unchecked.lines().nth(line - 1).expect("a line").contains("lpsw:"));
    let overlay = "pgisa: 1\nisa: over\ntitle: Over\nextends: g3-popf.yaml\n";
    assert_eq!(of(&report(overlay), "popf").0, "../isa-specs/g3-popf.yaml");
}

/// Nothing of a specification is markup, a command or a second line.
#[test]
fn hostile_text_stays_text() {
    let title = r#""<script>|a|b\n::error::100% $x_1 & \\end{tabular}""#;
    let text = bundled("g3-popf").replacen("title: ", &format!("title: {title} # "), 1);
    let reports = [report(&text)];
    let xml = junit::render(&reports);
    assert!(!xml.contains("<script"));
    let page = markdown::render(&reports[0]);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;\\|a\\|b"), "{page}");
    assert!(!github::render(&reports[0]).lines().any(|line| line.starts_with("::error::")));
    let json = format!("{}", sarif::render(&reports));
    serde_json::from_str::<serde_json::Value>(&json).expect("it is JSON");
}

/// SARIF 2.1.0 sections 3.27 and 3.49: results name a rule of the table by id and index.
#[test]
fn results_of_sarif_name_their_rules() {
    let log = sarif::render(&[report(&bundled("x86-umip")), report(&bundled("g3-stb"))]);
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert!(results.len() > 20);
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64() >= Some(1), "{result}");
        let fingerprint = result["partialFingerprints"]["finding/v1"].to_string();
        assert!(fingerprints.insert(fingerprint), "{result}");
    }
}

/// What is patched stands in the overlay; a path has no detours.
#[test]
fn what_an_overlay_patches_stands_in_the_overlay() {
    let overlay = "pgisa: 1\nisa: over\ntitle: Over\nextends: ../isa-specs/g3.yaml\ninstructions:\n  \
                   lpsw:\n    patch: replace\n    semantics: \"mode = user;\"\n";
    let report = report(overlay);
    let of = |subject: &str| {
        let finding = report.findings.iter().find(|it| it.subject == subject);
        finding.and_then(|it| it.at.clone()).expect("it is found, at a place").to_string()
    };
    assert_eq!(of("lpsw"), "../isa-specs/this.yaml:6:3");
    let expectation = report.findings.iter().find(|it| it.rule == Rule::Expectation);
    let at = expectation.and_then(|it| it.at.clone()).expect("g3 expects more");
    // What is inherited and not met is about the overlay, and said once.
    assert_eq!(at.file, "../isa-specs/this.yaml");
    let expectations = report.findings.iter().filter(|it| it.rule == Rule::Expectation);
    let said: Vec<&str> = expectations.map(|it| it.message.as_str()).collect();
    assert!(said.len() == 1 && said[0].contains("Write `expect: {}`"), "{said:?}");
}

/// Who reads only the output learns that nothing was analyzed.
#[test]
fn a_specification_that_cannot_be_read_is_no_success() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let broken = folder.join("broken.yaml").to_string_lossy().into_owned();
    std::fs::write(&broken, "pgisa: 1\nisa: [").expect("the folder is writable");
    for (format, expected) in [
        ("github", "::error file="),
        ("sarif", "\"executionSuccessful\": false"),
        ("junit", "failures=\"1\""),
        ("markdown", "Nothing was analyzed."),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_analyze"))
            .args(["check", &broken, "--format", format, "--write-baseline", "never.json"])
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(expected), "{format}: {text}");
        assert!(!std::path::Path::new("never.json").exists());
    }
}

#[test]
fn allowing_takes_a_reason_and_a_finding() {
    let allow = |rule: &str| {
        let allow = format!("  popf:\n    allow: {{{rule}: \"known since 1978\"}}\n");
        report(&bundled("g3-popf").replacen("  popf:\n", &allow, 1))
    };
    let allowed = allow("sensitive-unprivileged: \"known since 1978\", square-breaks");
    assert!(allowed.findings.iter().all(|it| !it.counts()), "{:?}", allowed.findings);
    assert_eq!(allowed.findings[0].allowed.as_deref(), Some("known since 1978"));
    assert!(sarif::render(&[allowed]).to_string().contains("\"inSource\""));
    let stale = allow(Rule::Unconfined.word());
    let rules: Vec<Rule> = stale.findings.iter().map(|it| it.rule).collect();
    assert_eq!(rules, [Rule::Sensitive, Rule::SquareBreaks, Rule::StaleAllow]);
}

/// An overlay of g3 with these instructions.
fn overlay(base: &str, instructions: &str) -> Report {
    report(&format!(
        "pgisa: 1\nisa: over\nextends: {base}\nexpect: {{}}\ninstructions:\n{instructions}"
    ))
}

/// What counts though the baseline of `before` is known.
fn counted(before: &Report, after: &mut Report) -> Vec<(Rule, String)> {
    Baseline::of(std::slice::from_ref(before)).mark(after);
    let counting = after.findings.iter().filter(|it| it.counts());
    counting.map(|it| (it.rule, it.subject.clone())).collect()
}

/// Who knows that an instruction breaks a premise, and is safe, does not know that it goes wrong.
#[test]
fn what_was_safe_and_goes_wrong_is_a_new_finding() {
    let of = |semantics: &str, more: &str| {
        let it = format!("  x: {{operands: {{d: 3}}, semantics: \"{semantics}\"{more}}}\n");
        overlay("g3.yaml", &it)
    };
    let holds = |it: &Report| {
        let t = &it.pairs[0].theorems;
        [t.vmm.verdict, t.hvmm.verdict].map(|it| it == model::isa::Verdict::Holds)
    };
    let safe = "require r[d] <= bound else trap(privileged); bound = r[d];";
    let wrong = "bound = r[d];";
    // Safe for a guest that is in user mode itself: a hybrid monitor can be built.
    let half = "if mode == supervisor { base = r[d]; } \
                else { require r[d] <= bound else trap(privileged); bound = r[d]; }";
    let (safe, half) = (of(safe, ""), of(half, ""));
    assert_eq!((holds(&safe), holds(&half)), ([true, true], [false, true]));
    let mut after = of(wrong, "");
    assert_eq!(holds(&after), [false, false]);
    let x = |rule| vec![(rule, "x".to_owned())];
    assert_eq!(counted(&safe, &mut after), x(Rule::UserSquareBreaks));
    assert_eq!(counted(&half, &mut after), x(Rule::UserSquareBreaks));
    // A reason for the premise is none for the square.
    let nothing = report(&bundled("g3"));
    let reason = ", allow: {user-sensitive-unprivileged: \"it may only shrink\"}";
    assert_eq!(counted(&nothing, &mut of(wrong, reason)), x(Rule::UserSquareBreaks));
}

/// What is allowed of a rule is allowed of no other, nor of a case that has an `allow:` of its own, also an empty one.
#[test]
fn each_rule_accepts_its_own_findings() {
    let allow = "allow: {sensitive-unprivileged: \"patched\", square-breaks: \"patched\"}";
    let rules = |semantics: &str, more: &str| -> Vec<(Rule, String)> {
        let it =
            format!("  x: {{operands: {{d: 3}}, {allow}, semantics: \"{semantics}\"{more}}}\n");
        let mut it = overlay("g3.yaml", &it);
        counted(&report(&bundled("g3")), &mut it)
    };
    let supervisor = "if mode == supervisor { base = r[d]; }";
    let x = |rule, name: &str| (rule, name.to_owned());
    assert_eq!(rules(supervisor, ""), []);
    assert_eq!(
        rules(&format!("r[0] = base; {supervisor}"), ""),
        [
            x(Rule::UserSensitive, "x"),
            x(Rule::UserSquareBreaks, "x"),
            x(Rule::StaleAllow, "x"),
            x(Rule::StaleAllow, "x"),
        ]
    );
    let cases = ", cases: {a: {fix: {d: 0}}, b: {fix: {d: 1}, allow: {}}}";
    assert_eq!(
        rules(supervisor, cases),
        [x(Rule::Sensitive, "x[b]"), x(Rule::SquareBreaks, "x[b]")]
    );
}

#[test]
fn a_baseline_knows_findings_by_what_they_are() {
    let known = Baseline::of(&[report(&bundled("g3-popf"))]);
    let again = Baseline::parse(&known.text()).expect("it reads what it writes");
    assert_eq!(again, known);
    // Lines may move.
    let mut moved = report(&format!("# a comment\n{}", bundled("g3-popf")));
    known.mark(&mut moved);
    assert!(moved.findings.iter().all(|it| !it.counts()));
    let mut other = report(&bundled("g3-jrst1").replacen("isa: g3-jrst1", "isa: g3-popf", 1));
    known.mark(&mut other);
    assert!(other.findings.iter().any(|it| it.counts() && it.subject.starts_with("jrst")));
    assert_eq!(
        known.gone(&[other]),
        ["g3-popf/V001/supervisor:user/popf", "g3-popf/V003/supervisor:user/popf"]
    );
    for bad in [
        "",
        "{}",
        "[1]",
        r#"{"schema": 2, "findings": []}"#,
        r#"{"schema": 1, "findings": [], "x": 1}"#,
    ] {
        let why = Baseline::parse(bad).expect_err(bad);
        assert!(!why.contains("struct") && !why.contains("expected ident"), "{why}");
    }
}

#[test]
fn gates_exit_as_they_say() {
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
        command.arg("check").args(arguments).output().expect("the program starts")
    };
    let code = |arguments: &[&str]| run(arguments).status.code().expect("it exits by itself");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("baseline.json");
    let file = file.to_string_lossy().into_owned();
    let (popf, g3) = ("../isa-specs/g3-popf.yaml", "../isa-specs/g3.yaml");
    assert_eq!(code(&[popf, "--write-baseline", &file]), 0);
    assert_eq!(code(&[popf, "--baseline", &file]), 0);
    assert_eq!(code(&["../isa-specs/g3-jrst1.yaml", "--baseline", &file]), 1);
    assert_eq!(code(&[popf, "--baseline", "no-such-file.json"]), 2);
    let missing = run(&[popf, "--baseline", "no-such-file.json", "--format", "github"]);
    let text = String::from_utf8_lossy(&missing.stdout).into_owned();
    assert!(text.starts_with("::error file=no-such-file.json,line=1,"), "{text}");
    let full = run(&[popf, "--write-baseline", "/dev/null"]);
    assert!(String::from_utf8_lossy(&full.stderr).contains("is no regular file"), "{full:?}");
    let passed = run(&[g3, "--require", "vmm", "--format", "github"]);
    let text = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert!(
        text.starts_with("::notice file=../isa-specs/g3.yaml,") && text.lines().count() == 1,
        "{text}"
    );
    // An older baseline is replaced, and nothing else.
    assert_eq!(code(&[popf, "--write-baseline", &file]), 0);
    let other = file.replace("baseline.json", "no-baseline.txt");
    std::fs::write(&other, "precious").expect("the folder is writable");
    assert_eq!(code(&[popf, "--write-baseline", &other]), 2);
    assert_eq!(std::fs::read_to_string(&other).expect("it is there"), "precious");
    assert_eq!(code(&[g3, "--require", "vmm,hvmm"]), 0);
    assert_eq!(code(&[popf, "--require", "vmm"]), 1);
    assert_eq!(code(&[g3, "--require", "recursive"]), 3);
    assert_eq!(code(&["../isa-specs/avr.yaml", "--require", "vmm"]), 1);
    let annotated = run(&[popf, "--require", "vmm", "--format", "github"]);
    let text = String::from_utf8_lossy(&annotated.stdout).into_owned();
    // What stands in the way is an error where it stands.
    let offender = "::error file=../isa-specs/g3-popf.yaml,line=";
    assert!(
        text.lines().any(|line| line.starts_with(offender) && line.contains("popf is")),
        "{text}"
    );
    let annotated = run(&[popf, "--format", "github"]);
    let text = String::from_utf8_lossy(&annotated.stdout).into_owned();
    assert!(text.lines().all(|line| line.starts_with("::warning file=")), "{text}");
    // Conditions can be refused.
    let kept = "../isa-specs/s370.yaml";
    assert_eq!(code(&[kept, "--require", "vmm"]), 0);
    assert_eq!(code(&[kept, "--require", "vmm", "--unconditional"]), 1);
    assert_eq!(code(&[g3, "--require", "vmm", "--unconditional"]), 0);
    assert_eq!(code(&[g3, "--unconditional"]), 2);
    let annotated = run(&[kept, "--require", "vmm", "--unconditional", "--format", "github"]);
    let text = String::from_utf8_lossy(&annotated.stdout).into_owned();
    assert!(
        text.contains("is required without conditions%2C")
            || text.contains("without conditions, and holds if"),
        "{text}"
    );
}
