//! Two evaluators, one law: the symbolic executor and the interpreter agree on every state.

use analyzer::law::evaluators_agree;
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
