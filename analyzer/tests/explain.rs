//! `analyze explain`: what is said of an instruction, and the proofs written out.

use std::process::{Command, Output};

use analyzer::report::Report;
use analyzer::report::explain::{explain, html, latex, markdown, proof, text};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::{Isa, Profile};
use model::rule::Rule;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

/// A specification that stands in the bundled folder, given by its text, and its report.
fn analyzed(text: &str) -> (Isa, Sources, Report) {
    let path = "../isa-specs/this.yaml";
    let open = |p: &str| {
        let file = || std::fs::read_to_string(p).map_err(|e| e.to_string());
        if p == path { Ok(text.to_owned()) } else { file() }
    };
    let mut sources = Sources::default();
    let loaded = model::load(path, &open, &mut sources);
    let isa = loaded.unwrap_or_else(|e| panic!("it does not load: {e:?}")).isa;
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let report = analyze(&isa, &sources, options, &|_, _| {});
    (isa, sources, report)
}

fn bundled(name: &str) -> String {
    std::fs::read_to_string(format!("../isa-specs/{name}.yaml")).expect("it is bundled")
}

#[test]
fn pages_of_instructions() {
    for (spec, instructions) in [
        ("pdp10", &["move", "jrst[1]"][..]),
        ("x86-legacy", &["popf", "sgdt"]),
        ("riscv", &["csrrs[cycle]"]),
        ("g3", &["lw", "lpsw"]),
        ("g3-smode", &["smode"]),
    ] {
        let (isa, sources, report) = analyzed(&bundled(spec));
        for name in instructions {
            let class = isa.classes.iter().position(|it| it.name == *name).expect("it is there");
            let page = text::render(&explain(&isa, &sources, &report, class), None);
            let name = name.replace(['[', ']'], "-");
            insta::assert_snapshot!(format!("explain-{spec}-{}", name.trim_end_matches('-')), page);
        }
    }
}

/// With the cases of a mnemonic, and what would repair an instruction that offends.
#[test]
fn pages_of_the_command() {
    let spec = "../isa-specs/pdp10.yaml";
    insta::assert_snapshot!("explain-pdp10-jrst", said(&["explain", spec, "JRST"]));
    let page = said(&["explain", spec, "jrst[1]"]);
    let repair = page.split("What would repair it\n").nth(1).expect("it is asked for");
    assert_eq!(
        repair.split_whitespace().collect::<Vec<_>>().join(" "),
        "If it trapped outside supervisor mode, Theorems 1 and 3 would hold. That machine was analyzed; \
         `analyze repair` prints it."
    );
    assert!(!said(&["explain", spec, "move"]).contains("repair"));
}

#[test]
fn proofs_written_out() {
    for spec in ["pdp10", "g3"] {
        let page = said(&["explain", &format!("../isa-specs/{spec}.yaml"), "--proof"]);
        insta::assert_snapshot!(format!("proof-{spec}"), page);
    }
}

#[test]
fn all_definitions() {
    insta::assert_snapshot!("definitions", analyzer::definitions_text());
}

/// Names in any case of letters; else what was meant, and 2.
#[test]
fn names_are_found_or_refused() {
    let spec = "../isa-specs/pdp10.yaml";
    assert_eq!(said(&["explain", spec, "MOVE"]), said(&["explain", spec, "move"]));
    assert_eq!(said(&["explain", spec, "JRST[1]"]), said(&["explain", spec, "jrst[1]"]));
    for (arguments, message) in [
        (&["explain", spec, "moev"][..], "did you mean `move`?"),
        (&["explain", spec, "jrst[9]"], "there is no instruction"),
        (&["explain", "X999"], "there is no such code"),
        (&["explain", spec], "which instruction?"),
        (&["explain", spec, "move", "--proof"], "cannot be used with"),
        (&["explain", "no-such.yaml", "--proof"], "cannot read"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.stdout.is_empty() && said.contains(message), "{arguments:?}: {said}");
    }
}

#[test]
fn codes_are_explained_without_a_specification() {
    for (code, title) in [
        ("V001", "V001: a sensitive instruction is not privileged"),
        ("c013", "C013: two widths do not agree"),
        ("K024", "K024: this is no case"),
    ] {
        assert!(said(&["explain", code]).starts_with(title), "{code}");
    }
}

