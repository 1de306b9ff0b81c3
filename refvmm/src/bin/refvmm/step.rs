//! `refvmm step`: forwards and backwards through a run.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write};

use model::state::{State, number};
use refvmm::computer::Computer;
use refvmm::engine::Why;
use refvmm::snapshot::Snapshot;

use crate::arguments::{self, number as parse_number};
use crate::drive::drive;
use crate::listing::{self, cell_text};
use crate::load::Ready;
use crate::observe::{Observer, mode_width, place};
use crate::{Exit, Outcome};

/// The commands.
pub(crate) const HELP: &str = "\
Commands, one a line; numbers are decimal, or begin with 0x or 0o:
  s [N]        step N instructions forwards, 1 if N is left out
  b [N]        step N instructions backwards
  g N          go to instruction N, counted from 0
  r            show registers that are not 0
  m CELL [N]   show N physical cells, 8 if N is left out
  u [N]        disassemble N instructions from P, 8 if N is left out
  h            show this
  q            quit";

/// Most checkpoints that are kept: then every other one goes.
const MOST_CHECKPOINTS: usize = 64;

/// Most lines for one command.
const MOST_LINES: u64 = 1 << 16;

/// A run that can be looked at from any instruction: earlier ones are reached from a checkpoint.
struct Stepper<'a> {
    observer: Observer<'a>,
    computer: Computer,
    /// In order of their instructions; the first is where the run begins.
    checkpoints: Vec<Snapshot>,
    /// Instructions between checkpoints.
    spacing: u64,
}

/// Reads commands until there are no more.
pub(crate) fn step(it: &arguments::Step) -> Outcome<Exit> {
    let ready = Ready::load(&it.what, &it.how, 1)?;
    let mut computer = ready.computer()?;
    let checkpoints = vec![Snapshot::take(&mut computer)];
    let observer = Observer::new(&ready);
    let mut stepper = Stepper { observer, computer, checkpoints, spacing: 1 << 12 };
    stepper.go(it.at.unwrap_or(0))?;
    let prompts = std::io::stdin().is_terminal();
    let mut out = std::io::stdout().lock();
    out.write_all(stepper.here().as_bytes())?;
    let mut lines = std::io::stdin().lock().lines();
    loop {
        if prompts {
            out.write_all(b"> ")?;
            out.flush()?;
        }
        let Some(line) = lines.next().transpose()? else { break };
        let words: Vec<&str> = line.split_whitespace().collect();
        if matches!(words[..], ["q"]) {
            break;
        }
        let answer = stepper.command(&words)?;
        out.write_all(answer.as_bytes())?;
    }
    Ok(Exit::Fine)
}

impl Stepper<'_> {
    fn command(&mut self, words: &[&str]) -> Outcome<String> {
        let given = words.iter().skip(1).map(|word| parse_number(word));
        let Ok(numbers) = given.collect::<Result<Vec<u64>, String>>() else {
            return Ok("numbers are decimal, or begin with 0x or 0o\n".into());
        };
        let first = |default| numbers.first().copied().unwrap_or(default);
        Ok(match (words.first().copied().unwrap_or_default(), numbers.len()) {
            ("", _) => String::new(),
            ("s", 0 | 1) => self.forwards(first(1)),
            ("b", 0 | 1) => {
                self.go(self.steps().saturating_sub(first(1)))?;
                self.here()
            }
            ("g", 1) => {
                self.go(first(0))?;
                self.here()
            }
            ("r", 0) => self.registers(),
            ("m", 1 | 2) => self.cells(first(0), numbers.get(1).copied().unwrap_or(8)),
            ("u", 0 | 1) => self.disassembled(first(8)),
            ("h", 0) => format!("{HELP}\n"),
            _ => "there is no such command; `h` shows them\n".into(),
        })
    }

    fn steps(&self) -> u64 {
        self.computer.progress()[0].steps
    }

    /// Whether there is a next instruction.
    fn can_go_on(&mut self) -> bool {
        self.computer.advance(0).why == Why::Fuel
    }

    fn forwards(&mut self, steps: u64) -> String {
        let mut text = String::new();
        let width = mode_width(self.observer.isa);
        for _ in 0..steps.min(MOST_LINES) {
            if !self.can_go_on() {
                break;
            }
            let step = self.observer.step(&mut self.computer);
            text += &step.text(width);
            if !step.done() {
                return text;
            }
            self.keep();
        }
        text + &self.here()
    }

    /// Goes to an instruction, or as far as the run goes.
    fn go(&mut self, to: u64) -> Outcome<()> {
        if to < self.steps() {
            let after = self.checkpoints.partition_point(|c| c.steps <= to);
            self.checkpoints[after.saturating_sub(1)].restore(&mut self.computer)?;
        }
        while self.steps() < to {
            let next = (self.steps() / self.spacing + 1).saturating_mul(self.spacing).min(to);
            drive(&mut self.computer, next, 1, |_, _| Ok(()))?;
            if self.computer.progress()[0].why != Why::Fuel {
                break;
            }
            self.keep();
        }
        Ok(())
    }

    /// Keeps a checkpoint where the last one is far enough.
    fn keep(&mut self) {
        let last = self.checkpoints.last().map_or(0, |c| c.steps);
        if self.steps() < last + self.spacing {
            return;
        }
        self.checkpoints.push(Snapshot::take(&mut self.computer));
        if self.checkpoints.len() > MOST_CHECKPOINTS {
            let mut keep = [false, true].into_iter().cycle();
            self.checkpoints.retain(|_| keep.next() != Some(true));
            self.spacing *= 2;
        }
    }

    /// The next instruction, or that there is none.
    fn here(&mut self) -> String {
        let steps = self.steps();
        let halted = self.computer.advance(0).why == Why::Halted;
        let moment = self.observer.moment(&self.computer.state(), steps);
        let end = if halted { "  (halted)" } else { "" };
        let width = mode_width(self.observer.isa);
        format!("at {}{end}\n", moment.text(width).trim_start())
    }

    fn registers(&mut self) -> String {
        let rows = State::table(self.observer.isa, &[&self.computer.state()]);
        let rows: Vec<_> = rows.iter().filter(|row| !row.name.starts_with("phys[")).collect();
        let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        rows.iter().fold(String::new(), |mut text, row| {
            let _ = writeln!(text, "{:<width$}  {}  {}", row.name, row.letter, row.text(0));
            text
        })
    }

    fn cells(&mut self, first: u64, count: u64) -> String {
        let state = self.computer.state();
        let first = u128::from(first);
        let end = (first + u128::from(count.min(MOST_LINES))).min(state.cells);
        let mut text = String::new();
        for cell in (first..end).step_by(4) {
            let _ = write!(text, "{}", number(cell));
            for cell in cell..end.min(cell + 4) {
                let _ = write!(text, "  {}", cell_text(self.observer.isa, state.load(cell)));
            }
            text.push('\n');
        }
        text
    }

    fn disassembled(&mut self, count: u64) -> String {
        let state = self.computer.state();
        let isa = self.observer.isa;
        let Some(mut cell) = place(isa, &state) else { return "P is outside of storage\n".into() };
        let mut text = String::new();
        for _ in 0..count.min(MOST_LINES) {
            let read = |c: u128| (c < state.cells).then(|| state.load(c));
            let Some((line, length)) = listing::line(isa, cell, &read) else { break };
            text += &line;
            cell += length;
        }
        text
    }
}
