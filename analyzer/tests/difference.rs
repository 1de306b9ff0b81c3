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
    compare((&old.0, &old.1), (&new.0, &new.1), options)
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

/// A component that one machine alone has is arbitrary before and not looked at behind.
#[test]
fn components_of_one_machine_alone() {
    let g3 = bundled("g3");
    let start = g3.find("\nstate:\n").expect("g3 has a state") + "\nstate:\n".len();
    let with = |semantics: &str| {
        let more = format!("{}  spare: {{role: E, width: 4}}\n{}", &g3[..start], &g3[start..]);
        more.replacen("r[d] = r[s] + r[t]", semantics, 1)
    };
    let writes = difference(&g3, &with("r[d] = r[s] + r[t]; spare = 3"));
    assert_eq!(changed(&writes), Vec::<&str>::new());
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
