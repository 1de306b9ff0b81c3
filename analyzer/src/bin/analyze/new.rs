//! `analyze new`.

use std::path::Path;

use refvmm::files;

use crate::terminal::{Exit, could_not_run, print};

/// A machine that already analyzes; every part says what it is for.
const TEMPLATE: &str = include_str!("new.yaml");

/// The name that the template has.
const NAME: &str = "my-machine";

pub(crate) fn run(name: &str) -> Exit {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_plain) {
        return could_not_run(
            name,
            "a name begins with a letter and has letters, digits, `-` and `_`; the file gets `.yaml` behind it",
        );
    }
    let file = format!("{name}.yaml");
    if Path::new(&file).exists() {
        return could_not_run(&file, "it exists, and nothing was written over it");
    }
    match files::write_whole(Path::new(&file), TEMPLATE.replace(NAME, name).as_bytes()) {
        Ok(()) => print(&format!(
            "{file}\n\nNext:\n  analyze {file}\n  analyze explain {file} load\n  analyze check {file} --format html > {name}.html\n"
        )),
        Err(error) => could_not_run(&file, &error.to_string()),
    }
}
