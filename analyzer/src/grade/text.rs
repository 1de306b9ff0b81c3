//! Grades as text.

use std::fmt::Write as _;

use super::{Graded, Grading, Student};
use crate::report::WitnessReport;

/// Each table with its score and its wrong claims; several in one list at the end.
pub fn render(it: &Grading<'_>) -> String {
    let mut out = format!("{} ({}), profile {}\n", it.isa, it.pair, it.profile);
    for student in &it.students {
        let _ = writeln!(out, "\n{}: {}", student.file, score(student));
        for error in &student.errors {
            let _ = writeln!(out, "  {error}");
        }
        for claim in student.claims.iter().filter(|it| it.result != "right") {
            self::claim(&mut out, claim);
        }
        if !student.missing.is_empty() {
            let _ = writeln!(out, "  not claimed: {}", student.missing.join(", "));
        }
    }
    if it.students.len() > 1 {
        let wide = it.students.iter().map(|it| it.file.chars().count()).max().unwrap_or(0);
        out.push('\n');
        for student in &it.students {
            let _ = writeln!(out, "{:<wide$}  {}", student.file, score(student));
        }
    }
    out
}

/// `7 of 9 right (77.8 %), 1 not graded`.
fn score(it: &Student<'_>) -> String {
    if !it.errors.is_empty() {
        return "not graded".to_owned();
    }
    let percent = it.percent.map_or_else(String::new, |percent| format!(" ({percent:.1} %)"));
    let open = if it.open > 0 { format!(", {} not graded", it.open) } else { String::new() };
    format!("{} of {} right{percent}{open}", it.right, it.of)
}

fn claim(out: &mut String, it: &Graded<'_>) {
    if it.result == "open" {
        let _ = writeln!(out, "  line {}: {}: not graded, for it is undecided", it.line, it.claim);
        return;
    }
    let why = it.why.unwrap_or_default();
    let _ = writeln!(out, "  line {}: {}: wrong; {why}", it.line, it.claim);
    if let Some(witness) = it.counterexample {
        states(out, witness);
    }
}

/// The rows of the states that are not the same in all columns.
fn states(out: &mut String, it: &WitnessReport) {
    let mut lines =
        vec![[vec![it.instruction.clone(), String::new()], it.columns.clone()].concat()];
    let apart = it.rows.iter().filter(|row| row.values.windows(2).any(|two| two[0] != two[1]));
    lines.extend(
        apart.map(|row| [vec![row.name.clone(), row.role.clone()], row.values.clone()].concat()),
    );
    let columns = lines[0].len();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|it| it.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(out, "    {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    if !it.outcomes.is_empty() {
        let _ = writeln!(out, "    {}", it.outcomes.join(", "));
    }
}
