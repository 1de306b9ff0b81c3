//! What all commands share: exit codes, reading specifications, printing, progress.

use std::io::Write;

use analyzer::report::page::{self, Style};
use model::Loaded;
use model::diagnostic::{Diagnostic, Sources};
use model::isa::Isa;
use refvmm::specification;

use crate::arguments::DatabaseArguments;
use crate::database::{self, Beside};

/// What a run came to, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Fine = 0,
    Undecided = 3,
    Unmet = 1,
    CouldNotRun = 2,
}

impl Exit {
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |e: Self| match e {
            Self::Fine => 0,
            Self::Undecided => 1,
            Self::Unmet => 2,
            Self::CouldNotRun => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Results go to standard output; a closed pipe is no error.
pub(crate) fn print(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::CouldNotRun,
        _ => Exit::Fine,
    }
}

/// The same for text that a person reads: with the characters that the locale has.
pub(crate) fn print_text(text: &str) -> Exit {
    if ascii() { print(&page::ascii(text)) } else { print(text) }
}

pub(crate) fn color() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// How a page is printed: as wide as the terminal, and with the characters and colours that it has.
pub(crate) fn style() -> Style {
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0.into());
    let default = Style::default();
    Style { width: width.unwrap_or(default.width), ascii: ascii(), color: color() }
}

/// The locale has no characters beyond ASCII. Where none is set, nothing is known against them.
fn ascii() -> bool {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(set).and_then(std::env::var_os);
    locale.is_some_and(|it| {
        let it = it.to_string_lossy().to_lowercase();
        !it.contains("utf-8") && !it.contains("utf8")
    })
}

/// Diagnostics go to standard error.
pub(crate) fn complain(diagnostics: &[Diagnostic], sources: &Sources) {
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let mut stderr = std::io::stderr().lock();
    for diagnostic in diagnostics {
        let _ = writeln!(stderr, "{}\n", diagnostic.render(sources, color));
    }
}

pub(crate) fn load(path: &str, sources: &mut Sources) -> Option<Isa> {
    load_of(path, &DatabaseArguments::default(), sources)
}

/// The same where a folder of a database may be meant.
pub(crate) fn load_of(
    path: &str,
    database: &DatabaseArguments,
    sources: &mut Sources,
) -> Option<Isa> {
    load_with_advice(path, database, sources, &mut Beside::default()).ok().map(|loaded| loaded.isa)
}

/// The same, with what a careful author would add; or the errors, which are printed.
pub(crate) fn load_with_advice(
    path: &str,
    database: &DatabaseArguments,
    sources: &mut Sources,
    beside: &mut Beside,
) -> Result<Loaded, Vec<Diagnostic>> {
    let loaded = if database::is_database(path) {
        database::load(path, database, sources, beside)
    } else {
        model::load(&specification::locate(path), &specification::open, sources)
    };
    match loaded {
        Ok(loaded) => {
            complain(&loaded.warnings, sources);
            Ok(loaded)
        }
        Err(errors) => {
            complain(&errors, sources);
            let n = errors.len();
            let noun = if n == 1 { "error" } else { "errors" };
            let _ = writeln!(std::io::stderr(), "{path}: {n} {noun}, nothing was analyzed");
            Err(errors)
        }
    }
}

pub(crate) fn known_pair(isa: &Isa, name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if !isa.pairs.iter().any(|p| analyzer::names_pair(name, p)) => {
            let all: Vec<String> =
                isa.pairs.iter().map(|p| format!("{}:{}", p.supervisor.0, p.user.0)).collect();
            Err(format!("there is no pair `{name}`; the pairs: {}", all.join(", ")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn could_not_run(what: &str, why: &str) -> Exit {
    let _ = writeln!(std::io::stderr(), "{what}: {why}");
    Exit::CouldNotRun
}
