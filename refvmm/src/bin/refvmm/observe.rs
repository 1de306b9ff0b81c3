//! One instruction at a time: where a guest is, what it is about to do, and what that changed.

use model::bits::mask;
use model::interp::{Fetched, fetch};
use model::isa::{Isa, Part, Role};
use model::map::window;
use model::state::{State, number};
use refvmm::asm::disassemble;
use refvmm::computer::Computer;
use refvmm::engine::{Why, instruction};
use refvmm::machine;
use refvmm::vmm::Counts;
use serde::Serialize;

use crate::console::Console;
use crate::load::{Program, Ready};

/// Watches a guest.
pub(crate) struct Observer<'a> {
    pub(crate) isa: &'a Isa,
    ready: &'a Ready,
    pub(crate) console: Console,
}

/// A guest before an instruction.
#[derive(Debug, Serialize)]
pub(crate) struct Moment {
    /// Instructions before it.
    step: u64,
    /// The mode by name.
    mode: String,
    p: String,
    instruction: String,
    /// What the program calls the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The program's line, from 1, unless something else stands there by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// An instruction that was run.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    #[serde(flatten)]
    moment: Moment,
    /// Under a monitor: how it was done, and what trapped for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<String>,
    /// The trap it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    printed: Option<String>,
    changes: Vec<Change>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// A component or cell with another value.
#[derive(Debug, Serialize)]
struct Change {
    name: String,
    before: String,
    after: String,
}

impl<'a> Observer<'a> {
    /// An observer of a guest.
    pub(crate) fn new(ready: &'a Ready) -> Self {
        let console = Console::of(&ready.machine.layout);
        Self { isa: ready.machine.isa(), ready, console }
    }

    /// What the current guest does that its control program's verdict does not speak of.
    pub(crate) fn breach(&self, computer: &Computer) -> Option<String> {
        self.ready.breach(computer.progress()[computer.current()])
    }

    /// Where a guest is.
    pub(crate) fn moment(&self, state: &State, step: u64) -> Moment {
        let isa = self.isa;
        let place = place(isa, state);
        let written = |program: &&Program| {
            let is = |cell: &u128| program.image.cells.get(cell) == Some(&state.load(*cell));
            place.is_some_and(|place| is(&place))
        };
        let known = self.ready.guest.program().filter(written).zip(place);
        let label = known.and_then(|(program, place)| {
            program.image.labels.iter().find(|(_, at)| **at == place).map(|(name, _)| name.clone())
        });
        let line = known.and_then(|(program, place)| program.image.lines.get(&place).copied());
        Moment {
            step,
            mode: isa.mode.map_or(String::new(), |mode| value_name(isa, mode, state)),
            p: counter(isa, state),
            instruction: next_instruction(isa, state),
            label,
            line,
        }
    }

    /// Runs an instruction of a guest and says what became of it.
    pub(crate) fn step(&self, computer: &mut Computer) -> Step {
        let before = computer.state();
        let counts = computer.counts().into_iter().next();
        let taken = machine::taken(computer.machine());
        let steps = computer.progress()[computer.current()].steps;
        let stop = computer.advance(1);
        let after = computer.state();
        let output = machine::output(computer.machine());
        let how = counts.zip(computer.counts().into_iter().next());
        let trap = self.risen(&taken, &machine::taken(computer.machine()));
        let rows = State::table(self.isa, &[&before, &after]);
        let shown = |row: &&model::state::Row| {
            row.differs() && row.letter != 'P' && row.name != self.console.name
        };
        let change = |row: &model::state::Row| Change {
            name: row.name.clone(),
            before: row.text(0),
            after: row.text(1),
        };
        Step {
            moment: self.moment(&before, steps),
            how: how.map(|(before, after)| self.how(&before, &after)),
            trap,
            printed: (!output.is_empty()).then(|| self.console.text(&output)),
            changes: rows.iter().filter(shown).map(change).collect(),
            // A guest whose real machine has halted stands still without having halted itself.
            stopped: self.breach(computer).or_else(|| reason(self.isa, stop.why)).or_else(|| {
                (stop.steps == 0).then(|| "not run: the real machine has halted".to_owned())
            }),
        }
    }

    /// The trap that was counted.
    fn risen(&self, before: &[u64], after: &[u64]) -> Option<String> {
        let mut both = self.isa.traps.iter().zip(before.iter().zip(after));
        both.find(|(_, (before, after))| before < after).map(|(trap, _)| trap.name.clone())
    }

