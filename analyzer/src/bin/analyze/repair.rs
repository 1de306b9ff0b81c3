//! `analyze repair`.

use std::io::Write;
use std::path::Path;

use analyzer::repair::{self, Outcome, Place};
use analyzer::text::Detail;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use refvmm::files;
use refvmm::specification::{bundled_name, locate, open};

use crate::arguments::{Format, Repair};
use crate::progress::progress;
use crate::terminal::{Exit, color, known_pair, load, print};

pub(crate) fn run(it: &Repair) -> Result<Exit, String> {
    let path = it.output.clone().unwrap_or_else(|| format!("{} (repaired)", it.spec));
    let exists = it.output.is_some() && Path::new(&path).exists();
    if exists && !it.force {
        return Err(format!("{path} exists; `--force` writes over it"));
    }
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Ok(Exit::CouldNotRun) };
    let spec = locate(&it.spec);
    let extends = match bundled_name(&spec) {
        Some(name) => name.to_owned(),
        None if spec == "-" => {
            return Err("an overlay extends a file: give the specification as one".into());
        }
        None => from_folder_of(&path, &spec)?,
    };
    let target = Path::new(&path).canonicalize().ok();
    if exists && sources.files.iter().any(|f| Path::new(&f.path).canonicalize().ok() == target) {
        return Err(format!("{path} is what the overlay would extend"));
    }
    known_pair(&isa, it.pair.as_deref())?;
    let options = Options { profile: it.profile, pair: it.pair.as_deref(), timeout: None };
    let report = analyze(&isa, &sources, options, &progress());
    let place = Place { path: &path, extends: &extends };
    let repaired = repair::repair(&isa, &report, place, &open, &progress())?;
    let exit = match repaired.checked.outcome {
        Outcome::Holds => Exit::Fine,
        Outcome::Undecided => Exit::Undecided,
        Outcome::Fails => Exit::Unmet,
    };
    let mut text = match it.format {
        Format::Text => repair::render(&report, &repaired, Detail { all: false, color: color() }),
        Format::Concise => repair::concise(&repaired),
        Format::Json => serde_json::to_string_pretty(&repaired).map_err(|e| e.to_string())? + "\n",
    };
    match (&repaired.overlay, &it.output) {
        (Some(overlay), Some(output)) if exit == Exit::Fine => {
            files::write_whole(Path::new(output), overlay.as_bytes())
                .map_err(|e| format!("cannot write {output}: {e}"))?;
        }
        (_, Some(output)) => {
            let _ = writeln!(std::io::stderr(), "{output} is not written");
        }
        (Some(overlay), None) if it.format == Format::Text => {
            text.push_str("\nThe overlay\n\n");
            text.push_str(overlay);
        }
        (_, None) => {}
    }
    Ok(exit.worse(print(&text)))
}

/// The path of a file as seen from the folder of an output, which need not exist yet.
fn from_folder_of(output: &str, file: &str) -> Result<String, String> {
    let folder = |path: &str| {
        let folder = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
        folder.unwrap_or(Path::new(".")).canonicalize().map_err(|e| format!("{path}: {e}"))
    };
    let name = Path::new(file).file_name().ok_or_else(|| format!("{file} is no file"))?;
    repair::relative(&folder(output)?, &folder(file)?.join(name))
        .ok_or_else(|| format!("there is no way from {output} to {file}"))
}
