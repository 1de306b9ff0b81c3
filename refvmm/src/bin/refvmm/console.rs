//! What guests print.

use std::fmt::Write as _;
use std::io::{BufWriter, IsTerminal, StdoutLock, Write};

use refvmm::layout::MachineLayout;

use crate::Outcome;

/// Longest line of a guest that is held back until it ends.
const LONGEST: usize = 1 << 16;

/// The register whose writes are a machine's output.
pub(crate) struct Console {
    /// Its name.
    pub(crate) name: String,
    /// Whether it takes characters; else each write is a line with the name and a number.
    characters: bool,
}

impl Console {
    /// The console of a machine; without one nothing is ever written.
    pub(crate) fn of(layout: &MachineLayout) -> Self {
        let is_it = |id| layout.console.is_some() && layout.slot(id, 0) == layout.console;
        let register = layout.isa.register_ids().find(|(id, _)| is_it(*id)).map(|(_, r)| r);
        Self {
            name: register.map_or(String::new(), |r| r.name.clone()),
            characters: register.is_none_or(|r| r.width <= 8),
        }
    }

    /// The bytes of what was written.
    pub(crate) fn bytes(&self, values: &[u64]) -> Vec<u8> {
        if self.characters {
            return values.iter().map(|v| *v as u8).collect();
        }
        let line = |mut text: String, value: &u64| {
            let _ = writeln!(text, "{} {value}", self.name);
            text
        };
        values.iter().fold(String::new(), line).into_bytes()
    }

    /// The same as text: each byte one character.
    pub(crate) fn text(&self, values: &[u64]) -> String {
        self.bytes(values).into_iter().map(char::from).collect()
    }
}

/// Standard output, shared by the guests.
pub(crate) struct Screen<'a> {
    console: &'a Console,
    out: BufWriter<StdoutLock<'static>>,
    /// The unfinished line of each guest, where there are several.
    lines: Vec<Vec<u8>>,
    /// Whether a line of the only guest is unfinished.
    open: bool,
}

impl<'a> Screen<'a> {
    /// A screen for a number of guests.
    pub(crate) fn new(console: &'a Console, guests: usize) -> Self {
        let lines = if guests > 1 { vec![Vec::new(); guests] } else { Vec::new() };
        Self { console, out: BufWriter::new(std::io::stdout().lock()), lines, open: false }
    }

    /// Shows what a guest wrote: at once if it is alone, else line by line with its number.
    pub(crate) fn show(&mut self, guest: usize, values: &[u64]) -> Outcome<()> {
        let bytes = self.console.bytes(values);
        let Some(line) = self.lines.get_mut(guest) else {
            self.open = bytes.last().map_or(self.open, |byte| *byte != b'\n');
            self.out.write_all(&bytes)?;
            return Ok(self.out.flush()?);
        };
        for byte in bytes {
            if byte != b'\n' {
                line.push(byte);
            }
            if byte == b'\n' || line.len() >= LONGEST {
                write!(self.out, "guest {guest}: ")?;
                line.push(b'\n');
                self.out.write_all(line)?;
                line.clear();
            }
        }
        Ok(self.out.flush()?)
    }

    /// Shows the lines that nobody ended; on a terminal, what comes next begins on a new one.
    pub(crate) fn finish(mut self) -> Outcome<()> {
        if self.open && std::io::stdout().is_terminal() {
            self.out.write_all(b"\n")?;
        }
        for (guest, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            write!(self.out, "guest {guest}: ")?;
            self.out.write_all(line)?;
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }
}
