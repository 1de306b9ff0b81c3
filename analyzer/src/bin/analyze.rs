//! `analyze`: judges machine specifications by the definitions and theorems of Popek & Goldberg.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analyzer::repair::{self, Outcome, Place};
use analyzer::text::{self, Detail};
use analyzer::{Options, analyze, certificate, report::Report, smtlib};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use model::diagnostic::{Diagnostic, Sources};
use model::isa::{Isa, Premise, Profile, VerdictWord};
use refvmm::files;

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
  analyze check g3.yaml --emit smt2=obligations
  analyze check g3.yaml --emit classification=g3.classification.json
  analyze explain isa-specs/pdp10.yaml 'jrst[1]'
  analyze repair isa-specs/m68000.yaml         what must trap so that the theorems hold
  analyze prove isa-specs/g3.yaml --certificate g3-certificate
  analyze verify g3-certificate isa-specs/g3.yaml
  analyze schema > specification.schema.json   completion for editors

Exit codes: 0 all expectations hold, 1 one fails, 2 could not run, 3 undecided

Ctrl-C prints what is known so far; a second one ends the program at once (130).";

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
        #[arg(long, default_value = "refined", value_parser = one_profile())]
        profile: Profile,
    },
    /// Find the smallest set of instructions that must be made to trap so that the theorems hold.
    Repair(Repair),
    /// Write down why each answer is right: witnesses, proofs, and what the theorems follow from.
    Prove(Prove),
    /// Check a certificate against a specification, trusting neither solver nor prover.
    Verify(Verify),
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
    /// Leave undecided what takes longer than this in all; without it effort is bounded in
    /// deterministic units.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<std::time::Duration>,
    /// Write every obligation for other solvers to answer: `smt2=DIR` writes SMT-LIB 2 files
    /// DIR/pair/instruction/question.smt2, with our answer as `:status`. Takes one specification
    /// and one profile; DIR must be new or empty. `classification=FILE` writes what `refvmm` has to
    /// know before it constructs a monitor; `guest=FILE` a program that tells the real machine from
    /// a monitored one, where one was found.
    #[arg(long, value_name = "KIND=PATH", value_parser = emit)]
    emit: Option<Emit>,
}

const NO_GUEST: &str =
    "no guest program was found that tells the real machine from a monitored one";

/// What to write besides the report.
#[derive(Debug, Clone)]
enum Emit {
    Smt2(PathBuf),
    Classification(PathBuf),
    Guest(PathBuf),
}

fn emit(value: &str) -> Result<Emit, String> {
    match value.split_once('=').filter(|(_, path)| !path.is_empty()) {
        Some(("smt2", directory)) => Ok(Emit::Smt2(directory.into())),
        Some(("classification", file)) => Ok(Emit::Classification(file.into())),
        Some(("guest", file)) => Ok(Emit::Guest(file.into())),
        _ => Err("it reads smt2=DIR, classification=FILE or guest=FILE".into()),
    }
}

const PROVE: &str = "\
Example:
  analyze prove isa-specs/g3.yaml --certificate g3-certificate
  analyze verify g3-certificate isa-specs/g3.yaml

Exit codes: 0 written, 2 could not run, 3 written, and something is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = PROVE)]
struct Prove {
    /// Specification in YAML.
    spec: String,
    /// Directory to write; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    certificate: std::path::PathBuf,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    profile: Profile,
    /// Judge one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pair: Option<String>,
    /// Write each formula beside its proof in DIMACS format, for other checkers.
    #[arg(long)]
    dimacs: bool,
    /// Leave undecided what takes longer than this in all.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<std::time::Duration>,
}

const VERIFY: &str = "\
The certificate has to be one of this specification, of the profile and of the pairs asked for.

