//! A difference as text.

use std::fmt::Write as _;

use super::meaning::{Meaning, Step};
use super::{Change, Difference, InstructionDifference};
use model::theorem::Theorem;

/// Renders a difference for a terminal; with `all` also what is the same.
pub fn render(it: &Difference, all: bool) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} → {} (profile {})", it.old, it.new, it.profile);
    for pair in &it.pairs {
        let _ = writeln!(out, "\nSupervisor mode {}, user mode {}\n", pair.supervisor, pair.user);
        for (theorem, change) in Theorem::ALL.into_iter().zip(&pair.theorems) {
            let _ = writeln!(out, "  {}  {}", theorem.name(), verdicts(change));
        }
        for (what, names) in [
            ("now in the way of a theorem", &pair.offending),
            ("no longer in the way of a theorem", &pair.no_longer_offending),
        ] {
            if !names.is_empty() {
                let _ = writeln!(out, "  {what}: {}", names.join(", "));
            }
        }
    }
    if !it.components.is_empty() {
        out.push_str("\nComponents\n");
        for change in &it.components {
            let _ = writeln!(out, "  {}: {}", change.name, verdicts(change));
        }
    }
    // What changes one trap sequence mostly changes all of them.
    let shown = if all { usize::MAX } else { 1 };
    section(&mut out, "Traps", "sequences", &it.traps, (all, shown));
    section(&mut out, "Machine", "effects", &it.machine, (all, usize::MAX));
    section(&mut out, "Instructions", "semantics", &it.instructions, (all, usize::MAX));
    if it.regressions.is_empty() {
        out.push_str("\nNo regression.\n");
    } else {
        out.push_str("\nRegressions\n");
        for regression in &it.regressions {
            let _ = writeln!(out, "  {regression}");
        }
    }
    out
}

/// `holds`, where both are the same; `holds → refuted`.
fn verdicts(change: &Change) -> String {
    let [old, new] = [&change.old, &change.new].map(|it| it.as_deref().unwrap_or("none"));
    if old == new { old.to_owned() } else { format!("{old} → {new}") }
}

/// Counts, and those that are not the same, with states for the first `shown` of them.
fn section(
    out: &mut String,
    title: &str,
    what: &str,
    of: &[InstructionDifference],
    (all, shown): (bool, usize),
) {
    let count = |change: &str| of.iter().filter(|it| it.change == change).count();
    let mut counts = Vec::new();
    for change in ["added", "removed", "changed", "undecided"] {
        let names: Vec<&str> =
            of.iter().filter(|it| it.change == change).map(|it| it.name.as_str()).collect();
        if !names.is_empty() {
            counts.push(format!("{} {change}", names.len()));
        }
    }
    counts.push(format!("{} with the same {what}, for all states", count("same")));
    let _ = writeln!(out, "\n{title}: {}", counts.join(", "));
    let mut tables = 0;
    for it in of.iter().filter(|it| all || it.change != "same") {
        let _ = writeln!(out, "  {}: {}", it.name, it.change);
        for (pair, changes) in &it.properties {
            let words: Vec<String> = changes
                .iter()
                .map(|change| match change.old {
                    Some(_) => format!("{} {}", change.name.replace('_', " "), verdicts(change)),
                    None => change.name.replace('_', " "),
                })
                .collect();
            let _ = writeln!(out, "    {pair}: {}", words.join(", "));
        }
        if let Some(encoding) = &it.encoding {
            let _ = writeln!(out, "    encoding {}", verdicts(encoding));
        }
        match &it.semantics {
            None => {}
            Some(Meaning::Same) if it.change == "same" => {}
            Some(Meaning::Same) => {
                let _ = writeln!(out, "    the {what} are the same, for all states");
            }
            Some(Meaning::Different { .. }) if tables == shown => {}
            Some(Meaning::Different { step }) => {
                tables += 1;
                table(out, step);
            }
            Some(Meaning::Undecided { reason }) => {
                let _ = writeln!(out, "    whether the {what} are the same is undecided: {reason}");
            }
            Some(Meaning::NotComparable { reason }) => {
                let _ = writeln!(out, "    the {what} cannot be compared: {reason}");
            }
        }
    }
}

/// The state, with what it becomes on each machine.
fn table(out: &mut String, step: &Step) {
    let [old, new] = &step.outcomes;
    let _ = writeln!(out, "    {}: old {old}, new {new}", step.instruction);
    let changed = |row: &&super::meaning::StepRow| row.differs || row.before != "0";
    let rows: Vec<[&str; 5]> = step
        .rows
        .iter()
        .filter(changed)
        .map(|row| {
            let mark = if row.differs { "differs" } else { "" };
            [row.name.as_str(), &row.before, &row.after[0], &row.after[1], mark]
        })
        .collect();
    let heads = ["", "S", "old i(S)", "new i(S)", ""];
    let width = |i: usize| {
        let all = rows.iter().map(|row| row[i]).chain([heads[i]]);
        all.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    for row in [heads].iter().chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "      {}", line.trim_end());
    }
}
