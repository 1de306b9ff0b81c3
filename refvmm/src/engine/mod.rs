//! Engines: programs that run instructions of a specification, all to the same effect.

mod interpreter;
#[cfg(test)]
pub(crate) mod tests;
mod threaded;
pub(crate) mod walk;

pub use interpreter::Interpreter;
pub use threaded::{Dispatch, Threaded};
pub use walk::Walk;

use model::isa::{Fetch, Isa, TrapId};

use crate::cpu::Cpu;
use crate::decode::{Decoded, decode, goes_on};
use crate::layout::Bits;

/// Runs instructions on a [`Cpu`].
///
/// Instructions count when they complete or when their trap is delivered. Values that the
/// architecture leaves undefined are 0 in every engine.
pub trait Engine {
    /// Runs at most `fuel` instructions.
    fn run(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap) -> Stop;

    /// Runs at most `fuel` instructions, and none behind one that changes the bits of M.
    fn run_in_mode(&mut self, cpu: &mut Cpu, fuel: u64, on_trap: OnTrap, mode: Bits) -> Stop {
        let now = mode.get(&cpu.registers);
        let mut all = Stop { steps: 0, why: Why::Fuel };
        while all.why == Why::Fuel && all.steps < fuel && mode.get(&cpu.registers) == now {
            let stop = self.run(cpu, 1, on_trap);
            all = Stop { steps: all.steps + stop.steps, why: stop.why };
        }
        all
    }

    /// Forgets what it knows of storage, which was changed from outside.
    fn forget(&mut self) {}

    /// Forgets what it knows of one cell of the installation, which was changed from outside.
    fn forget_cell(&mut self, _cell: usize) {
        self.forget();
    }
}

/// What an engine does with a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnTrap {
    /// Runs the trap sequence and goes on.
    Deliver,
    /// Stops: the trap vector leads to a control program.
    HandOver,
}

/// Why and when an engine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Instructions that count.
    pub steps: u64,
    /// Why it stopped.
    pub why: Why,
}

/// Why an engine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The fuel is used up.
    Fuel,
    /// The machine has halted.
    Halted,
    /// A trap is handed over.
    Trap(Raised),
    /// The architecture does not say what the instruction at P does.
    Unpredictable,
    /// The specification does not say what the instruction at P does.
    Unknown,
    /// No engine says so, but a control program: the guest is not one that its verdict speaks of.
    Broken(Breach),
}

/// What a verdict assumes of guests that run directly, and one does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// An assumption of the specification, by its place there.
    Assumption(usize),
    /// l + b ≤ w.
    Window {
        /// Where its window ends, l + b.
        end: u64,
        /// Its cells, w.
        cells: u64,
    },
}

/// A trap before its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// Which trap.
    pub trap: TrapId,
    /// Its argument.
    pub argument: u64,
    /// Whether the instruction committed something before. If not, the machine is as it was
    /// before the instruction; if so, it is what the trap sequence starts from.
    pub committed: bool,
}

/// Fetches and decodes an instruction: `read` hands over its bits under the assumption that it has
/// a given length. Reads on only while some longer instruction begins like this. `None` if no
/// instruction is listed.
pub fn instruction<E>(
    isa: &Isa,
    mut read: impl FnMut(&Fetch) -> Result<u128, E>,
) -> Result<Option<Decoded>, E> {
    for fetch in &isa.fetches {
        let word = read(fetch)?;
        let width = fetch.word.width;
        if let Some(decoded) = decode(isa, word, width) {
            return Ok(Some(decoded));
        }
        if !goes_on(isa, word, width) {
            break;
        }
    }
    Ok(None)
}