Exit codes: 0 right, 1 rejected, 2 could not run, or no certificate that can be read,
3 right, and something is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY)]
struct Verify {
    /// Directory that `analyze prove` wrote.
    certificate: std::path::PathBuf,
    /// Specification in YAML.
    spec: String,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    profile: Profile,
    /// The pair of modes that was judged, if not all were: its supervisor mode, or
    /// `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pair: Option<String>,
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is expected".to_owned())?;
    std::time::Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

const REPAIR: &str = "\
Example:
  analyze repair isa-specs/m68000.yaml --output isa-specs/m68000-repaired.yaml
  analyze check isa-specs/m68000-repaired.yaml

The overlay makes the instructions trap, before anything else, in every mode but the supervisor mode.

Exit codes: 0 repaired and checked, or nothing to repair, 1 no such set is enough,
2 could not run, 3 undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = REPAIR)]
struct Repair {
    /// Specification in YAML.
    spec: String,
    /// How to print the result.
    #[arg(long, default_value = "text")]
    format: Format,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    profile: Profile,
    /// Repair one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pair: Option<String>,
    /// Write the overlay there instead of printing it.
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Write over an existing file.
    #[arg(long, requires = "output")]
    force: bool,
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

/// Commands other than `check` look at one profile.
fn one_profile() -> impl TypedValueParser<Value = Profile> {
    let words = PossibleValuesParser::new(Profile::ALL.iter().map(|profile| profile.word()));
    words.try_map(|word| {
        let named = Profile::ALL.iter().find(|profile| profile.word() == word);
        named.copied().ok_or("there is no such profile")
    })
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
    if !matches!(arguments.command, Command::Verify(_)) {
        on_interrupt();
    }
    let exit = match arguments.command {
        Command::Check(check) => run_check(&check),
        Command::Explain { spec, instruction, profile } => explain(&spec, &instruction, profile),
        Command::Repair(repair) => run_repair(&repair).unwrap_or_else(|error| {
            let _ = writeln!(std::io::stderr(), "{}: {error}", repair.spec);
            Exit::CouldNotRun
        }),
        Command::Prove(prove) => run_prove(&prove),
        Command::Verify(verify) => run_verify(&verify),
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
        "explain",
        "repair",
        "prove",
        "verify",
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

fn open(path: &str) -> Result<String, String> {
    const LARGEST: u64 = 64 << 20;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    // A pipe or a device has no length: what comes is counted.
    let read = file.take(LARGEST + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
    if read as u64 > LARGEST {
        return Err(format!("more than {LARGEST} bytes are too many for a specification"));
    }
    Ok(text)
}

fn load(path: &str, sources: &mut Sources) -> Option<Isa> {
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
    if check.emit.is_some() && (check.specs.len() > 1 || check.profile.profiles().len() > 1) {
        let _ = writeln!(std::io::stderr(), "--emit takes one specification and one profile");
        return Exit::CouldNotRun;
    }
    for (i, spec) in check.specs.iter().enumerate() {
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
        if let Err(error) = known_pair(&isa, check.pair.as_deref()) {
            let _ = writeln!(std::io::stderr(), "{spec}: {error}");
            exit = exit.worse(Exit::CouldNotRun);
            continue;
        }
        let judge = |profile: &Profile| {
            let options =
                Options { profile: *profile, pair: check.pair.as_deref(), timeout: check.timeout };
            let failed = |to: &Path, error: std::io::Error| {
                format!("cannot write {}: {error}", to.display())
            };
            if let Some(Emit::Smt2(to)) = &check.emit {
                return smtlib::emit(&isa, &sources, options, to, &progress())
                    .map_err(|error| failed(to, error));
            }
            let report = analyze(&isa, &sources, options, &progress());
            let (to, text) = match &check.emit {
                Some(Emit::Classification(to)) => {
                    (to, report.classification(&isa, &sources).text())
                }
                Some(Emit::Guest(to)) => (to, report.guest().ok_or(NO_GUEST)?),
                Some(Emit::Smt2(_)) | None => return Ok(report),
            };
            files::write_whole(to, text.as_bytes()).map_err(|error| failed(to, error))?;
            Ok(report)
        };
        let judged: Result<Vec<Report>, String> =
            check.profile.profiles().iter().map(judge).collect();
        let judged = match judged {
            Ok(judged) => judged,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "{error}");
                return Exit::CouldNotRun;
            }
        };
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

fn known_pair(isa: &Isa, name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if !isa.pairs.iter().any(|p| analyzer::names_pair(name, p)) => {
            let all: Vec<String> =
                isa.pairs.iter().map(|p| format!("{}:{}", p.supervisor.0, p.user.0)).collect();
            Err(format!("there is no pair `{name}`; the pairs: {}", all.join(", ")))
        }
        _ => Ok(()),
    }
}

fn run(isa: &Isa, sources: &Sources, options: Options<'_>) -> Report {
    analyze(isa, sources, options, &progress())
}

fn run_prove(it: &Prove) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Exit::CouldNotRun };
    if let Err(error) = known_pair(&isa, it.pair.as_deref()) {
        return could_not_run(&it.spec, &error);
    }
    let profile = it.profile;
    let options = Options { profile, pair: it.pair.as_deref(), timeout: it.timeout };
    match certificate::prove(&isa, &sources, options, &it.certificate, it.dimacs, &progress()) {
        Err(error) => could_not_run(&it.certificate.display().to_string(), &error.to_string()),
        Ok(proved) => {
            let place = it.certificate.display();
            let exit = print(&format!("{}: certificate in {place}\n{proved}\n", isa.name));
            if proved.open > 0 { exit.worse(Exit::Undecided) } else { exit }
        }
    }
}

fn run_verify(it: &Verify) -> Exit {
    use std::fmt::Write as _;
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Exit::CouldNotRun };
    if let Err(error) = known_pair(&isa, it.pair.as_deref()) {
        return could_not_run(&it.spec, &error);
    }
    let profile = it.profile;
    let options = Options { profile, pair: it.pair.as_deref(), timeout: None };
    let checked = certificate::verify(&isa, &sources, options, &it.certificate, &progress());
    let verified = match checked {
        Err(error) => return could_not_run(&it.spec, &error),
        Ok(verified) => verified,
    };
    let name = &isa.name;
    if !verified.wrong.is_empty() {
        const SHOWN: usize = 20;
        let all = verified.wrong.len();
        let mut text = format!(
            "{name}: the certificate is rejected, {all} finding{}\n",
            if all == 1 { "" } else { "s" }
        );
        for why in verified.wrong.iter().take(SHOWN) {
            let _ = writeln!(text, "  {why}");
        }
        if all > SHOWN {
            let _ = writeln!(text, "  and {} more", all - SHOWN);
        }
        return print(&text).worse(Exit::Unmet);
    }
    let which = format!("profile {}", profile.word());
    let mut text = format!("{name}: the certificate is right ({which})\n{}\n", verified.proved);
    for (pair, theorem, premise, verdict) in &verified.follows {
        let _ = writeln!(text, "  {pair} {theorem}: {verdict} (premise {premise})");
    }
    let exit = print(&text);
    if verified.proved.open > 0 { exit.worse(Exit::Undecided) } else { exit }
}

