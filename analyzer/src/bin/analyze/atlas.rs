//! `analyze atlas`.

use std::io::Write;
use std::path::Path;

use analyzer::report::Report;
use analyzer::report::findings::of_diagnostics;
use analyzer::report::html::{self, Exhibit, Site};
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use refvmm::files;

use crate::arguments::{Atlas, DatabaseArguments};
use crate::database::Beside;
use crate::list::chosen;
use crate::progress::progress;
use crate::terminal::{Exit, could_not_run, load_with_advice, print};

pub(crate) fn run(atlas: &Atlas) -> Exit {
    let (specs, mut exit) = chosen(&atlas.specs);
    let mut machines: Vec<(Report, Option<Exhibit>)> = Vec::new();
    for spec in &specs {
        if analyzer::stopped() {
            let _ = writeln!(std::io::stderr(), "{spec}: interrupted, nothing was analyzed");
            exit = exit.worse(Exit::Undecided);
            continue;
        }
        let (machine, read) = of(spec, atlas);
        exit = exit.worse(read);
        machines.push(machine);
    }
    let subjects: Vec<_> = machines.iter().map(|(report, it)| (report, it.as_ref())).collect();
    let site = html::site(&subjects);
    match files::write_directory(&atlas.html, |folder| write(folder, &site)) {
        Ok(()) => exit.worse(print(&format!("{}\n", atlas.html.join("index.html").display()))),
        Err(error) => could_not_run(&atlas.html.display().to_string(), &error.to_string()),
    }
}

/// A machine of the atlas. One that cannot be analyzed has a page, too, which says why.
fn of(spec: &str, atlas: &Atlas) -> ((Report, Option<Exhibit>), Exit) {
    let (mut sources, mut beside) = (Sources::default(), Beside::default());
    let database = DatabaseArguments::default();
    let isa = match load_with_advice(spec, &database, &mut sources, &mut beside) {
        Ok(loaded) => loaded.isa,
        Err(errors) => {
            let findings = of_diagnostics(&errors, spec, &sources);
            let report = Report::unreadable(spec, atlas.profile, findings);
            return ((report, None), Exit::CouldNotRun);
        }
    };
    let options = Options { profile: atlas.profile, pair: None, timeout: None };
    let mut report = analyze(&isa, &sources, options, &progress());
    beside.add(&mut report, &sources);
    let exhibit = Exhibit::gather(&isa, &sources, &report, &options, &progress());
    ((report, Some(exhibit)), beside.exit())
}

fn write(folder: &Path, site: &Site) -> std::io::Result<()> {
    site.files.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}
