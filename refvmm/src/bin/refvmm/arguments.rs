//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use refvmm::computer::EngineKind;
use refvmm::vmm::Kind;

/// Runs guests on the machine of a specification: bare, under a virtual machine monitor or a hybrid
/// one, nested, step by step, and side by side.
#[derive(Debug, Parser)]
#[command(name = "refvmm", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  refvmm run isa-specs/g3.yaml refvmm/guests/g3/os.s
  refvmm run isa-specs/g3.yaml refvmm/guests/g3/os.s --monitor vmm --depth 3 --statistics
  refvmm trace isa-specs/g3.yaml refvmm/guests/g3/os.s --monitor vmm --from 1000 --steps 20
  refvmm compare isa-specs/pdp10.yaml refvmm/guests/pdp10/jrst1.s --anyway
  refvmm step isa-specs/g3.yaml refvmm/guests/g3/hello.s
  refvmm snapshot isa-specs/g3.yaml refvmm/guests/g3/os.s --at 1000 -o os.vm
  refvmm restore isa-specs/g3.yaml os.vm --monitor hybrid

A guest is a program in assembly, or a snapshot. A monitor needs grounds: the classification
of the specification, which `analyze check SPEC --emit classification=FILE` writes. It keeps
the bits and watches the assumptions that the verdict depends on: a guest that breaks one is
stopped before it runs directly.

Exit codes: 0 halted, or no difference; 1 the machines differ; 2 could not run, or a guest broke
what the monitor's verdict assumes; 3 undecided: the limit of steps was reached, or nobody says
what an instruction does";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run guests; their console is standard output.
    Run(Run),
    /// Show each instruction and what it changed.
    Trace(Trace),
    /// Run a guest on the bare machine and under a monitor, and show where it could tell.
    Compare(Compare),
    /// Step forwards and backwards, by commands from standard input.
    Step(Step),
    /// Assemble a program: a listing, or a snapshot of the machine before its first instruction.
    Asm(Asm),
    /// Disassemble a program or a snapshot.
    Disasm(Disasm),
    /// Run a guest for some instructions and write it to a file.
    Snapshot(Snapshot),
    /// Run guests from a snapshot, on any engine, under any monitor.
    Restore(Run),
    /// Execute single instructions: states from standard input, a JSON object a line.
    Eval(Eval),
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

/// A machine and a guest.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// Specification in YAML.
    pub(crate) spec: String,
    /// Program in assembly, or a snapshot.
    pub(crate) guest: PathBuf,
}

/// On what a guest runs.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// The control program.
    #[arg(long, default_value = "none")]
    pub(crate) monitor: Monitor,
    /// How many control programs, one on the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = depth())]
    pub(crate) depth: u64,
    /// Cells of each guest. [default: the snapshot's; else 16384, or a quarter of the machine's]
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) cells: Option<u64>,
    /// What runs instructions.
    #[arg(long, default_value = EngineKind::default().name(), value_parser = engine())]
    pub(crate) engine: EngineKind,
    #[command(flatten)]
    pub(crate) grounds: Authorization,
}

/// Why a monitor may be set up.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Authorization {
    /// Set the monitor up even where its guests can tell; it then keeps and watches nothing.
    #[arg(long)]
    pub(crate) anyway: bool,
    /// What is known of the machine. [default: SPEC with `.classification.json` for `.yaml`]
    #[arg(long, value_name = "FILE")]
    pub(crate) classification: Option<PathBuf>,
}

/// A control program, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Monitor {
    /// The bare machine.
    None,
    /// Everything runs directly until it traps (Theorem 1).
    Vmm,
    /// Virtual supervisor code is interpreted (Theorem 3).
    Hybrid,
}

impl Monitor {
    /// The control program.
    pub(crate) fn kind(self) -> Option<Kind> {
        match self {
            Self::None => None,
            Self::Vmm => Some(Kind::Vmm),
            Self::Hybrid => Some(Kind::Hybrid),
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Vmm => "vmm",
            Self::Hybrid => "hybrid",
        }
    }
}

/// How to print results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs; the keys are stable.
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) how: How,
    /// How many copies of the guest share the machine; each line of output says whose it is.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = guests())]
    pub(crate) guests: u64,
    /// Instructions until the next guest's turn.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = positive())]
    pub(crate) quantum: u64,
    #[command(flatten)]
    pub(crate) limit: Limit,
    /// Print what became of the instructions, and what trapped. Machine 1 is the one that the lowest
    /// of several control programs makes.
    #[arg(long)]
    pub(crate) statistics: bool,
    /// How to print the result; JSON holds the output too.
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
}

/// When to give up.
#[derive(Debug, clap::Args)]
pub(crate) struct Limit {
    /// Most instructions of a guest, from its start; 0 for no limit.
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000, value_parser = number)]
    max_steps: u64,
}

impl Limit {
    /// The limit.
    pub(crate) fn steps(&self) -> u64 {
        if self.max_steps == 0 { u64::MAX } else { self.max_steps }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) how: How,
    /// First instruction to show, counted from 0.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number)]
    pub(crate) from: u64,
    /// How many instructions to show. [default: all]
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) steps: Option<u64>,
    #[command(flatten)]
    pub(crate) limit: Limit,
    /// How to print the result; JSON has one object a line.
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
}