fn could_not_run(what: &str, why: &str) -> Exit {
    let _ = writeln!(std::io::stderr(), "{what}: {why}");
    Exit::CouldNotRun
}

/// Progress on standard error, if that is a terminal and it takes more than a second.
fn progress() -> impl Fn(usize, usize) + Sync {
    let start = std::time::Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let shown = std::sync::Mutex::new(0);
    move |done: usize, total: usize| {
        let Ok(mut shown) = shown.lock() else { return };
        // Instructions are done side by side: a number that comes late is not printed.
        if terminal && start.elapsed().as_secs() >= 1 && done > *shown {
            *shown = done;
            let end = if done == total { "\r\x1b[K" } else { "" };
            let _ = write!(std::io::stderr(), "\r{done} of {total} instructions{end}");
        }
    }
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
    // What can be saved is part of Theorem 2, which counts where something is expected of it.
    let saving = report.pairs.iter().filter_map(|p| p.theorems.recursive.dispatcher.as_ref());
    let saving: u64 = saving.map(|it| it.open).sum();
    if undecided || !report.unmet.is_empty() || report.summary.counts.undecided > saving {
        return Exit::Undecided;
    }
    Exit::Fine
}

fn explain(spec: &str, instruction: &str, profile: Profile) -> Exit {
    let mut sources = Sources::default();
    let Some(isa) = load(spec, &mut sources) else { return Exit::CouldNotRun };
    if isa.class(instruction).is_none() {
        let names = || isa.classes.iter().map(|c| c.name.as_str());
        let case = |name: &&str| name.split('[').next() == Some(instruction);
        let cases: Vec<&str> = names().filter(case).collect();
        let help = if cases.is_empty() {
            model::diagnostic::did_you_mean(instruction, names())
                .unwrap_or_else(|| format!("`analyze --all {spec}` lists them"))
        } else {
            format!("its cases are judged one by one: {}", cases.join(", "))
        };
        let _ =
            writeln!(std::io::stderr(), "{spec}: there is no instruction `{instruction}`; {help}");
        return Exit::CouldNotRun;
    }
    let report = run(&isa, &sources, Options { profile, pair: None, timeout: None });
    let exit = if analyzer::stopped() { Exit::Undecided } else { Exit::Fine };
    exit.worse(print(&text::explain(&report, instruction, Detail { all: true, color: color() })))
}

fn run_repair(it: &Repair) -> Result<Exit, String> {
    let path = it.output.clone().unwrap_or_else(|| format!("{} (repaired)", it.spec));
    let exists = it.output.is_some() && Path::new(&path).exists();
    if exists && !it.force {
        return Err(format!("{path} exists; `--force` writes over it"));
    }
    let mut sources = Sources::default();
    let Some(isa) = load(&it.spec, &mut sources) else { return Ok(Exit::CouldNotRun) };
    let extends = from_folder_of(&path, &it.spec)?;
    let target = Path::new(&path).canonicalize().ok();
    if exists && sources.files.iter().any(|f| Path::new(&f.path).canonicalize().ok() == target) {
        return Err(format!("{path} is what the overlay would extend"));
    }
    known_pair(&isa, it.pair.as_deref())?;
    let report = run(
        &isa,
        &sources,
        Options { profile: it.profile, pair: it.pair.as_deref(), timeout: None },
    );
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
