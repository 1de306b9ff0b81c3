//! Machines and guests from files.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::diagnostic::{Diagnostic, Sources};
use model::isa::{Assumption, Isa, Profile};
use refvmm::asm::{Image, assemble};
use refvmm::classification::{Classification, fingerprint};
use refvmm::computer::{Authorization, Computer, Progress, Setup};
use refvmm::engine::{Breach, Why};
use refvmm::files::read_bounded;
use refvmm::layout::MachineLayout;
use refvmm::snapshot::{self, Snapshot};
use refvmm::specification::{MAX_BYTES, locate, open};

use crate::arguments::{How, What};
use crate::{Failure, Outcome};

/// A specification that runs guests.
pub(crate) struct Machine {
    spec: String,
    sources: Sources,
    pub(crate) layout: Arc<MachineLayout>,
}

/// What is put into a machine.
pub(crate) enum Guest {
    Program(Program),
    Snapshot(Snapshot),
}

/// A program with its text.
pub(crate) struct Program {
    pub(crate) image: Image,
    pub(crate) text: String,
}

/// A machine, a guest, and what is known.
pub(crate) struct Ready {
    pub(crate) machine: Machine,
    pub(crate) guest: Guest,
    pub(crate) setup: Setup,
    /// Authorization for a monitor; without them it is set up anyway.
    classification: Option<Classification>,
}

impl Machine {
    /// Reads a specification.
    pub(crate) fn load(spec: &str) -> Outcome<Self> {
        let mut sources = Sources::default();
        let spec = &locate(spec);
        match model::load(spec, &open, &mut sources) {
            Ok(loaded) => {
                let warnings = rendered(&loaded.warnings, &sources);
                let _ = std::io::stderr().write_all(warnings.as_bytes());
                let layout =
                    MachineLayout::new(loaded.isa).map_err(|why| format!("{spec}: {why}"))?;
                Ok(Self { spec: spec.to_owned(), sources, layout })
            }
            Err(errors) => Err(refused(&errors, &sources, spec)),
        }
    }

    /// The machine.
    pub(crate) fn isa(&self) -> &Isa {
        &self.layout.isa
    }

    /// What snapshots of its guests say of its specification.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.sources)
    }

    /// Reads a program or a snapshot.
    pub(crate) fn guest(&self, path: &Path) -> Outcome<Guest> {
        let shown = path.display();
        let bytes = read_bounded(path, snapshot::MAX_BYTES).map_err(|e| format!("{shown}: {e}"))?;
        if Snapshot::is_it(&bytes) {
            let snapshot = Snapshot::read(&bytes, self.isa(), &self.fingerprint());
            return Ok(Guest::Snapshot(snapshot.map_err(|why| format!("{shown}: {why}"))?));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("{shown}: this is neither a program nor a snapshot"))?;
        let mut sources = Sources::default();
        let name = shown.to_string();
        match assemble(self.isa(), &name, &text, &mut sources) {
            Ok(image) => Ok(Guest::Program(Program { image, text })),
            Err(errors) => Err(refused(&errors, &sources, &name)),
        }
    }

    /// What is known about the machine, from a file beside the specification or another one.
    fn classification(&self, file: Option<&PathBuf>) -> Outcome<Classification> {
        let spec = &self.spec;
        let stem = spec.strip_suffix(".yaml").unwrap_or(spec);
        let beside = PathBuf::from(format!("{stem}.classification.json"));
        let file = file.unwrap_or(&beside);
        let known = read_bounded(file, MAX_BYTES).map_err(|e| e.to_string());
        let known = known.and_then(|it| String::from_utf8(it).map_err(|_| "it is no text".into()));
        let known = known.and_then(|text| Classification::read(&text, &self.sources));
        known.map_err(|why| {
            let file = file.display();
            Failure::Message(format!(
                "{file}: {why}\nA monitor needs grounds. They are written by\n  \
                 analyze check {spec} --emit classification={file}\n\
                 and `--anyway` does without.",
            ))
        })
    }
}

impl Guest {
    /// The program, unless it comes from a snapshot.
    pub(crate) fn program(&self) -> Option<&Program> {
        match self {
            Self::Program(program) => Some(program),
            Self::Snapshot(_) => None,
        }
    }
}

