//! A virtual machine as a file: everything that its guest could tell of it, and what it did so far.
//!
//! It says nothing of engines, monitors or partitions: what was taken on the bare machine goes on
//! under a nested monitor, and the other way round.
//!
//! ```text
//! refvmm snapshot 1
//! sha256 …            of the first line and the rest
//! { "isa": …, … }
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::bits::mask;
use model::isa::{Isa, Register, Trap};
use model::state::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::classification::hexadecimal;
use crate::computer::Computer;
use crate::layout::MAX_CELLS;
use crate::machine;

/// What every snapshot begins with; the version of the format follows.
const MAGIC: &str = "refvmm snapshot ";

/// Version of the file format.
const VERSION: u32 = 1;

/// Largest file.
pub const MAX_BYTES: u64 = 1 << 28;

/// Instructions and traps that a guest can have behind it: it will not count to the end of 64 bits.
const MOST_COUNTED: u64 = 1 << 62;

/// A virtual machine that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its state, in its own terms: M, R and addresses are virtual.
    pub state: State,
    /// Instructions since its start.
    pub steps: u64,
    /// Traps it took, by [`model::isa::TrapId`].
    pub taken: Vec<u64>,
    /// What it wrote to its console and nobody fetched yet.
    pub output: Vec<u64>,
}

/// The part of the file behind the checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    isa: String,
    /// See [`crate::classification::fingerprint`].
    specification: String,
    steps: u64,
    cells: u64,
    /// Each trap's name and how often it was taken, in specification order. Here and below,
    /// numbers are hexadecimal.
    taken: Vec<String>,
    output: Vec<u64>,
    /// Each register's name and value in specification order; all values of a file.
    registers: Vec<String>,
    /// Address of a stretch without zeros, and its cells, each with all its digits.
    storage: Vec<String>,
}

impl Snapshot {
    /// The current guest of a computer as it is now. It can go on.
    pub fn take(computer: &mut Computer) -> Self {
        Self {
            state: computer.state(),
            steps: computer.progress()[computer.current()].steps,
            taken: machine::taken(computer.machine()),
            output: machine::unread(computer.machine()),
        }
    }

    /// Makes the current guest of a computer this one. Both must have the same specification.
    pub fn restore(&self, computer: &mut Computer) -> Result<(), String> {
        let cells = computer.machine().window().len() as u128;
        if cells != self.state.cells {
            let own = self.state.cells;
            return Err(format!("the snapshot has {own} cells, the virtual machine {cells}"));
        }
        computer.resume(&self.state, self.steps, &self.taken, &self.output);
        Ok(())
    }

    /// Whether a file wants to be a snapshot.
    pub fn is_it(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC.as_bytes())
    }

    /// The file's text; an error where it would be too long. `specification` is the fingerprint.
    pub fn text(&self, isa: &Isa, specification: &str) -> Result<String, String> {
        let digits = isa.storage.width.div_ceil(4) as usize;
        if (self.state.storage.len() * digits) as u64 > MAX_BYTES {
            return Err(format!("the snapshot would have more than {MAX_BYTES} bytes"));
        }
        let trap = |(trap, count): (&Trap, &u64)| format!("{} {count:x}", trap.name);
        let register = |(register, values): (&Register, &Vec<u128>)| {
            let add = |text: String, value: &u128| format!("{text} {value:x}");
            values.iter().fold(register.name.clone(), add)
        };
        let contents = Contents {
            isa: isa.name.clone(),
            specification: specification.to_owned(),
            steps: self.steps,
            cells: self.state.cells as u64,
            taken: isa.traps.iter().zip(&self.taken).map(trap).collect(),
            output: self.output.clone(),
            registers: isa.registers.iter().zip(&self.state.registers).map(register).collect(),
            storage: stretches(&self.state.storage, digits),
        };
        let mut body = serde_json::to_string_pretty(&contents).map_err(|e| e.to_string())?;
        body.push('\n');
        let text = format!("{}{}{body}", head(VERSION), checksum(&body));
        if text.len() as u64 > MAX_BYTES {
            return Err(format!("the snapshot would have more than {MAX_BYTES} bytes"));
        }
        Ok(text)
    }

    /// Reads a file; an error unless it is whole, of this format, and of a machine with this
    /// specification. `specification` is the fingerprint.
    pub fn read(bytes: &[u8], isa: &Isa, specification: &str) -> Result<Self, String> {
        let damaged = || "the snapshot is damaged".to_owned();
        if !Self::is_it(bytes) {
            return Err("this is no snapshot".into());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
        let (first, rest) = text.split_once('\n').ok_or_else(damaged)?;
        let version = first.strip_prefix(MAGIC).unwrap_or_default();
        if version != VERSION.to_string() {
            return Err(format!("snapshot format {version}; this program reads {VERSION}"));
        }
        let body = rest.split_once('\n').ok_or_else(damaged)?.1;
        if rest.strip_prefix(&checksum(body)) != Some(body) {
            return Err("the snapshot is damaged: its checksum does not match".into());
        }
        let contents: Contents =
            serde_json::from_str(body).map_err(|e| format!("{}: {e}", damaged()))?;
        let other = |what: &str| Err(format!("the snapshot is of another {what}"));
        if contents.isa != isa.name {
            return other(&format!("machine, `{}`", contents.isa.escape_debug()));
        }
        if contents.specification != specification {
            return other(&format!("version of the specification of `{}`", isa.name));
        }
        contents.snapshot(isa).ok_or_else(|| format!("{}: it fits no `{}`", damaged(), isa.name))
    }
}

