//! Two evaluators, one law: the symbolic executor and the interpreter agree on every state.

use analyzer::agreement::evaluators_agree;
use proptest::prelude::*;
use proptests::{Stream, bundled, choices, operands, settings, state};

proptest! {
    #![proptest_config(settings(24))]

    /// Every class of every bundled specification, on states from one seed.
    #[test]
    fn evaluators_agree_on_every_class(seed: u64) {
        for (name, isa) in bundled() {
            for class in &isa.classes {
                let mut stream = Stream::new(seed ^ class.name.len() as u64);
                let Some(operands) = operands(class, &mut stream) else { continue };
                let choices = choices(class, &mut stream);
                let state = state(&isa, &mut stream);
                let agreed = evaluators_agree(&isa, class, &operands, &choices, &state);
                prop_assert!(agreed.is_ok(), "{name}: {agreed:?}");
            }
        }
    }
}

/// Every way out of loops and functions within each other, from every state.
#[test]
fn evaluators_agree_on_every_way_out() {
    let text = r#"
pgisa: 1
isa: ways
title: Ways out of loops and functions
state:
  mem: {role: E, width: 4, cells: 1}
  r: {role: E, width: 4}
  pc: {role: P, width: 4}
functions: |
  fn way(a: 4) -> 4 {
    let seen = 0u4;
    for i in 0..2 {
      for j in 0..2 {
        if a[3:2] == j {
          if a[0] { return seen; }
          break;
        }
        seen = seen + 1;
      } else {
        if a[1] { break; }
      }
      seen = seen + 4;
    }
    return ~seen;
  }
machine:
  modes: []
  address: "return phys[a];"
  traps: {odd: {kind: program, saves: this}}
  on-trap: "r = ~r;"
instructions:
  loops: {semantics: "r = way(r);"}
  both: {semantics: "r = way(r) ^ way(~r);"}
  traps: {semantics: "for i in 0..2 { if way(r) == i { trap(odd); } r = way(r + 1); }"}
"#;
    let loaded = model::load(
        "ways.yaml",
        &|_| Ok(text.to_owned()),
        &mut model::diagnostic::Sources::default(),
    );
    let isa = loaded.expect("the specification loads").isa;
    for class in &isa.classes {
        for value in 0..16 {
            let mut state = model::state::State::zero(&isa, 1);
            state.registers[0] = vec![value];
            let agreed = evaluators_agree(&isa, class, &[], &[], &state);
            assert!(agreed.is_ok(), "{} of {value}: {agreed:?}", class.name);
        }
    }
}