const COMPARE: &str = "\
The bare machine and the monitor's virtual machine run the same guest. The first instruction after
which their states differ is a square that does not commute: f(i(S)) is not what i makes of f(S).
A monitor needs grounds here too; where there are none, `--anyway` shows why.

Exit codes: 0 no difference, 1 the machines differ, 2 could not run, or the guest broke what the
monitor's verdict assumes, 3 no difference until the limit of steps was reached, or nobody says
what an instruction does";

#[derive(Debug, clap::Args)]
#[command(after_help = COMPARE)]
pub(crate) struct Compare {
    #[command(flatten)]
    pub(crate) what: What,
    /// The control program.
    #[arg(long, default_value = "vmm", value_parser = monitors())]
    pub(crate) monitor: Monitor,
    /// How many control programs, one on the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = depth())]
    pub(crate) depth: u64,
    /// Cells of the guest. [default: the snapshot's; else 16384, or a quarter of the machine's]
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) cells: Option<u64>,
    /// What runs instructions.
    #[arg(long, default_value = EngineKind::default().name(), value_parser = engine())]
    pub(crate) engine: EngineKind,
    #[command(flatten)]
    pub(crate) grounds: Authorization,
    /// Most instructions.
    #[arg(long, value_name = "N", default_value_t = 10_000_000, value_parser = positive())]
    pub(crate) max_steps: u64,
    /// How to print the result.
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = crate::step::HELP)]
pub(crate) struct Step {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) how: How,
    /// Instruction to begin at.
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) at: Option<u64>,
}

const EVAL: &str = "\
Each line of standard input is a state and an instruction:
  {\"class\": \"add\", \"operands\": {\"d\": 1, \"s\": 2, \"t\": 3}, \"registers\": {\"r\": {\"2\": 5}}}
  {\"registers\": {\"pc\": 8, \"mode\": 1}, \"storage\": {\"8\": \"0x07220000\"}}
`class` is a decode class as reports name them; without it the instruction is the one at P.
`registers` takes a number, a register file as a list or by index, and fields (`sr.s`);
`storage` goes by physical cell; what is left out is 0. `cells` is the size of storage, and
`undefined` the value of what the architecture leaves open. Numbers may be strings, in
hexadecimal too.

Each line of standard output is what became of it:
  {\"outcome\": \"completes\", \"class\": \"add\", \"registers\": {\"pc\": 1, \"r\": {\"1\": 5}}, \"storage\": {}}
with what has changed; the outcome is completes, traps (then the state is the one behind the
trap sequence), unpredictable, unknown, or error with its reason.

Exit codes: 0 every line was understood, 2 one was not";

#[derive(Debug, clap::Args)]
#[command(after_help = EVAL)]
pub(crate) struct Eval {
    /// Specification in YAML; it needs no encodings.
    pub(crate) spec: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Asm {
    /// Specification in YAML.
    pub(crate) spec: String,
    /// Program in assembly.
    pub(crate) program: PathBuf,
    /// Write a snapshot of the machine before its first instruction.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Cells of the machine in the snapshot. [default: 16384, or a quarter of the machine's]
    #[arg(long, value_name = "N", requires = "output", value_parser = number)]
    pub(crate) cells: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Disasm {
    #[command(flatten)]
    pub(crate) what: What,
    /// First cell. [default: that of the program, or all that are not 0]
    #[arg(long, value_name = "CELL", value_parser = number)]
    pub(crate) from: Option<u64>,
    /// How many cells. [default: to the end]
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) cells: Option<u64>,
}

const SNAPSHOT: &str = "\
The file holds the virtual machine in its own terms, so that it goes on anywhere:
  refvmm snapshot isa-specs/g3.yaml refvmm/guests/g3/os.s --at 1000 -o os.vm
  refvmm restore isa-specs/g3.yaml os.vm --monitor vmm --depth 2

What the guest prints until then goes to standard output.";

#[derive(Debug, clap::Args)]
#[command(after_help = SNAPSHOT)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) how: How,
    /// Instructions to run before, counted from the guest's start.
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) at: u64,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// A number as written in programs: decimal, hexadecimal or octal.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let (digits, radix) = match text.split_at_checked(2) {
        Some(("0x", digits)) => (digits, 16),
        Some(("0o", digits)) => (digits, 8),
        _ => (text, 10),
    };
    u64::from_str_radix(digits, radix).map_err(|e| e.to_string())
}

fn positive() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..)
}

/// So many that the host's own stack has room for them.
fn depth() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..=64)
}

fn guests() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(1..=1024)
}

fn engine() -> impl TypedValueParser<Value = EngineKind> {
    PossibleValuesParser::new(EngineKind::ALL.map(EngineKind::name))
        .map(|name| EngineKind::ALL.into_iter().find(|e| e.name() == name).unwrap_or_default())
}

fn monitors() -> impl TypedValueParser<Value = Monitor> {
    PossibleValuesParser::new(["vmm", "hybrid"])
        .map(|name| if name == "vmm" { Monitor::Vmm } else { Monitor::Hybrid })
}
