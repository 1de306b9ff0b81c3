//! `analyze`: judges machine specifications by the definitions and theorems of Popek & Goldberg.

mod arguments;
mod atlas;
mod certificates;
mod check;
mod database;
mod diff;
mod explain;
mod grade;
mod graph;
mod import;
mod list;
mod new;
mod progress;
mod repair;
mod terminal;
mod traps;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analyzer::report::page;
use clap::{CommandFactory, Parser};
use model::diagnostic::did_you_mean;
use refvmm::{install, specification};

use arguments::{Arguments, Command};
use terminal::{Exit, could_not_run, print, print_text, style};

/// Terms, clauses and models are many small pieces: a quarter of the time went to the allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments =
        match Arguments::try_parse_from(with_default_command(std::env::args().collect())) {
            Ok(arguments) => arguments,
            Err(error) => {
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
        };
    if !matches!(arguments.command, Command::Verify(_)) {
        on_interrupt();
    }
    let exit = match arguments.command {
        Command::Check(check) => check::run(&check),
        Command::Explain(it) => explain::run(&it),
        Command::Diff(diff) => diff::run(&diff),
        Command::Repair(repair) => repair::run(&repair).unwrap_or_else(|error| {
            let _ = writeln!(std::io::stderr(), "{}: {error}", repair.spec);
            Exit::CouldNotRun
        }),
        Command::Prove(prove) => certificates::prove(&prove),
        Command::Verify(verify) => certificates::verify(&verify),
        Command::Import(import) => import::run(&import),
        Command::List(list) => list::run(&list),
        Command::Atlas(atlas) => atlas::run(&atlas),
        Command::Traps(traps) => traps::run(&traps),
        Command::Grade(it) => grade::run(&it),
        Command::New { name } => new::run(&name),
        Command::Definitions => {
            print_text(&page::folded(&analyzer::definitions_text(), style().width))
        }
        Command::Graph { spec, format } => graph::run(&spec, format),
        Command::Schema { report: false } => print(&format!("{:#}\n", model::spec::json_schema())),
        Command::Schema { report: true } => print(analyzer::report::JSON_SCHEMA),
        Command::Completions { shell } => {
            print(&String::from_utf8_lossy(&install::completions(Arguments::command(), shell)))
        }
        Command::Install { prefix } => installed(prefix),
    };
    ExitCode::from(exit as u8)
}

/// The first Ctrl-C asks for a report of what is known so far, the second ends the program at once.
/// Half a check of a certificate is none: there the first does.
fn on_interrupt() {
    let _ = ctrlc::set_handler(|| {
        if analyzer::stopped() {
            std::process::exit(130);
        }
        analyzer::stop();
        let _ = writeln!(std::io::stderr(), "interrupted: what is not settled yet is undecided");
    });
}

/// Writes manual pages and completion scripts, and lists them.
fn installed(prefix: Option<PathBuf>) -> Exit {
    let Some(prefix) = prefix.or_else(install::home) else {
        return could_not_run("install", "there is no home: name a folder");
    };
    match install::install(&Arguments::command(), &prefix) {
        Ok(paths) => {
            let lines: Vec<String> = paths.iter().map(|it| format!("{}\n", it.display())).collect();
            print(&lines.concat())
        }
        Err(error) => could_not_run(&prefix.display().to_string(), &error.to_string()),
    }
}

/// `analyze SPEC` means `analyze check SPEC`; a word that is nearly a command, and no specification, stays as it is.
fn with_default_command(mut arguments: Vec<String>) -> Vec<String> {
    const COMMANDS: &[&str] = &[
        "check",
        "diff",
        "explain",
        "repair",
        "prove",
        "verify",
        "import",
        "list",
        "atlas",
        "new",
        "grade",
        "traps",
        "graph",
        "definitions",
        "schema",
        "completions",
        "install",
        "help",
    ];
    const OWN: &[&str] = &["-h", "--help", "-V", "--version"];
    let is_spec = |word: &str| {
        did_you_mean(word, COMMANDS.iter().copied()).is_none()
            || Path::new(&specification::locate(word)).exists()
    };
    match arguments.get(1).map(String::as_str) {
        Some(first) if COMMANDS.contains(&first) || OWN.contains(&first) => {}
        Some(first) if is_spec(first) => arguments.insert(1, "check".into()),
        _ => {}
    }
    arguments
}
