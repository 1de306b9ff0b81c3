//! `refvmm compare`: where a guest could tell that it is not alone.

use std::fmt::Write as _;
use std::io::Write as _;

use model::isa::Isa;
use model::state::{Row, State};
use refvmm::compare::{self as side_by_side, Square};
use refvmm::computer::Setup;
use serde_json::{Value, json};

use crate::arguments::{Compare, Format, How};
use crate::console::Console;
use crate::load::Ready;
use crate::observe::next_instruction;
use crate::run::{self, End};
use crate::{Exit, Failure, Outcome};

/// Most rows of a table.
const MOST_ROWS: usize = 40;

/// Runs a guest on the bare machine and under a control program.
pub(crate) fn compare(it: &Compare) -> Outcome<Exit> {
    let how = How {
        monitor: it.monitor,
        depth: it.depth,
        cells: it.cells,
        engine: it.engine,
        grounds: it.grounds.clone(),
    };
    let ready = Ready::load(&it.what, &how, 1)?;
    let bare = Setup::bare(it.engine, ready.setup.cells);
    let boot = || -> Result<_, String> { Ok([ready.build(&bare)?, ready.computer()?]) };
    boot()?;
    let boot = || boot().unwrap_or_else(|why| unreachable!("it was built before: {why}"));
    let comparison = side_by_side::compare(boot, it.max_steps);
    let [first, second] = &comparison.ends;
    if let (Some(broken), None) = (ready.breach(second.progress), &comparison.square) {
        return Err(Failure::Message(broken));
    }
    let differ = comparison.square.is_some() || first != second;

    let isa = ready.machine.isa();
    let console = Console::of(&ready.machine.layout);
    let name = it.monitor.name();
    let ends = [("bare machine".to_owned(), first), (nested(name, it.depth), second)];
    let mut text = String::new();
    match it.format {
        Format::Text => {
            match &comparison.square {
                Some(square) => text += &drawn(isa, square, &nested(name, it.depth), it.depth),
                None if differ => {
                    text +=
                        "The ends differ, and yet no instruction does: an error of this program\n";
                }
                None => {
                    let _ =
                        writeln!(text, "no difference in {} instructions", first.progress.steps);
                }
            }
            for (name, end) in ends {
                let how = End::new(end.progress.steps, end.progress.why);
                let _ = writeln!(text, "{name}: {how}");
                let printed = console.text(&end.output);
                if differ {
                    printed.lines().for_each(|line| {
                        let _ = writeln!(text, "  {}", line.escape_debug());
                    });
                }
            }
        }
        Format::Json => {
            let ends = ends.map(|(name, end)| {
                let how = End::new(end.progress.steps, end.progress.why);
                json!({"machine": name, "end": how, "output": console.text(&end.output)})
            });
            let report = json!({
                "compare": 1,
                "isa": isa.name,
                "monitor": name,
                "depth": it.depth,
                "differ": differ,
                "square": comparison.square.as_ref().map(|square| data(isa, square)),
                "ends": ends,
            });
            let _ = writeln!(text, "{report:#}");
        }
    }
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if differ { Exit::Differ } else { run::exit(first.progress.why) })
}

fn nested(name: &str, depth: u64) -> String {
    if depth > 1 { format!("{name}, {depth} deep") } else { name.to_owned() }
}

/// What the virtual machine and the real one make of an instruction.
fn guest_rows(isa: &Isa, square: &Square) -> Vec<Row> {
    rows(isa, &[&square.before, &square.first, &square.second])
}

fn installation_rows(isa: &Isa, square: &Square) -> Vec<Row> {
    rows(isa, &[&square.image, &square.image_after])
}

/// The rows that matter: where states differ, and the mode.
fn rows(isa: &Isa, states: &[&State]) -> Vec<Row> {
    let mut rows = State::table(isa, states);
    rows.retain(|row| row.differs() || row.letter == 'M');
    rows
}

/// The square that does not commute, as a drawing and two tables.
fn drawn(isa: &Isa, square: &Square, monitor: &str, depth: u64) -> String {
    let instruction = next_instruction(isa, &square.before);
    let label = format!("i: {instruction}");
    let top = format!("  S   ---- {label} ---->  i(S)");
    let bottom = format!(" f(S) ---- {label} ---->   X     is not f(i(S))");
    let right = top.len() - 3;
    let rail = |left: &str, right_mark: &str| format!("{left:<right$}{right_mark}\n");
    let times = if depth > 1 { format!("  (f is applied {depth} times)") } else { String::new() };
    let mut text = format!(
        "{}: the bare machine and {monitor} part at instruction {}, {instruction}\n\n",
        isa.name, square.steps,
    );
    let _ = writeln!(text, "{top}");
    text += &rail("  |", "|");
    text += &rail("f |", &format!("| f{times}"));
    text += &rail("  v", "v");
    let _ = writeln!(text, "{bottom}\n");
    text += "The guest: S, i(S) on the bare machine, and what X is to the guest\n\n";
    text += &table(["S", "i(S)", "X"], &guest_rows(isa, square), Some((1, 2)));
    text += "\nThe installation under the monitor: f(S) and X\n\n";
    text += &table(["f(S)", "X"], &installation_rows(isa, square), None);
    let [first, second] = square.stops.map(|why| End::new(square.steps, why));
    if square.stops[0] != square.stops[1] {
        let _ = write!(text, "\nbare machine {first}; virtual machine {second}\n");
    }
    text + "\n"
}

/// Rows in columns; values of the two states in `marked` that differ carry a star.
fn table<const N: usize>(
    titles: [&str; N],
    rows: &[Row],
    marked: Option<(usize, usize)>,
) -> String {
    let value = |row: &Row, i: usize| {
        let star = marked.is_some_and(|(a, b)| i == b && row.values[a] != row.values[b]);
        format!("{}{}", row.text(i), if star { " *" } else { "" })
    };
    let mut lines: Vec<Vec<String>> = vec![vec![String::new(), String::new()]];
    lines[0].extend(titles.map(str::to_owned));
    for row in rows.iter().take(MOST_ROWS) {
        let mut line = vec![row.name.clone(), row.letter.to_string()];
        line.extend((0..N).map(|i| value(row, i)));
        lines.push(line);
    }
    let width = |i: usize| lines.iter().map(|line| line[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N + 2).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}"));
        let _ = writeln!(text, "{}", cells.collect::<String>().trim_end());
    }
    if rows.len() > MOST_ROWS {
        let _ = writeln!(text, "  and {} more", rows.len() - MOST_ROWS);
    }
    text
}

/// The square as data.
fn data(isa: &Isa, square: &Square) -> Value {
    let named = |rows: Vec<Row>, names: &[&str]| -> Vec<Value> {
        let row = |row: Row| {
            let values =
                names.iter().enumerate().map(|(i, n)| ((*n).to_owned(), row.text(i).into()));
            json!({
                "name": row.name,
                "role": row.letter.to_string(),
                "values": Value::Object(values.collect()),
            })
        };
        rows.into_iter().map(row).collect()
    };
    json!({
        "step": square.steps,
        "instruction": next_instruction(isa, &square.before),
        "guest": named(guest_rows(isa, square), &["before", "bare", "virtual"]),
        "installation": named(installation_rows(isa, square), &["before", "after"]),
    })
}
