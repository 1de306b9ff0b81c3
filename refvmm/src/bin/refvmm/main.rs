//! `refvmm`: runs guests on the machines that specifications describe, bare or under a control
//! program, and shows what happens.

mod arguments;
mod compare;
mod console;
mod drive;
mod eval;
mod listing;
mod load;
mod observe;
mod run;
mod snapshot;
mod statistics;
mod step;
mod trace;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use refvmm::install;

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Fine = 0,
    Differ = 1,
    CouldNotRun = 2,
    Undecided = 3,
}

/// Why there is no result.
enum Failure {
    /// What is wrong.
    Message(String),
    /// Nobody reads on: that is no error.
    Closed,
}

/// A result, or the reason why there is none.
type Outcome<T> = Result<T, Failure>;

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Message(error.to_string())
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let exit = match act(arguments.command) {
        Ok(exit) => exit,
        Err(Failure::Closed) => Exit::Fine,
        Err(Failure::Message(message)) => {
            let _ = writeln!(io::stderr(), "{message}");
            Exit::CouldNotRun
        }
    };
    ExitCode::from(exit as u8)
}

fn act(command: Command) -> Outcome<Exit> {
    match command {
        Command::Run(it) => run::run(&it),
        Command::Trace(it) => trace::trace(&it),
        Command::Compare(it) => compare::compare(&it),
        Command::Step(it) => step::step(&it),
        Command::Asm(it) => listing::assembled(&it),
        Command::Disasm(it) => listing::disassembled(&it),
        Command::Snapshot(it) => snapshot::snapshot(&it),
        Command::Restore(it) => snapshot::restore(&it),
        Command::Eval(it) => eval::eval(&it),
        Command::Completions { shell } => {
            let script = install::completions(Arguments::command(), shell);
            io::stdout().lock().write_all(&script)?;
            Ok(Exit::Fine)
        }
        Command::Install { prefix } => {
            let prefix = prefix
                .or_else(install::home)
                .ok_or("there is no home: name a folder".to_owned())?;
            for path in install::install(&Arguments::command(), &prefix)? {
                writeln!(io::stdout(), "{}", path.display())?;
            }
            Ok(Exit::Fine)
        }
    }
}
