//! The guide for authors: its files load, and its commands print the lines that it shows, in their order. So do those
//! of the README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block: its info string and its lines.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => all.push(block),
            (Some(info), None) => open = Some((info.to_owned(), Vec::new())),
            (None, Some((info, mut lines))) => {
                lines.push(line.to_owned());
                open = Some((info, lines));
            }
            (None, None) => {}
        }
    }
    all
}

/// `refvmm` stands beside `analyze` once the workspace is built.
fn program(name: &str) -> PathBuf {
    let analyze = PathBuf::from(env!("CARGO_BIN_EXE_analyze"));
    if name == "analyze" { analyze } else { analyze.with_file_name(name) }
}

/// Runs a command of the guide; what it prints, or nothing where the program is not built.
fn run(folder: &Path, line: &str) -> Option<Vec<String>> {
    // Words that a shell would take apart stand in quotes.
    let mut words = line.split_whitespace().map(|word| word.trim_matches('\''));
    let program = program(words.next().expect("a program"));
    if !program.exists() {
        return None;
    }
    let output = Command::new(program).args(words).current_dir(folder).output();
    let output = output.expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

/// Runs the commands of a block, which print the lines below them, in their order; how many there are.
fn prints(folder: &Path, lines: Vec<String>) -> usize {
    let mut commands = 0;
    let mut shown: Option<std::vec::IntoIter<String>> = None;
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            commands += 1;
            shown = run(folder, command).map(Vec::into_iter);
        } else if let Some(rest) = &mut shown {
            let found = line == "..." || rest.any(|it| it.trim_end() == line.trim_end());
            assert!(found, "a line is shown that is not printed (any more):\n{line}");
        }
    }
    commands
}

/// Blocks that show commands only may write files, or speak of files that a reader has.
#[test]
fn the_readme_shows_what_is_printed() {
    let text = std::fs::read_to_string("../README.md").expect("the README is there");
    let console = blocks(&text).into_iter().filter(|(info, _)| info == "console");
    let showing = console.filter(|(_, lines)| lines.iter().any(|line| !line.starts_with("$ ")));
    let commands: usize = showing.map(|(_, lines)| prints(Path::new(".."), lines)).sum();
    assert!(commands >= 2, "{commands} commands");
}

#[test]
fn the_guide_is_true() {
    let text = std::fs::read_to_string("../isa-specs/GUIDE.md").expect("the guide is there");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    let (mut files, mut commands) = (BTreeSet::new(), 0);
    for (info, lines) in blocks(&text) {
        if let Some((_, name)) = info.split_once(' ') {
            let text = lines.join("\n") + "\n";
            std::fs::write(folder.join(name), text).expect("the file is written");
            files.insert(name.to_owned());
        } else if info == "console" {
            commands += prints(&folder, lines);
        }
    }
    assert!(files.len() > 8 && commands > 10, "{files:?}, {commands} commands");
}
