//! `analyze`: judges machine specifications by the definitions and theorems of Popek & Goldberg.

mod arguments;
mod certificates;
mod check;
mod diff;
mod explain;
mod list;
mod repair;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use terminal::{Exit, print};

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
        Command::List(list) => list::run(&list),
        Command::Definitions => print(&analyzer::definitions_text()),
        Command::Schema => print(&format!("{:#}\n", model::spec::json_schema())),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            let mut command = <Arguments as clap::CommandFactory>::command();
            clap_complete::generate(shell, &mut command, "analyze", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
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

/// `analyze SPEC` means `analyze check SPEC`.
fn with_default_command(mut arguments: Vec<String>) -> Vec<String> {
    const COMMANDS: &[&str] = &[
        "check",
        "diff",
        "explain",
        "repair",
        "prove",
        "verify",
        "list",
        "definitions",
        "schema",
        "completions",
        "help",
    ];
    const OWN: &[&str] = &["-h", "--help", "-V", "--version"];
    match arguments.get(1) {
        Some(first) if !COMMANDS.contains(&first.as_str()) && !OWN.contains(&first.as_str()) => {
            arguments.insert(1, "check".into());
        }
        _ => {}
    }
    arguments
}
