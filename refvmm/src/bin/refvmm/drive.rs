//! Runs of any length: in portions, so that output appears and the user learns how far it is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use refvmm::computer::Computer;
use refvmm::machine;

use crate::Outcome;

/// First portion, in instructions; it grows while portions are quickly done.
const SHORTEST: u64 = 1 << 8;

/// Longest portion.
const LONGEST: u64 = 1 << 22;

/// Runs every guest until it stops or has come to `limit` instructions from its start. Several
/// guests take turns of `quantum`. What they print is handed over with the guest's number.
pub(crate) fn drive(
    computer: &mut Computer,
    limit: u64,
    quantum: u64,
    mut printed: impl FnMut(usize, Vec<u64>) -> Outcome<()>,
) -> Outcome<()> {
    let guests = computer.progress().len();
    let alone = guests == 1;
    // Turns begin behind the current guest: the first one is next.
    computer.switch(guests - 1);
    let mut progress = Progress::new(computer);
    let mut portion = if alone { SHORTEST } else { quantum };
    loop {
        let start = Instant::now();
        let done = computer.run(limit, portion, 1);
        let output = machine::output(computer.machine());
        if !output.is_empty() {
            progress.clear();
            progress.open = output.last() != Some(&u64::from(b'\n'));
            printed(computer.current(), output)?;
        }
        if done {
            progress.clear();
            return Ok(());
        }
        if alone && start.elapsed() < Duration::from_millis(20) {
            portion = (portion * 2).min(LONGEST);
        }
        progress.show(computer);
    }
}

/// How far a run has come, on standard error, if that is a terminal and it takes more than a
/// second.
struct Progress {
    terminal: bool,
    start: Instant,
    first: u64,
    last: Instant,
    /// Whether it stands on the terminal.
    shown: bool,
    /// Whether a guest's unfinished line stands there, which must not be written over.
    open: bool,
}

impl Progress {
    fn new(computer: &Computer) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let start = Instant::now();
        let first = steps(computer);
        Self { terminal, start, first, last: start, shown: false, open: false }
    }

    fn show(&mut self, computer: &Computer) {
        let soon = self.last.elapsed() < Duration::from_secs(1);
        if !self.terminal || soon || self.open && std::io::stdout().is_terminal() {
            return;
        }
        let now = steps(computer);
        let speed = u128::from(now - self.first) * 1000 / self.start.elapsed().as_millis().max(1);
        let _ = write!(std::io::stderr(), "\r{now} instructions, {speed} per second\x1b[K");
        self.last = Instant::now();
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn steps(computer: &Computer) -> u64 {
    computer.progress().iter().map(|p| p.steps).sum()
}
