//! `analyze list`.

use std::io::Write;
use std::path::Path;

use analyzer::report::atlas;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use refvmm::specification;

use crate::arguments::{List, ListFormat};
use crate::progress::progress;
use crate::terminal::{Exit, load, print, print_text};

/// The folder that is listed where none is named; where there is none, what comes with the program.
const DEFAULT: &str = "isa-specs";

pub(crate) fn run(list: &List) -> Exit {
    let (specs, mut exit) = chosen(&list.specs);
    let mut rows = Vec::new();
    for spec in &specs {
        if analyzer::stopped() {
            let _ = writeln!(std::io::stderr(), "{spec}: interrupted, nothing was analyzed");
            exit = exit.worse(Exit::Undecided);
            continue;
        }
        let mut sources = Sources::default();
        let Some(isa) = load(spec, &mut sources) else {
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        };
        let options = Options { profile: list.profile, pair: None, timeout: None };
        let report = analyze(&isa, &sources, options, &progress());
        rows.extend(atlas::rows(&report));
    }
    atlas::sort(&mut rows);
    let text = match list.format {
        ListFormat::Text => atlas::text(&rows),
        ListFormat::Markdown => atlas::markdown(&rows),
        ListFormat::Json => match serde_json::to_string_pretty(&rows) {
            Ok(json) => json + "\n",
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot write the table: {error}");
                return Exit::CouldNotRun;
            }
        },
    };
    let print = if list.format == ListFormat::Text { print_text } else { print };
    exit.worse(print(&text))
}

/// The specifications that files and folders stand for, and what looking at them came to.
pub(crate) fn chosen(places: &[String]) -> (Vec<String>, Exit) {
    let mut exit = Exit::Fine;
    let mut specs = Vec::new();
    for place in places {
        if place == DEFAULT && !Path::new(place).exists() {
            specs.extend(specification::bundled().map(str::to_owned));
            continue;
        }
        if !Path::new(place).is_dir() {
            specs.push(place.clone());
            continue;
        }
        match within(place) {
            Ok(found) if found.is_empty() => {
                let _ = writeln!(std::io::stderr(), "{place}: there is no specification in it");
                exit = exit.worse(Exit::CouldNotRun);
            }
            Ok(found) => specs.extend(found),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot list {place}: {error}");
                exit = exit.worse(Exit::CouldNotRun);
            }
        }
    }
    (specs, exit)
}

/// The specifications in a folder, in order of their names.
fn within(folder: &str) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "yaml") {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}