impl Ready {
    /// Reads everything that a run needs.
    pub(crate) fn load(what: &What, how: &How, guests: u64) -> Outcome<Self> {
        if how.monitor.kind().is_none() && how.depth > 1 {
            let why = "`--depth` counts control programs, and there is none: add `--monitor vmm`";
            return Err(Failure::Message(why.into()));
        }
        let machine = Machine::load(&what.spec)?;
        let guest = machine.guest(&what.guest)?;
        let kind = how.monitor.kind();
        let classification = match kind {
            Some(kind) if !how.grounds.anyway => {
                let known = machine.classification(how.grounds.classification.as_ref())?;
                known
                    .admits(machine.isa(), kind)
                    .map_err(|why| format!("{why}\n`--anyway` sets it up all the same."))?;
                Some(known)
            }
            _ => None,
        };
        let setup = Setup {
            engine: how.engine,
            monitor: kind,
            depth: how.depth as usize,
            guests: guests as usize,
            cells: how.cells.unwrap_or_else(|| default_cells(&machine, &guest)),
        };
        Ok(Self { machine, guest, setup, classification })
    }

    /// A guest on the bare machine.
    pub(crate) fn bare(machine: Machine, guest: Guest, setup: Setup) -> Self {
        Self { machine, guest, setup, classification: None }
    }

    /// What a guest does that its control program's verdict does not speak of.
    pub(crate) fn breach(&self, progress: Progress) -> Option<String> {
        let Why::Broken(breach) = progress.why else { return None };
        let steps = progress.steps;
        Some(match breach {
            Breach::Assumption(index) => {
                let Assumption { name, text, .. } = &self.machine.isa().assumptions[index];
                format!("assumption `{name}` ({}) is broken at instruction {steps}", text.trim())
            }
            Breach::Window { end, cells } => {
                let profile = self.classification.as_ref().map_or("", |known| &known.profile);
                format!(
                    "at instruction {steps} the guest's window ends at cell {end}, beyond its {cells} cells: \
                     the verdict assumes l + b <= w (profile {profile}); a classification of \
                     `--profile extended` does not, where the theorem holds there too",
                )
            }
        })
    }

    /// The machine with its guests in place.
    pub(crate) fn computer(&self) -> Result<Computer, String> {
        self.build(&self.setup)
    }

    /// Another setup of the same guest.
    pub(crate) fn build(&self, setup: &Setup) -> Result<Computer, String> {
        let Machine { sources, layout, .. } = &self.machine;
        let nothing = Classification::new(&layout.isa, sources, Profile::Refined, Vec::new());
        let grounds = match (&self.classification, layout.isa.pairs.first()) {
            (Some(known), _) => Authorization::Known(known),
            (None, Some(pair)) => Authorization::Unchecked(pair),
            (None, None) => Authorization::Known(&nothing),
        };
        let mut computer = setup.build(layout, grounds)?;
        match &self.guest {
            Guest::Program(Program { image, .. }) => {
                let needs = image.cells.keys().next_back().map_or(0, |last| last + 1);
                if needs > u128::from(setup.cells) {
                    let has = setup.cells;
                    return Err(format!(
                        "the program needs {needs} cells; its machine has {has} (`--cells`)"
                    ));
                }
                let cells: Vec<(u128, u128)> = image.cells.iter().map(|(c, v)| (*c, *v)).collect();
                computer.boot(&cells);
                if let Some(entry) = image.entry {
                    each_guest(&mut computer, |computer| computer.start_at(entry))?;
                }
            }
            Guest::Snapshot(snapshot) => {
                each_guest(&mut computer, |computer| snapshot.restore(computer))?;
            }
        }
        Ok(computer)
    }
}

/// Cells of a guest where nobody says how many.
pub(crate) fn default_cells(machine: &Machine, guest: &Guest) -> u64 {
    match guest {
        Guest::Program(_) => Setup::default_cells(&machine.layout),
        Guest::Snapshot(snapshot) => snapshot.state.cells as u64,
    }
}

fn each_guest(
    computer: &mut Computer,
    act: impl Fn(&mut Computer) -> Result<(), String>,
) -> Result<(), String> {
    for guest in 0..computer.progress().len() {
        computer.switch(guest);
        act(computer)?;
    }
    computer.switch(0);
    Ok(())
}

fn rendered(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let color = std::io::stderr().is_terminal()
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    diagnostics.iter().fold(String::new(), |mut text, diagnostic| {
        let _ = writeln!(text, "{}\n", diagnostic.render(sources, color));
        text
    })
}

pub(crate) fn refused(errors: &[Diagnostic], sources: &Sources, name: &str) -> Failure {
    let n = errors.len();
    let noun = if n == 1 { "error" } else { "errors" };
    Failure::Message(format!("{}{name}: {n} {noun}, nothing was run", rendered(errors, sources)))
}