/// Each finding is drawn by its example in the table of codes, and the example as it stands draws none.
#[test]
fn examples_of_findings_draw_them() {
    let codes =
        |text: &str| -> Vec<Rule> { analyzed(text).2.findings.iter().map(|it| it.rule).collect() };
    let example = model::code::EXAMPLE;
    assert_eq!(codes(example), []);
    for it in model::code::all()
        .filter(|it| it.code.starts_with('V') && !["V010", "V012", "V013"].contains(&it.code))
    {
        if it.right.is_empty() {
            assert_eq!(it.code, "V008", "it comes from the command line");
            continue;
        }
        assert!(example.contains(it.right), "{}: no piece of the example", it.code);
        let found = codes(&example.replacen(it.right, it.wrong, 1));
        assert!(found.iter().any(|rule| rule.code() == it.code), "{} draws {found:?}", it.code);
    }
}

/// Nothing of a specification is a command or markup, in any format, and what is opened is closed.
#[test]
fn documents_are_well_formed() {
    let title = r#""<script>|a|b `x` 100% $x_1 & \\end{tabular} {[é→∀"#;
    let text = bundled("g3-popf").replacen("title: ", &format!("title: {title}\" # "), 1);
    let (isa, sources, report) = analyzed(&text);
    let document = proof::document(&isa, &sources, &report);

    let page = html::render(&document);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    assert!(!page.contains("http"), "it needs nothing else");
    for tag in ["table", "tr", "td", "th", "ul", "li", "p", "b", "h1", "h2", "h3", "pre"] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        assert_eq!(page.matches(&open).count(), page.matches(&close).count(), "{tag}");
    }

    let page = latex::render(&document);
    assert!(
        page.contains("\\textbackslash{}end\\{tabular\\}") && page.contains("100\\%"),
        "{page}"
    );
    assert!(page.chars().all(|c| c.is_ascii() || c <= '\u{17f}'), "what T1 fonts have");
    let (mut depth, mut open) = (0_i32, Vec::new());
    let bytes: Vec<char> = page.chars().collect();
    for (i, c) in bytes.iter().enumerate() {
        let escaped = i > 0 && bytes[i - 1] == '\\' && (i < 2 || bytes[i - 2] != '\\');
        match c {
            '{' if !escaped => depth += 1,
            '}' if !escaped => depth -= 1,
            _ => {}
        }
        assert!(depth >= 0, "a brace is closed that was not opened");
    }
    assert_eq!(depth, 0);
    for piece in page.split('\\') {
        if let Some(name) = piece.strip_prefix("begin{").and_then(|it| it.split('}').next()) {
            open.push(name);
        } else if let Some(name) = piece.strip_prefix("end{").and_then(|it| it.split('}').next()) {
            assert_eq!(open.pop(), Some(name));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for (i, line) in page.lines().enumerate().filter(|(_, line)| line.ends_with("\\\\")) {
        assert!(line.starts_with("{}"), "line {i}: {line}");
    }

    let page = markdown::render(&document);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;\\|a\\|b"), "{page}");
}

/// An overlay's statements and its base's have numbers of their own files.
#[test]
fn the_file_of_each_piece_is_named() {
    let overlay = "pgisa: 1\nisa: over\nextends: g3.yaml\nexpect: {}\ninstructions:\n  getr:\n    patch: before\n    semantics: \"r[0] = 1;\"\n";
    let (isa, sources, report) = analyzed(overlay);
    let class = isa.classes.iter().position(|it| it.name == "getr").expect("it is there");
    let page = text::render(&explain(&isa, &sources, &report, class), None);
    let g3 = bundled("g3");
    let before = g3.lines().position(|line| line == "  getr:").expect("g3 has it");
    let more = g3.lines().skip(before).position(|line| line.trim() == "privileged_only();");
    let line = before + more.expect("it is checked") + 1;
    let expected = format!(
        "     8  r[0] = 1;\n        then ../isa-specs/g3.yaml:{line}\n{line:>6}  privileged_only();\n"
    );
    assert!(page.contains(&expected), "{expected}{page}");
}

/// What is undecided is said to be, and never proved.
#[test]
fn missing_semantics_are_not_explained_away() {
    let text = bundled("g3").replacen("r[d] = mem[displaced(s, imm)];", "unknown;", 1);
    let (isa, sources, report) = analyzed(&text);
    let class = isa.classes.iter().position(|it| it.name == "lw").expect("it is there");
    let page = text::render(&explain(&isa, &sources, &report, class), None);
    assert!(page.contains("undecided") && !page.contains("It writes"), "{page}");
    assert!(!page.contains("undecidedP&G"), "{page}");
    let page = markdown::render(&proof::document(&isa, &sources, &report));
    assert!(page.contains("**Conclusion:** undecided"), "{page}");
    assert!(!page.contains("∎"), "{page}");
}
