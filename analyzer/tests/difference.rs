//! Differences between machines: what is found, and that what is the same is proved to be.

use analyzer::difference::meaning::Meaning;
use analyzer::difference::{Difference, compare, text};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;

fn bundled(name: &str) -> String {
    std::fs::read_to_string(format!("../isa-specs/{name}.yaml")).expect("it is bundled")
}

/// Compares two specifications of the bundled folder, given by their texts.
fn difference(old: &str, new: &str) -> Difference {
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let [old, new] = [old, new].map(|text| {
        let open = |path: &str| {
            let file = || std::fs::read_to_string(path).map_err(|e| e.to_string());
            if path == "../isa-specs/this.yaml" { Ok(text.to_owned()) } else { file() }
        };
        let mut sources = Sources::default();
        let loaded = model::load("../isa-specs/this.yaml", &open, &mut sources);
        let isa = loaded.unwrap_or_else(|e| panic!("it does not load: {e:?}")).isa;
        let report = analyze(&isa, &sources, options, &|_, _| {});
        (isa, report)
    });
    compare((&old.0, &old.1), (&new.0, &new.1), options, &|_, _| {})
}

/// The instructions and traps that are not the same.
fn changed(difference: &Difference) -> Vec<&str> {
    let all = difference.instructions.iter().chain(&difference.traps);
    all.filter(|it| it.change != "same").map(|it| it.name.as_str()).collect()
}

#[test]
fn a_machine_is_what_it_is() {
    for name in ["g3", "m68010", "s370", "pdp10-ka10"] {
        let text = bundled(name);
        let it = difference(&text, &text);
        assert!(it.is_empty() && it.regressions.is_empty() && !it.is_open(), "{name}: {it:?}");
    }
}

#[test]
fn what_changed_between_two_machines_is_shown() {
    for (old, new) in [("m68000", "m68010"), ("x86-legacy", "x86-umip"), ("g3", "g3-shrink")] {
        let it = difference(&bundled(old), &bundled(new));
        assert!(!it.is_open());
        insta::assert_snapshot!(format!("difference-{old}-{new}"), text::render(&it, false));
    }
}

/// Edits of the text of g3, and what is then another.
#[test]
fn edits_are_found() {
    let g3 = bundled("g3");
    for (from, to, expected) in [
        ("r[d] = r[s] + r[t]", "r[d] = r[t] + r[s]", &[][..]),
        ("r[d] = r[s] + r[t]", "r[d] = r[s] - r[t]", &["add"]),
        ("kind: program,    saves: next", "kind: program, saves: this", &["svc"]),
        ("    r[d] = mem[", "    r[d ^ 1] = mem[", &["lw"]),
    ] {
        assert!(g3.contains(from), "g3 has no `{from}` any more");
        let it = difference(&g3, &g3.replacen(from, to, 1));
        assert_eq!(changed(&it), expected, "{from} → {to}");
        for instruction in it.instructions.iter().filter(|it| it.change == "changed") {
            let Some(Meaning::Different { step }) = &instruction.semantics else {
                panic!("{}: {:?}", instruction.name, instruction.semantics);
            };
            let ends = step.outcomes[0] != step.outcomes[1];
            assert!(ends || step.rows.iter().any(|row| row.differs), "{step:?}");
        }
    }
}

