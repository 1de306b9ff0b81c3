//! `refvmm asm` and `disasm`: programs as cells, and cells as programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use model::isa::Isa;
use model::state::number;
use refvmm::asm::{Image, disassemble, instruction_at};
use refvmm::computer::{EngineKind, Setup};
use refvmm::snapshot::Snapshot;

use crate::arguments::{Asm, Disasm};
use crate::load::{Guest, Machine, Program, Ready, default_cells};
use crate::snapshot::write;
use crate::{Exit, Failure, Outcome};

/// Most cells that a line of a listing shows.
const SHOWN: usize = 4;

/// Assembles a program.
pub(crate) fn assembled(it: &Asm) -> Outcome<Exit> {
    let machine = Machine::load(&it.spec)?;
    let guest = machine.guest(&it.program)?;
    let Guest::Program(program) = &guest else {
        let file = it.program.display();
        return Err(Failure::Message(format!("{file}: this is a snapshot; `disasm` shows it")));
    };
    let Some(to) = &it.output else {
        let text = listing(machine.isa(), program);
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(Exit::Fine);
    };
    let cells = it.cells.unwrap_or_else(|| default_cells(&machine, &guest));
    let ready = Ready::bare(machine, guest, Setup::bare(EngineKind::default(), cells));
    let mut computer = ready.computer()?;
    write(&ready.machine, &Snapshot::take(&mut computer), to)?;
    Ok(Exit::Fine)
}

/// The program's lines, each with its address and cells.
fn listing(isa: &Isa, program: &Program) -> String {
    let Program { image, text } = program;
    let places: BTreeMap<usize, u128> = image.lines.iter().map(|(at, line)| (*line, *at)).collect();
    let digits = image.cells.keys().next_back().map_or(1, |last| number(*last).len());
    let width = SHOWN * (cell_text(isa, 0).len() + 1) + 2;
    let mut listing = String::new();
    for (line, written) in (1..).zip(text.lines()) {
        let (address, cells) = match places.get(&line) {
            Some(at) => (number(*at), cells_of(isa, image, *at)),
            None => (String::new(), String::new()),
        };
        let text = format!("{address:>digits$}  {cells:<width$}{written}");
        let _ = writeln!(listing, "{}", text.trim_end());
    }
    listing
}

/// The cells of the statement at an address.
fn cells_of(isa: &Isa, image: &Image, at: u128) -> String {
    let next = image.lines.range(at + 1..).next().map_or(u128::MAX, |(next, _)| *next);
    let mut cells = image.cells.range(at..next).map(|(_, value)| cell_text(isa, *value));
    let shown: Vec<String> = cells.by_ref().take(SHOWN).collect();
    let more = if cells.next().is_some() { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}

/// A cell's contents, all digits.
pub(crate) fn cell_text(isa: &Isa, value: u128) -> String {
    let digits = isa.storage.width.div_ceil(4) as usize;
    format!("{value:0digits$x}")
}

/// Disassembles a program or a snapshot: every stretch of cells, one after the other.
pub(crate) fn disassembled(it: &Disasm) -> Outcome<Exit> {
    let machine = Machine::load(&it.what.spec)?;
    let guest = machine.guest(&it.what.guest)?;
    let (cells, labels) = match guest {
        Guest::Program(Program { image, .. }) => (image.cells, image.labels),
        Guest::Snapshot(snapshot) => (snapshot.state.storage, BTreeMap::new()),
    };
    let isa = machine.isa();
    let first = it.from.map_or(0, u128::from);
    let end = it.cells.map_or(u128::MAX, |cells| first + u128::from(cells));
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut expected = None;
    let mut next = cells.range(first..end).next();
    while let Some((cell, _)) = next {
        if expected.is_some_and(|expected| expected != *cell) {
            out.write_all(b"\n")?;
        }
        for (label, _) in labels.iter().filter(|(_, at)| *at == cell) {
            writeln!(out, "{label}:")?;
        }
        let read = |c: u128| cells.get(&c).copied();
        let Some((line, length)) = self::line(isa, *cell, &read) else { break };
        out.write_all(line.as_bytes())?;
        let after = cell + length;
        expected = Some(after);
        next = cells.range(after.min(end)..end).next();
    }
    out.flush()?;
    Ok(Exit::Fine)
}

/// An instruction, or a cell that is none, as a line with its length; `None` where there is no
/// cell.
pub(crate) fn line(
    isa: &Isa,
    cell: u128,
    read: &dyn Fn(u128) -> Option<u128>,
) -> Option<(String, u128)> {
    let value = read(cell)?;
    let found = instruction_at(isa, cell, read);
    let (text, length) = found.map_or_else(
        || (format!(".word {}", number(value)), 1),
        |(decoded, length)| (disassemble(isa, &decoded), length),
    );
    let cells = (cell..cell + length).filter_map(read).map(|value| cell_text(isa, value));
    let cells = cells.collect::<Vec<_>>().join(" ");
    let width = cell_text(isa, 0).len();
    // Most machines have instructions of one length, others of a few cells.
    let columns = if width < 8 { 5 * (width + 1) } else { width };
    Some((format!("{:>8}  {cells:<columns$}  {text}\n", number(cell)), length))
}
