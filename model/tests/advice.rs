//! What a careful author would not leave out: each piece of advice stands in one careless file, and the bundled
//! specifications draw none.

use std::fs;

use model::diagnostic::Sources;

fn open(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| e.to_string())
}

fn advice(path: &str) -> (Vec<&'static str>, String) {
    let mut sources = Sources::default();
    let loaded = model::load(path, &open, &mut sources).expect("it loads");
    let codes = loaded.advice.iter().map(|it| it.code).collect();
    let texts: Vec<String> = loaded.advice.iter().map(|it| it.render(&sources, false)).collect();
    (codes, texts.join("\n\n"))
}

#[test]
fn a_careless_author_is_told_everything() {
    let (mut codes, text) = advice("tests/advice/careless.yaml");
    codes.sort_unstable();
    codes.dedup();
    let all: Vec<String> = (1..=11).map(|i| format!("A{i:03}")).collect();
    assert_eq!(codes, all);
    insta::with_settings!({snapshot_path => "advice", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("careless", text);
    });
}

#[test]
fn bundled_specifications_draw_no_advice() {
    for entry in fs::read_dir("../isa-specs").expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|it| it == "yaml") {
            let (codes, text) = advice(&path.to_string_lossy());
            assert!(codes.is_empty(), "{text}");
        }
    }
}