/// A step is told in words that are true of both machines.
#[test]
fn steps_are_told_of_both_machines() {
    let g3 = bundled("g3");
    let unlisted = g3.replacen(r#"unlisted: "trap(illegal);""#, r#"unlisted: "unpredictable;""#, 1);
    assert_ne!(unlisted, g3);
    let told = text::render(&difference(&g3, &unlisted), false);
    assert!(told.contains("an opcode that is not listed"), "{told}");
    // The value of user mode on one machine is that of supervisor mode on the other.
    let swapped = g3.replacen("supervisor: 0, user: 1", "supervisor: 1, user: 0", 1);
    assert_ne!(swapped, g3);
    let told = text::render(&difference(&g3, &swapped), false);
    let names = |line: &&str| line.contains("mode ") && line.contains("supervisor");
    assert!(!told.lines().any(|line| names(&line) && line.contains('→')), "{told}");
}

/// What is not the instruction's own semantics, or where two instructions of one name cannot be compared.
#[test]
fn nothing_that_differs_is_called_the_same() {
    let base = std::fs::read_to_string("tests/cases/base.yaml").expect("the case is there");
    let with = |head: &str, x: &str| {
        let base = base.replacen("instructions:\n", &format!("{head}instructions:\n"), 1);
        base.replacen(
            "instructions:\n",
            &format!("instructions:\n  x: {{operands: {{a: 3}}, {x}}}\n"),
            1,
        )
    };
    let state =
        |more: &str, x: &str| with("", x).replacen("state:\n", &format!("state:\n  {more}\n"), 1);
    let assume = |that: &str, x: &str| {
        let head = format!("assume: {{z: {{that: \"{that}\", why: \"so it is\"}}}}\n");
        with(&head, x).replacen("state:\n", "state:\n  zz: {role: E, width: 1}\n", 1)
    };
    let cases = |first: &str, second: &str, value: u32| {
        let p = format!("cases: {{p: {{when: \"{first}\"}}, q: {{when: \"{second}\"}}}}");
        with("", &format!("{p}, semantics: \"r[0] = {value};\""))
    };
    let semantics = |text: &str| format!("semantics: \"{text}\"");
    let unlisted = |text: &str, of: &str| text.replacen("unlisted: \"trap(priv)\"", of, 1);
    let plain = with("", &semantics("r[a] = 1;"));
    let acc = |width: u32, value: u32| {
        state(&format!("acc: {{role: E, width: {width}}}"), &semantics(&format!("acc = {value};")))
    };
    for (old, new, expected) in [
        // The domains of cases, swapped or wider.
        (cases("a == 2", "a != 2", 1), cases("a != 2", "a == 2", 2), &["x[p]", "x[q]"][..]),
        (cases("a < 3", "a >= 3", 1), cases("a < 4", "a >= 4", 1), &["x[p]", "x[q]"]),
        // Components that are written and not shared.
        (acc(32, 1), acc(16, 2), &["x"]),
        (plain.clone(), state("zz: {role: E, width: 3}", &semantics("r[a] = 1; zz = 1;")), &["x"]),
        (
            with("", &semantics("r[a] = undefined(32);")),
            with("", &semantics("r[a] = zext(arbitrary(1), 32);")),
            &["x"],
        ),
        (plain.clone(), unlisted(&plain, "unlisted: \"trap(memory)\""), &["unlisted opcodes"]),
        (
            plain.clone(),
            unlisted(&plain, "unlisted: \"trap(priv)\"\n  reset: \"pc = 8;\""),
            &["reset"],
        ),
    ] {
        let it = difference(&old, &new);
        let mut all = changed(&it);
        all.extend(it.machine.iter().filter(|it| it.change != "same").map(|it| it.name.as_str()));
        assert_eq!(all, expected, "{old}\n{new}");
        assert!(!it.is_empty());
    }
    // Assumptions that exclude each other: everything holds of no state.
    let [one, two] = [("zz == 1", "r[a] = 1;"), ("zz == 0", "r[a] = 2;")]
        .map(|(that, x)| assume(that, &semantics(x)));
    let excluded = difference(&one, &two);
    assert!(excluded.instructions.iter().all(|it| it.change == "changed"), "{excluded:?}");
    assert_eq!(excluded.components[0].name, "assumption z");
    let kinds = difference(&plain, &plain.replacen("kind: privilege", "kind: program", 1));
    assert_eq!(kinds.components[0].name, "kind of trap priv");
    let g3 = bundled("g3");
    let opcode =
        difference(&g3, &g3.replacen("0000 0111 d[3] s[3] t[3]", "0101 0111 d[3] t[3] s[3]", 1));
    assert_eq!(changed(&opcode), ["add"]);
    let negated = with("", &semantics("r[a] = zext(~arbitrary(1), 32);"));
    let it = difference(&with("", &semantics("r[a] = zext(arbitrary(1), 32);")), &negated);
    assert!(it.is_open() && it.is_empty(), "which outcomes there are is the same: {it:?}");
}

/// On a machine that is refuted already, what gets worse is seen of the instruction.
#[test]
fn an_instruction_that_gets_worse_is_a_regression() {
    let popf = bundled("g3-popf");
    let with = |semantics: &str| {
        let x = format!("\n  x: {{operands: {{d: 3}}, semantics: \"{semantics}\"}}\n");
        popf.replacen("\ninstructions:\n", &format!("\ninstructions:{x}"), 1)
    };
    let supervisor = "if mode == supervisor { base = r[d]; }";
    let checked = "require r[d] <= bound else trap(privileged); bound = r[d];";
    for (old, new, expected) in [
        // Sensitive in supervisor mode alone, then in user mode as well.
        (supervisor, "base = r[d];", &["user sensitive"][..]),
        // Safe where it is executed directly, then not.
        (checked, "bound = r[d];", &["goes wrong where"]),
        ("r[d] = 1;", "r[d] = phys[0];", &["not confined"]),
        (
            "require mode == supervisor else trap(privileged); base = r[d];",
            "base = r[d];",
            &["user sensitive", "goes wrong where"],
        ),
        ("base = r[d];", supervisor, &[]),
        ("bound = r[d];", checked, &[]),
    ] {
        let it = difference(&with(old), &with(new));
        let own = it.regressions.iter().filter(|it| it.starts_with("supervisor:user: x "));
        let own: Vec<&String> = own.collect();
        assert_eq!(own.len(), usize::from(!expected.is_empty()), "{old} → {new}: {own:?}");
        assert!(expected.iter().all(|words| own[0].contains(words)), "{old} → {new}: {own:?}");
    }
}

/// Nothing is asked about them, and yet they are of the machine.
#[test]
fn what_is_compared_as_it_is_written() {
    let g3 = bundled("g3");
    for (from, to, name) in [
        ("new: \"4..8\"", "new: \"4..16\"", "trap-cells"),
        ("code: 3}", "code: 77}", "code of trap svc"),
        ("saves: next", "saves: this", "P saved by trap svc"),
    ] {
        assert!(g3.contains(from), "g3 has no `{from}` any more");
        let it = difference(&g3, &g3.replacen(from, to, 1));
        let names: Vec<&str> = it.components.iter().map(|it| it.name.as_str()).collect();
        assert!(names.contains(&name) && !it.is_empty(), "{from} → {to}: {names:?}");
    }
}

/// Undecided is no improvement.
#[test]
fn what_is_undecided_is_open() {
    let popf = bundled("g3-popf");
    let start = popf.find("    semantics: |").expect("popf has semantics");
    let end = start + popf[start..].find("    expect:").expect("and an expectation");
    let unknown = format!("{}    semantics: \"unknown;\"\n{}", &popf[..start], &popf[end..]);
    let it = difference(&popf, &unknown);
    assert!(it.is_open());
    assert_eq!(it.pairs[0].no_longer_offending, Vec::<String>::new());
    // A gate has to stop where *holds* becomes undecided.
    let g3 = bundled("g3");
    let it = difference(&g3, &g3.replacen("r[d] = r[s] + r[t];", "unknown;", 1));
    assert_eq!(it.regressions[0], "supervisor:user: Theorem 1 was holds and is undecided");
}

/// A component that one machine alone has is arbitrary before, and stays as it is.
#[test]
fn components_of_one_machine_alone() {
    let g3 = bundled("g3");
    let start = g3.find("\nstate:\n").expect("g3 has a state") + "\nstate:\n".len();
    let with = |semantics: &str| {
        let more = format!("{}  spare: {{role: E, width: 4}}\n{}", &g3[..start], &g3[start..]);
        more.replacen("r[d] = r[s] + r[t]", semantics, 1)
    };
    let writes = difference(&g3, &with("r[d] = r[s] + r[t]; spare = 3"));
    assert_eq!(changed(&writes), ["add"]);
    assert_eq!(writes.components.len(), 1);
    let reads = difference(&g3, &with("r[d] = r[s] + r[t] + zext(spare, 32)"));
    assert_eq!(changed(&reads), ["add"]);
    let back = difference(&with("r[d] = r[s] + r[t] + zext(spare, 32)"), &g3);
    assert_eq!(changed(&back), ["add"]);
}

#[test]
fn worse_verdicts_are_regressions_and_better_ones_are_not() {
    let worse = difference(&bundled("g3"), &bundled("g3-popf"));
    assert!(worse.regressions.iter().any(|it| it.contains("Theorem 1")), "{worse:?}");
    assert!(worse.regressions.iter().any(|it| it.contains("popf")), "{worse:?}");
    let better = difference(&bundled("g3-popf"), &bundled("g3"));
    assert_eq!(better.regressions, Vec::<String>::new());
    assert!(!better.is_empty());
}
