//! `analyze`: judges machine specifications by the definitions and theorems of Popek & Goldberg.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use analyzer::text::{self, Detail};
use analyzer::{Options, analyze, report::Report};
use clap::{Parser, Subcommand, ValueEnum};
use model::diagnostic::{Diagnostic, Sources};
use model::isa::{Isa, Premise, Profile, VerdictWord};

/// Decides which instructions of a machine are privileged and which are sensitive, and whether a
/// virtual machine monitor, a recursive one or a hybrid one can be built for it.
#[derive(Debug, Parser)]
#[command(name = "analyze", version, after_help = EXAMPLES, override_usage = "analyze SPEC...\n       analyze <COMMAND>")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  analyze isa-specs/x86-legacy.yaml            the verdicts, with a witness for each offender
  analyze check --format json g3.yaml          the same as data
  analyze check --profile literal --all g3.yaml
  analyze explain isa-specs/pdp10.yaml 'jrst[1]'
  analyze schema > specification.schema.json   completion for editors

Exit codes: 0 all expectations hold, 1 one fails, 2 could not run, 3 undecided";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge specifications and check what they expect (the default command).
    Check(Check),
    /// Show everything known about one instruction.
    Explain {
        /// Specification in YAML.
        spec: String,
        /// Name of the instruction, as reported.
        instruction: String,
        /// Reading of the definitions.
        #[arg(long, default_value = "refined")]
        profile: ProfileArgument,
    },
    /// Print the definitions the answers refer to.
    Definitions,
    /// Print the JSON Schema of the specification language.
    Schema,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Specifications in YAML.
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<String>,
    /// How to print the result.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined")]
    profile: ProfileArgument,
    /// Judge one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pair: Option<String>,
    /// Print every instruction and every witness.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One line per theorem.
    Concise,
    /// For programs; the keys are stable.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileArgument {
    /// The 1974 table as printed.
    Literal,
    /// Traps excluded from sensitivity, resource sensitivity added.
    Refined,
    /// With extent, time, masked and visible traps.
    Extended,
    /// Refined, and where the others disagree.
    All,
}

impl ProfileArgument {
    /// The profiles asked for; the first is the one that is reported in full.
    fn profiles(self) -> &'static [Profile] {
        match self {
            Self::Literal => &[Profile::Literal],
            Self::Refined => &[Profile::Refined],
            Self::Extended => &[Profile::Extended],
            Self::All => &[Profile::Refined, Profile::Literal, Profile::Extended],
        }
    }
}

/// What a run came to, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    Fine = 0,
    Undecided = 3,
    Unmet = 1,
    CouldNotRun = 2,
}