fn head(version: u32) -> String {
    format!("{MAGIC}{version}\n")
}

/// The second line.
fn checksum(body: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(head(VERSION));
    hash.update(body);
    format!("sha256 {}\n", hexadecimal(&hash.finalize()))
}

/// Cells that follow each other, written as one.
fn stretches(storage: &BTreeMap<u128, u128>, digits: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut next = None;
    for (cell, value) in storage {
        if next != Some(*cell) {
            all.push(format!("{cell:x} "));
        }
        if let Some(text) = all.last_mut() {
            let _ = write!(text, "{value:0digits$x}");
        }
        next = Some(cell + 1);
    }
    all
}

/// A number of at most `width` bits, written in hexadecimal.
fn digits(text: &str, width: u32) -> Option<u128> {
    let plain = text.bytes().all(|b| b.is_ascii_hexdigit());
    let value = u128::from_str_radix(text, 16).ok().filter(|_| plain)?;
    (value <= mask(width)).then_some(value)
}

/// The numbers behind a name.
fn named(text: &str, name: &str, width: u32) -> Option<Vec<u128>> {
    let mut words = text.split(' ');
    (words.next() == Some(name)).then(|| words.map(|word| digits(word, width)).collect())?
}

impl Contents {
    /// What it says, if every part of it fits the machine.
    fn snapshot(&self, isa: &Isa) -> Option<Snapshot> {
        let cells = u128::from(self.cells);
        let most = isa.storage.cells.min(u128::from(MAX_CELLS));
        let fits = (isa.least_cells()..=most).contains(&cells)
            && self.registers.len() == isa.registers.len()
            && self.taken.len() == isa.traps.len()
            && self.steps <= MOST_COUNTED;
        if !fits {
            return None;
        }
        let mut state = State::zero(isa, cells);
        for ((register, text), values) in
            isa.registers.iter().zip(&self.registers).zip(&mut state.registers)
        {
            let read = named(text, &register.name, register.width)?;
            *values = (read.len() == values.len()).then_some(read)?;
        }
        let count = |(trap, text): (&Trap, &String)| match named(text, &trap.name, 64)?[..] {
            [count] => u64::try_from(count).ok().filter(|count| *count <= MOST_COUNTED),
            _ => None,
        };
        let taken = isa.traps.iter().zip(&self.taken).map(count).collect::<Option<_>>()?;
        let mut free = 0;
        for text in &self.storage {
            free = stretch(isa, &mut state, free, text)?;
        }
        Some(Snapshot { state, steps: self.steps, taken, output: self.output.clone() })
    }
}

/// Fills in a stretch of storage that begins at `free` or behind it: the cell after it.
fn stretch(isa: &Isa, state: &mut State, free: u128, text: &str) -> Option<u128> {
    let width = isa.storage.width.div_ceil(4) as usize;
    let (first, text) = text.split_once(' ')?;
    let first = digits(first, 64).filter(|first| *first >= free)?;
    let end = first + (text.len() / width) as u128;
    if end == first || end > state.cells || !text.len().is_multiple_of(width) {
        return None;
    }
    for (cell, word) in (first..end).zip(text.as_bytes().chunks(width)) {
        state.store(cell, digits(std::str::from_utf8(word).ok()?, isa.storage.width)?);
    }
    Some(end)
}
