//! The specifications of the project are accepted without a word, and nothing done to them makes
//! the loader panic.
#![allow(clippy::unwrap_used)]

use std::fs;

use model::diagnostic::Sources;

const SPECS: &str = "../isa-specs";

/// Path and text of every specification, in order of name.
fn specifications() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(SPECS)
        .unwrap()
        .map(|entry| format!("{SPECS}/{}", entry.unwrap().file_name().into_string().unwrap()))
        .filter(|path| std::path::Path::new(path).extension().is_some_and(|e| e == "yaml"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    all.sort();
    assert!(all.len() > 5, "there are specifications");
    all
}

/// Loads a text as if it stood at `path`; everything is rendered, too.
fn load(path: &str, text: &str) -> Result<(), String> {
    let mut sources = Sources::default();
    let open = |p: &str| {
        if p == path {
            Ok(text.to_owned())
        } else {
            fs::read_to_string(p).map_err(|e| e.to_string())
        }
    };
    let found = match model::load(path, &open, &mut sources) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors,
    };
    if found.is_empty() {
        return Ok(());
    }
    Err(found.iter().map(|d| d.render(&sources, false)).collect::<Vec<_>>().join("\n\n"))
}

#[test]
fn every_specification_is_accepted_without_a_word() {
    for (path, text) in specifications() {
        if let Err(said) = load(&path, &text) {
            panic!("{path}:\n{said}");
        }
    }
}

#[test]
fn the_base_files_of_the_rejected_are_accepted_where_they_should_be() {
    let path = "tests/rejected/base.yaml";
    assert_eq!(load(path, &fs::read_to_string(path).unwrap()), Ok(()));
}

#[test]
fn the_example_of_the_reference_is_accepted() {
    let readme = fs::read_to_string(format!("{SPECS}/README.md")).unwrap();
    let example = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(load("example.yaml", example), Ok(()));
}

/// A linear congruential generator (Knuth's MMIX): the same mutations on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }
}

/// One small change of a text.
fn mutated(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (i, j) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(5) {
        0 => drop(lines.remove(i)),
        1 => lines.insert(i, lines[i]),
        2 => lines.swap(i, j),
        3 => return text.chars().take(random.below(text.len())).collect(),
        _ => {
            let marks: Vec<usize> = text
                .bytes()
                .enumerate()
                .filter(|(_, b)| b.is_ascii_punctuation())
                .map(|(at, _)| at)
                .collect();
            let all: Vec<char> =
                (0..128u8).map(char::from).filter(char::is_ascii_punctuation).collect();
            let at = marks[random.below(marks.len())];
            return format!("{}{}{}", &text[..at], all[random.below(all.len())], &text[at + 1..]);
        }
    }
    lines.concat()
}

#[test]
fn no_mutation_makes_the_loader_panic() {
    let rounds = std::env::var("MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    for (path, text) in specifications() {
        let mut random = Random(1974);
        for round in 0..rounds {
            let change = mutated(&text, &mut random);
            let result = std::panic::catch_unwind(|| load(&path, &change));
            assert!(result.is_ok(), "{path}, round {round}");
        }
    }
}