impl Exit {
    fn worse(self, other: Self) -> Self {
        let rank = |e: Self| match e {
            Self::Fine => 0,
            Self::Undecided => 1,
            Self::Unmet => 2,
            Self::CouldNotRun => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

fn main() -> ExitCode {
    let arguments =
        match Arguments::try_parse_from(with_default_command(std::env::args().collect())) {
            Ok(arguments) => arguments,
            Err(error) => {
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
        };
    let exit = match arguments.command {
        Command::Check(check) => run_check(&check),
        Command::Explain { spec, instruction, profile } => {
            explain(&spec, &instruction, profile.profiles()[0])
        }
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

/// `analyze SPEC` means `analyze check SPEC`.
fn with_default_command(mut arguments: Vec<String>) -> Vec<String> {
    const COMMANDS: &[&str] = &["check", "explain", "definitions", "schema", "completions", "help"];
    const OWN: &[&str] = &["-h", "--help", "-V", "--version"];
    match arguments.get(1) {
        Some(first) if !COMMANDS.contains(&first.as_str()) && !OWN.contains(&first.as_str()) => {
            arguments.insert(1, "check".into());
        }
        _ => {}
    }
    arguments
}

/// Results go to standard output; a closed pipe is no error.
fn print(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::CouldNotRun,
        _ => Exit::Fine,
    }
}

fn color() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Diagnostics go to standard error.
fn complain(diagnostics: &[Diagnostic], sources: &Sources) {
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let mut stderr = std::io::stderr().lock();
    for diagnostic in diagnostics {
        let _ = writeln!(stderr, "{}\n", diagnostic.render(sources, color));
    }
}

fn load(path: &str, sources: &mut Sources) -> Option<Isa> {
    let open = |path: &str| {
        let length = std::fs::metadata(Path::new(path)).map_err(|e| e.to_string())?.len();
        if length > 64 << 20 {
            return Err(format!("{length} bytes are too many for a specification"));
        }
        std::fs::read_to_string(path).map_err(|e| e.to_string())
    };
    match model::load(path, &open, sources) {
        Ok(loaded) => {
            complain(&loaded.warnings, sources);
            Some(loaded.isa)
        }
        Err(errors) => {
            complain(&errors, sources);
            let n = errors.len();
            let noun = if n == 1 { "error" } else { "errors" };
            let _ = writeln!(std::io::stderr(), "{path}: {n} {noun}, nothing was analyzed");
            None
        }
    }
}

fn run_check(check: &Check) -> Exit {
    let mut exit = Exit::Fine;
    let mut reports = Vec::new();
    for (i, spec) in check.specs.iter().enumerate() {
        let mut sources = Sources::default();
        let Some(isa) = load(spec, &mut sources) else {
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        };
        if let Some(name) = &check.pair
            && !isa.pairs.iter().any(|p| analyzer::names_pair(name, p))
        {
            let all: Vec<String> =
                isa.pairs.iter().map(|p| format!("{}:{}", p.supervisor.0, p.user.0)).collect();
            let _ = writeln!(
                std::io::stderr(),
                "{spec}: there is no pair `{name}`; the pairs: {}",
                all.join(", ")
            );
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        }
        let judge = |profile: &Profile| run(&isa, &sources, *profile, check.pair.as_deref());
        let judged: Vec<Report> = check.profile.profiles().iter().map(judge).collect();
        exit = judged.iter().fold(exit, |exit, report| exit.worse(exit_of(report)));
        let printed = match check.format {
            Format::Json => {
                reports.extend(judged);
                continue;
            }
            Format::Text => {
                let separator = if i > 0 { "\n" } else { "" };
                let detail = Detail { all: check.all, color: color() };
                let differences =
                    if judged.len() > 1 { text::disagreements(&judged) } else { String::new() };
                format!("{separator}{}{differences}", text::render(&judged[0], detail))
            }
            Format::Concise => judged.iter().map(text::concise).collect(),
        };
        exit = exit.worse(print(&printed));
    }
    if check.format == Format::Json && !reports.is_empty() {
        let json = match reports.as_slice() {
            [one] => serde_json::to_string_pretty(one),
            many => serde_json::to_string_pretty(many),
        };
        match json {
            Ok(json) => exit = exit.worse(print(&(json + "\n"))),
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "cannot write the report: {error}");
                exit = Exit::CouldNotRun;
            }
        }
    }
    exit
}

/// Analyzes with progress on standard error, if that is a terminal and it takes more than a second.
fn run(isa: &Isa, sources: &Sources, profile: Profile, pair: Option<&str>) -> Report {
    let start = std::time::Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let progress = move |done: usize, total: usize| {
        if terminal && start.elapsed().as_secs() >= 1 {
            let end = if done == total { "\r\x1b[K" } else { "" };
            let _ = write!(std::io::stderr(), "\r{done} of {total} instructions{end}");
        }
    };
    analyze(isa, sources, Options { profile, pair }, &progress)
}

fn exit_of(report: &Report) -> Exit {
    if report.unmet.iter().any(|u| !u.undecided) {
        return Exit::Unmet;
    }
    let undecided = report.pairs.iter().any(|p| {
        let open =
            |premise, verdict| premise == Premise::Undecided || verdict == VerdictWord::Undecided;
        open(p.theorems.vmm.premise, p.theorems.vmm.verdict)
            || open(p.theorems.hvmm.premise, p.theorems.hvmm.verdict)
    });
    if undecided || !report.unmet.is_empty() || report.summary.counts.undecided > 0 {
        return Exit::Undecided;
    }
    Exit::Fine
}

fn explain(spec: &str, instruction: &str, profile: Profile) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(spec, &mut sources) else { return Exit::CouldNotRun };
    if isa.class(instruction).is_none() {
        let help = model::diagnostic::did_you_mean(
            instruction,
            isa.classes.iter().map(|c| c.name.as_str()),
        )
        .unwrap_or_else(|| format!("`analyze --all {spec}` lists them"));
        let _ =
            writeln!(std::io::stderr(), "{spec}: there is no instruction `{instruction}`; {help}");
        return Exit::CouldNotRun;
    }
    let report = run(&isa, &sources, profile, None);
    print(&text::explain(&report, instruction, Detail { all: true, color: color() }))
}
