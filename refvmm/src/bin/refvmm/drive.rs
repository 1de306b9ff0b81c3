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

/// How far a run has come, on standard error, if that is a terminal and it takes more than a second.
struct Progress {
    terminal: bool,
    start: Instant,
    first: u64,
    shown: Option<Instant>,
}

impl Progress {
    fn new(computer: &Computer) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { terminal, start: Instant::now(), first: steps(computer), shown: None }
    }

    fn show(&mut self, computer: &Computer) {
        let last = self.shown.unwrap_or(self.start);
        if !self.terminal || last.elapsed() < Duration::from_secs(1) {
            return;
        }
        let now = steps(computer);
        let speed = u128::from(now - self.first) * 1000 / self.start.elapsed().as_millis().max(1);
        let _ = write!(std::io::stderr(), "\r{now} instructions, {speed} per second\x1b[K");
        self.shown = Some(Instant::now());
    }

    fn clear(&mut self) {
        if self.terminal && self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn steps(computer: &Computer) -> u64 {
    computer.progress().iter().map(|p| p.steps).sum()
}
