//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use model::isa::Profile;
use model::property::Property;
use model::theorem::Theorem;

/// Decides which instructions of a machine are privileged and which are sensitive, and whether a
/// virtual machine monitor, a recursive one or a hybrid one can be built for it.
#[derive(Debug, Parser)]
#[command(name = "analyze", version, after_help = EXAMPLES, override_usage = "analyze SPEC...\n       analyze <COMMAND>")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  analyze isa-specs/x86-legacy.yaml            the verdicts, with a witness for each offender
  analyze check --format json g3.yaml          the same as data
  analyze check --profile literal --all g3.yaml
  analyze check g3.yaml --emit smt2=obligations
  analyze check core.yaml --require vmm --baseline known.json --format github
  analyze check g3.yaml --emit classification=g3.classification.json
  analyze explain isa-specs/pdp10.yaml 'jrst[1]'
  analyze diff isa-specs/m68000.yaml isa-specs/m68010.yaml
  analyze repair isa-specs/m68000.yaml         what must trap so that the theorems hold
  analyze prove isa-specs/g3.yaml --certificate g3-certificate
  analyze verify g3-certificate isa-specs/g3.yaml
  analyze check isa-specs/pdp10.yaml --format html > pdp10.html
  analyze list                                 all machines, a line for each pair of modes
  analyze atlas --html atlas                   all machines as a site
  analyze traps isa-specs/riscv.yaml mret      what completes and what traps, in which mode
  analyze graph isa-specs/x86-legacy.yaml --format dot
  analyze new my-machine                       starts a specification
  analyze grade isa-specs/pdp10.yaml ada.csv   claims of a student against the verdict
  analyze import riscv-unified-db DIR -o rv64.yaml   a machine that others describe
  analyze schema > specification.schema.json   completion for editors

Exit codes: 0 all expectations hold, 1 one fails, 2 could not run, 3 undecided