    fn how(&self, before: &Counts, after: &Counts) -> String {
        let ways = [
            ("direct", before.direct, after.direct),
            ("emulated", before.emulated, after.emulated),
            ("reflected", before.reflected, after.reflected),
            ("interpreted", before.interpreted, after.interpreted),
        ];
        let way = ways.iter().find(|(_, before, after)| before < after).map_or("", |way| way.0);
        match self.risen(&before.traps, &after.traps) {
            Some(trap) => format!("{way} ({trap})"),
            None => way.to_owned(),
        }
    }
}

impl Moment {
    /// On one line, with the mode in so many columns: step, line of the program, mode, P.
    pub(crate) fn text(&self, width: usize) -> String {
        let Self { step, mode, p, instruction, line, .. } = self;
        let line = line.map_or(String::new(), |line| format!(":{line}"));
        format!("{step:>8}  {line:<6}{mode:<width$}  {p:>8}  {instruction}")
    }

    /// The label on a line of its own.
    pub(crate) fn label(&self) -> String {
        self.label.as_ref().map_or(String::new(), |label| format!("{label}:\n"))
    }
}

impl Step {
    /// Whether it was run.
    pub(crate) fn done(&self) -> bool {
        self.stopped.is_none()
    }

    /// On one line; a label before it.
    pub(crate) fn text(&self, width: usize) -> String {
        let mut what = Vec::new();
        what.extend(self.trap.iter().map(|trap| format!("trap {trap}")));
        what.extend(self.printed.iter().map(|text| format!("prints {text:?}")));
        let change = |c: &Change| format!("{} {} -> {}", c.name, c.before, c.after);
        what.extend(self.changes.iter().map(change));
        what.extend(self.stopped.clone());
        let how = self.how.as_ref().map_or(String::new(), |how| format!("  {how:<22}"));
        let moment = self.moment.text(width);
        // Instructions get so many columns.
        let columns = width + 56;
        let text = format!("{moment:<columns$}{how}  {}", what.join(", "));
        format!("{}{}\n", self.moment.label(), text.trim_end())
    }
}

/// Columns that modes take.
pub(crate) fn mode_width(isa: &Isa) -> usize {
    let names = isa.mode.map_or(&[][..], |mode| names(isa, mode));
    names.iter().map(|(name, _)| name.len()).max().unwrap_or(0)
}

/// Why an instruction was not run, in words.
fn reason(isa: &Isa, why: Why) -> Option<String> {
    Some(match why {
        Why::Fuel | Why::Halted | Why::Broken(_) => return None,
        Why::Trap(raised) => format!("trap {} is handed over", isa.trap(raised.trap).name),
        Why::Unpredictable => "the architecture does not say what this does".into(),
        Why::Unknown => "the specification does not say what this does".into(),
    })
}

/// The physical cell of the instruction at P, where the mapping is a window.
pub(crate) fn place(isa: &Isa, state: &State) -> Option<u128> {
    let (_, _, _, p) = state.of_role(isa, |s| s.role == Role::P).next()?;
    let (base, size) = window(isa, state);
    (p < size).then(|| base + p)
}

/// The instruction at P as text, or why there is none.
pub(crate) fn next_instruction(isa: &Isa, state: &State) -> String {
    let mut word = 0;
    let decoded = instruction(isa, |it| match fetch(it, state) {
        Fetched::Word(bits) => {
            word = bits;
            Ok(bits)
        }
        Fetched::Trap(raised) => Err(format!("fetch: trap {}", isa.trap(raised.trap).name)),
        Fetched::Unpredictable => Err("fetch: unpredictable".into()),
        Fetched::Unknown => Err("fetch: not specified".into()),
    });
    match decoded {
        Ok(Some(decoded)) => disassemble(isa, &decoded),
        Ok(None) => format!(".word {}", number(word)),
        Err(why) => why,
    }
}

/// P: more than one number on some machines.
fn counter(isa: &Isa, state: &State) -> String {
    let parts: Vec<String> =
        state.of_role(isa, |s| s.role == Role::P).map(|(_, _, _, p)| number(p)).collect();
    parts.join(" ")
}

fn names(isa: &Isa, part: Part) -> &[(String, u128)] {
    let register = isa.register(part.register);
    let field = register.fields.iter().find(|f| (f.low, f.width) == (part.low, part.width));
    field.map_or(&register.values, |f| &f.values)
}

fn value_name(isa: &Isa, part: Part, state: &State) -> String {
    let value = state.part(part) & mask(part.width);
    let name = names(isa, part).iter().find(|(_, v)| *v == value);
    name.map_or_else(|| number(value), |(name, _)| name.clone())
}
