//! Folders of the RISC-V Unified Database where a specification is expected.

use std::io::Write;
use std::path::Path;

use analyzer::import::riscv_unified_db::{self, Choices, Counts, Declared, Imported, Places};
use analyzer::report::Report;
use model::Loaded;
use model::diagnostic::{Diagnostic, Sources, Span};

use crate::arguments::{DatabaseArguments, ReadingArgument};
use crate::terminal::{Exit, complain};

impl DatabaseArguments {
    fn choices(&self) -> Choices {
        Choices {
            configuration: self.config.clone(),
            extensions: self.extensions.clone(),
            overlay: self.overlay.clone(),
            reading: match self.reading {
                ReadingArgument::Code => riscv_unified_db::Reading::Code,
                ReadingArgument::Declared => riscv_unified_db::Reading::Declared,
            },
        }
    }
}

/// Whether a path names a database.
pub(crate) fn is_database(path: &str) -> bool {
    riscv_unified_db::is_database(Path::new(path))
}

/// Imports a database; what is wrong with it, and the counts, go to standard error.
pub(crate) fn import(folder: &str, arguments: &DatabaseArguments) -> Result<Imported, String> {
    let imported = riscv_unified_db::import(Path::new(folder), &arguments.choices())?;
    complain(&imported.found, &imported.sources);
    let _ = write!(std::io::stderr(), "{folder}: {}", imported.counts.text());
    Ok(imported)
}

/// 3 where something stays unknown.
pub(crate) fn exit(counts: &Counts) -> Exit {
    if counts.empty + counts.failed() + counts.csrs.1 > 0 { Exit::Undecided } else { Exit::Fine }
}

/// What an import found beside the machine.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    declared: Vec<Declared>,
    found: Vec<Diagnostic>,
    /// The first file of the database among the sources.
    first: u32,
    exit: Option<Exit>,
}

impl Beside {
    /// Adds to a report what the database declares wrongly, and what is wrong in it.
    pub(crate) fn add(&self, report: &mut Report, sources: &Sources) {
        riscv_unified_db::judge(report, &self.declared, sources, self.first);
        riscv_unified_db::lint(report, &self.found, sources, self.first);
    }

    /// What the import came to.
    pub(crate) fn exit(&self) -> Exit {
        self.exit.unwrap_or(Exit::Fine)
    }
}

/// Loads a database as a machine whose instructions stand at their lines of the database.
pub(crate) fn load(
    folder: &str,
    arguments: &DatabaseArguments,
    sources: &mut Sources,
    beside: &mut Beside,
) -> Result<Loaded, Vec<Diagnostic>> {
    let imported =
        import(folder, arguments).map_err(|why| vec![Diagnostic::global("U001", why)])?;
    let open = |_: &str| Ok(imported.text.clone());
    let mut loaded = model::load(folder, &open, sources)?;
    // Nobody wrote the text: what could be better in it is nobody's concern.
    loaded.warnings.clear();
    loaded.advice.clear();
    let first = sources.files.len() as u32;
    sources.files.extend(imported.sources.files);
    *beside = Beside {
        declared: imported.declared,
        found: imported.found,
        first,
        exit: Some(exit(&imported.counts)),
    };
    let there = |it: Span| Span { file: it.file + first, ..it };
    for class in &mut loaded.isa.classes {
        let name = class.name.split('[').next().unwrap_or_default();
        if let Some(Places { name, code }) = imported.places.get(name) {
            class.span = there(*name);
            class.semantics = code.iter().map(|it| there(*it)).collect();
        }
    }
    Ok(loaded)
}
