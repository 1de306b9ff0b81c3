//! The assembler's codes: the example of each draws it.

use model::code;
use model::diagnostic::Sources;
use refvmm::asm::assemble;

/// Codes without an example, and why.
const NO_EXAMPLE: &[(&str, &str)] = &[
    ("P011", "it takes dozens of brackets"),
    ("P023", "every operand is allowed on this machine"),
    ("P042", "it takes a million cells"),
];

#[test]
fn what_is_wrong_draws_the_code_and_what_is_right_does_not() {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let loaded = model::load("../isa-specs/g3.yaml", &open, &mut Sources::default());
    let isa = loaded.expect("g3 loads").isa;
    for it in code::all().filter(|it| it.code.starts_with('P')) {
        let drawn = |text: &str| -> Vec<&str> {
            let errors = assemble(&isa, "example.s", text, &mut Sources::default()).err();
            errors.unwrap_or_default().iter().map(|it| it.code).collect()
        };
        let excused = NO_EXAMPLE.iter().any(|(code, _)| *code == it.code);
        assert_eq!(it.right.is_empty(), excused, "{}", it.code);
        if !excused {
            let wrong = drawn(it.wrong);
            assert!(wrong.contains(&it.code), "{}: {} draws {wrong:?}", it.code, it.wrong);
            assert_eq!(drawn(it.right), Vec::<&str>::new(), "{}: {}", it.code, it.right);
        }
    }
}
