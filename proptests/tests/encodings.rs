//! Encoding and decoding are inverse, and a word has one meaning.

use proptest::prelude::*;
use proptests::{Stream, bundled, operands, settings};
use refvmm::decode::{decode, encode};

proptest! {
    #![proptest_config(settings(32))]

    #[test]
    fn decoding_inverts_encoding(seed: u64) {
        for (name, isa) in bundled() {
            for (index, class) in isa.classes.iter().enumerate() {
                let mut stream = Stream::new(seed);
                let Some(operands) = operands(class, &mut stream) else { continue };
                let (Some(word), Some(pattern)) = (encode(class, &operands), &class.pattern) else { continue };
                let decoded = decode(&isa, word, pattern.width);
                prop_assert!(decoded.is_some(), "{name}: {} does not decode", class.name);
                if let Some(decoded) = decoded {
                    prop_assert_eq!(decoded.class, index, "{}: {}", &name, &class.name);
                    prop_assert_eq!(decoded.operands, operands);
                }
            }
        }
    }
}