Ctrl-C prints what is known so far; a second one ends the program at once (130).";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge specifications and check what they expect (the default command).
    Check(Check),
    /// Explain an instruction, an error or a finding, or write out the proof of each theorem.
    Explain(Explain),
    /// Compare two specifications: verdicts, classes, and what each instruction does.
    Diff(Diff),
    /// Find the smallest set of instructions that must be made to trap so that the theorems hold.
    Repair(Repair),
    /// Write down why each answer is right: witnesses, proofs, and what the theorems follow from.
    Prove(Prove),
    /// Check a certificate against a specification, trusting neither solver nor prover.
    Verify(Verify),
    /// Make a specification of a machine that others describe in a language of their own.
    Import(Import),
    /// Print machines side by side: year, verdicts, offending instructions.
    List(List),
    /// Write all machines as a site: a matrix, a timeline, a page each.
    Atlas(Atlas),
    /// Print what completes and what traps, in which mode and under which control bits.
    Traps(Traps),
    /// Print the graph of modes: which instructions and traps lead from one to another.
    Graph {
        /// Specification in YAML.
        spec: String,
        /// How to print the graph.
        #[arg(long, default_value = "text")]
        format: GraphFormat,
    },
    /// Grade tables of claims about a machine against the derived verdict.
    Grade(Grade),
    /// Start a specification: a commented file NAME.yaml that already analyzes.
    #[command(after_help = NEW)]
    New {
        /// The name of the machine; the file NAME.yaml must not exist.
        name: String,
    },
    /// Print the definitions the answers refer to.
    Definitions,
    /// Print the JSON Schema of the specification language.
    Schema {
        /// Print that of what `analyze check` writes as JSON instead.
        #[arg(long)]
        report: bool,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages and completion scripts (bash, zsh, fish) where `man` and the shells look for them.
    Install {
        /// The folder below which they go. [default: ~/.local]
        prefix: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Specifications in YAML.
    #[arg(required = true, value_name = "SPEC")]
    pub(crate) specs: Vec<String>,
    /// How to print the result.
    #[arg(long, default_value = "text")]
    pub(crate) format: CheckFormat,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined")]
    pub(crate) profile: ProfileArgument,
    /// Fail unless the theorem holds for every pair of modes.
    #[arg(long, value_name = "THEOREM", value_delimiter = ',', value_parser = theorem())]
    pub(crate) require: Vec<Theorem>,
    /// A theorem that holds under conditions (*if the monitor keeps …*, *while …*) does not meet `--require`.
    #[arg(long, requires = "require")]
    pub(crate) unconditional: bool,
    /// Fail if there is a finding that this file does not know.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<String>,
    /// Write the findings of today to a file for `--baseline`: a new one, or over an older baseline.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<String>,
    /// Judge one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
    /// Print every instruction and every witness.
    #[arg(long)]
    pub(crate) all: bool,
    /// Point out what a careful author would not leave out: expectations, sources, components
    /// that nothing uses, a call that saves its own P; each counts like an expectation that fails.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Leave undecided what takes longer than this in all; without it effort is bounded in
    /// deterministic units.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
    /// Write every obligation for other solvers to answer: `smt2=DIR` writes SMT-LIB 2 files
    /// DIR/pair/instruction/question.smt2, with our answer as `:status`. Takes one specification
    /// and one profile; DIR must be new or empty. `classification=FILE` writes what `refvmm` has to
    /// know before it constructs a monitor; `guest=FILE` a program that tells the real machine from
    /// a monitored one, where one was found.
    #[arg(long, value_name = "KIND=PATH", value_parser = emit)]
    pub(crate) emit: Option<Emit>,
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
}

/// What to write besides the report.
#[derive(Debug, Clone)]
pub(crate) enum Emit {
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

const LIST: &str = "\
Examples:
  analyze list                                 the machines in the folder isa-specs
  analyze list isa-specs/m68000.yaml isa-specs/m68010.yaml
  analyze list --format markdown my-machines

Exit codes: 0 every machine is listed, whatever its verdict; 2 one could not be read";

#[derive(Debug, clap::Args)]
#[command(after_help = LIST)]
pub(crate) struct List {
    /// Specifications in YAML, or folders of them.
    #[arg(value_name = "SPEC", default_value = "isa-specs")]
    pub(crate) specs: Vec<String>,
    /// How to print the table.
    #[arg(long, default_value = "text")]
    pub(crate) format: ListFormat,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
}

const GRADE: &str = "\
Examples:
  analyze grade isa-specs/pdp10.yaml ada.csv blaise.csv
  analyze grade isa-specs/pdp10.yaml hand-ins/*.csv --ask privileged,sensitive --format json

A table has lines `jrst[1],privileged,no` and `theorem 1,holds,no` (or `theorem 1,premise,no`); commas, semicolons or
tabs; `#` begins a comment. In YAML it is `jrst[1]: {privileged: no, sensitive: yes}` and `theorem 1: {holds: no}`.
A claim that is wrong is answered with states that speak against it, where there are such states, not with the answer.

Exit codes: 0 graded, whatever the scores; 2 could not run, or a table has an error (the others are graded);
3 a claim was not graded, because it is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = GRADE)]
pub(crate) struct Grade {
    /// Specification of the machine that the claims are about.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// Tables of claims, CSV or YAML.
    #[arg(required = true, value_name = "STUDENT")]
    pub(crate) students: Vec<String>,
    /// How to print the grades.
    #[arg(long, default_value = "text")]
    pub(crate) format: GradeFormat,
    /// Properties of which every instruction needs a claim; one that is missing counts as wrong.
    #[arg(long, value_name = "PROPERTY", value_delimiter = ',', value_parser = property())]
    pub(crate) ask: Vec<Property>,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    /// The pair of modes that the claims are about: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GradeFormat {
    Text,
    Json,
}

/// A property by its word.
fn property() -> impl TypedValueParser<Value = Property> {
    PossibleValuesParser::new(Property::ALL.map(Property::word))
        .try_map(|word| Property::of_word(&word).ok_or("there is no such property"))
}

const NEW: &str = "\
Example:
  analyze new my-machine && analyze my-machine.yaml

Exit codes: 0 written, 2 could not run, or the file exists";

const ATLAS: &str = "\
Examples:
  analyze atlas --html atlas                   the machines in the folder isa-specs
  analyze atlas --html course isa-specs/g3.yaml isa-specs/pdp10.yaml

Open DIR/index.html. The pages need no network and no server, and can be read without their script.

Exit codes: 0 every machine is shown, whatever its verdict; 2 one could not be read, or DIR could not be written;
3 interrupted: what was not analyzed is missing";

#[derive(Debug, clap::Args)]
#[command(after_help = ATLAS)]
pub(crate) struct Atlas {
    /// Directory to write; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) html: PathBuf,
    /// Specifications in YAML, or folders of them.
    #[arg(value_name = "SPEC", default_value = "isa-specs")]
    pub(crate) specs: Vec<String>,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
}

const IMPORT: &str = "\
Examples:
  analyze import riscv-unified-db riscv-unified-db -o rv64.yaml
  analyze import riscv-unified-db riscv-unified-db --config cfgs/qc_iu.yaml -o qc_iu.yaml
  analyze import riscv-unified-db my-fork --extensions I,M,Zicsr,Sm,S,U -o core.yaml
  analyze my-fork                              imports and judges in one go
  analyze traps my-fork mret                   what completes and what traps, by the code alone

The folder is a checkout of the database, or what is below its `spec/std/isa`. Whatever reads a specification reads such
a folder, too.

Exit codes: 0 everything is translated; 2 could not run, or nothing can be imported; 3 something stays unknown";

/// A machine in another language.
#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) from: ImportFrom,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportFrom {
    /// A folder of the RISC-V Unified Database: instructions and CSRs in YAML, with code in IDL.
    RiscvUnifiedDb(UnifiedDb),
}

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT)]
pub(crate) struct UnifiedDb {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: String,
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// Write the specification there instead of printing it.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<String>,
    /// Write over an existing file.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// What is taken of a folder of the RISC-V Unified Database.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Where SPEC is a folder of the RISC-V Unified Database")]
pub(crate) struct DatabaseArguments {
    /// Configuration in the database's own form: extensions and parameters. [default: RV64 with M, S and U mode]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// Extensions instead of those of the configuration, or with `+` before them besides; what they ask for is added.
    #[arg(long, value_name = "EXTENSION", value_delimiter = ',')]
    pub(crate) extensions: Option<Vec<String>>,
    /// Files of `spec/custom/isa/NAME` over the standard ones, instead of those of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) overlay: Option<String>,
    /// Whether `access: never` is a guard before the code.
    #[arg(long, default_value = "code")]
    pub(crate) reading: ReadingArgument,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadingArgument {
    /// The code alone counts.
    #[default]
    Code,
    /// Where `access:` says `never`, the instruction traps before its code.
    Declared,
}

const TRAPS: &str = "\
Examples:
  analyze traps isa-specs/x86-legacy.yaml popf cli
  analyze traps isa-specs/riscv.yaml csrrs --format markdown
  analyze traps isa-specs/m68010.yaml --format json

Each line holds for all states that the specification's assumptions admit. Where several
things can happen under the same conditions, JSON has a state for each. Latex needs the
packages longtable and booktabs.

Exit codes: 0 the table is printed; 2 could not run, or no such instruction;
3 something is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = TRAPS)]
pub(crate) struct Traps {
    /// Specification in YAML.
    pub(crate) spec: String,
    /// Instructions: all cases of one, or one case; without any, all instructions.
    #[arg(value_name = "INSTRUCTION")]
    pub(crate) instructions: Vec<String>,
    /// How to print the table.
    #[arg(long, default_value = "text")]
    pub(crate) format: TrapsFormat,
    /// Leave undecided what takes longer than this in all.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrapsFormat {
    Text,
    Markdown,
    Latex,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Markdown,
    Json,
}

const EXPLAIN: &str = "\
Examples:
  analyze explain isa-specs/pdp10.yaml move
  analyze explain isa-specs/pdp10.yaml jrst        its cases; 'jrst[1]' is one of them
  analyze explain isa-specs/pdp10.yaml --proof --format html > pdp10.html
  analyze explain V001                             a finding; C013 an error

Exit codes: 0 explained, 2 could not run, 3 interrupted";

#[derive(Debug, clap::Args)]
#[command(after_help = EXPLAIN, override_usage = "analyze explain SPEC INSTRUCTION\n       analyze explain SPEC --proof\n       analyze explain CODE")]
pub(crate) struct Explain {
    /// Specification in YAML, or the code of an error or a finding.
    #[arg(value_name = "SPEC|CODE")]
    pub(crate) subject: String,
    /// Name of the instruction or of one of its cases; upper and lower case are one.
    pub(crate) instruction: Option<String>,
    /// Write out the proof or refutation of each theorem, as a document.
    #[arg(long, conflicts_with = "instruction")]
    pub(crate) proof: bool,
    /// What the document is written in.
    #[arg(long, default_value = "markdown", requires = "proof")]
    pub(crate) format: ProofFormat,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProofFormat {
    Markdown,
    /// An article; `longtable` is the only package it needs.
    Latex,
    /// A page that needs no other file.
    Html,
}

const DIFF: &str = "\
Examples:
  analyze diff isa-specs/m68000.yaml isa-specs/m68010.yaml
  analyze diff base.yaml extended.yaml --format json

A regression is a verdict that is worse than before (holds, and now undecided, is worse)
or has a condition more; or an instruction that is not privileged and is now sensitive, user
sensitive or not confined, or goes wrong under a monitor.

Exit codes: 0 no regression; 1 a regression (with --identical: anything that is different);
2 could not run; 3 something else is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = DIFF)]
pub(crate) struct Diff {
    /// Specification of the old machine.
    pub(crate) old: String,
    /// Specification of the new one.
    pub(crate) new: String,
    /// How to print the difference.
    #[arg(long, default_value = "text")]
    pub(crate) format: DiffFormat,
    /// Print what is the same, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Anything that is different counts like a regression.
    #[arg(long)]
    pub(crate) identical: bool,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    /// Judge one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
    /// Leave undecided what takes longer than this in all.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations of GitHub Actions: regressions, at the lines of the new specification.
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A line for each pair of modes.
    Text,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
}

const PROVE: &str = "\
Example:
  analyze prove isa-specs/g3.yaml --certificate g3-certificate
  analyze verify g3-certificate isa-specs/g3.yaml

Exit codes: 0 written, 2 could not run, 3 written, and something is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = PROVE)]
pub(crate) struct Prove {
    /// Specification in YAML.
    pub(crate) spec: String,
    /// Directory to write; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificate: PathBuf,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    /// Judge one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
    /// Write each formula beside its proof in DIMACS format, for other checkers.
    #[arg(long)]
    pub(crate) dimacs: bool,
    /// Leave undecided what takes longer than this in all.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
}

const VERIFY: &str = "\
The certificate has to be one of this specification, of the profile and of the pairs asked for.

Exit codes: 0 right, 1 rejected, 2 could not run, or no certificate that can be read,
3 right, and something is undecided";

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY)]
pub(crate) struct Verify {
    /// Directory that `analyze prove` wrote.
    pub(crate) certificate: PathBuf,
    /// Specification in YAML.
    pub(crate) spec: String,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    /// The pair of modes that was judged, if not all were: its supervisor mode, or
    /// `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
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
pub(crate) struct Repair {
    /// Specification in YAML.
    pub(crate) spec: String,
    /// How to print the result.
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// Reading of the definitions.
    #[arg(long, default_value = "refined", value_parser = one_profile())]
    pub(crate) profile: Profile,
    /// Repair one pair of modes only: its supervisor mode, or `supervisor:user`.
    #[arg(long, value_name = "MODE")]
    pub(crate) pair: Option<String>,
    /// Write the overlay there instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<String>,
    /// Write over an existing file.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One line per theorem.
    Concise,
    /// For programs; the keys are stable.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// One line per theorem.
    Concise,
    /// For programs; the keys are stable. One object for one report, a list for several, nothing where no
    /// specification can be read.
    Json,
    /// The same reports, always as one object: `{"schema": 1, "reports": [...]}`.
    Reports,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// `JUnit` XML, for test reports.
    Junit,
    /// Tables for a job summary or a comment.
    Markdown,
    /// A table of all machines for a paper.
    Latex,
    /// A page to look at, in one file that needs no other: pictures, witnesses, proof, traps, source.
    Html,
}

/// A theorem by its key.
fn theorem() -> impl TypedValueParser<Value = Theorem> {
    PossibleValuesParser::new(Theorem::ALL.map(Theorem::key)).try_map(|word| {
        Theorem::ALL.into_iter().find(|it| it.key() == word).ok_or("there is no such theorem")
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArgument {
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
    pub(crate) fn profiles(self) -> &'static [Profile] {
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
