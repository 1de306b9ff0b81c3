//! The atlas: machines side by side, a line for each de-privileging pair.

use std::fmt::Write as _;

use model::theorem::Theorem;
use serde::Serialize;

use super::Report;

/// One pair of a machine.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Short name of the machine.
    pub isa: String,
    /// One line about it.
    pub title: String,
    /// The year in which it appeared.
    pub year: Option<u32>,
    /// `supervisor → user`; nothing on a machine without modes.
    pub pair: Option<String>,
    /// Decode classes.
    pub instructions: u64,
    /// The verdict on Theorem 1, with its conditions.
    pub vmm: String,
    /// The verdict on Theorem 3, with its conditions.
    pub hvmm: String,
    /// Instructions that are not privileged and break the premise of Theorem 1 or a square.
    pub offending: Vec<String>,
}

/// Oldest first, then those without a year; those of one machine as its specification has them.
pub fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.year.is_none(), row.year, row.isa.clone());
        key(a).cmp(&key(b))
    });
}

/// The lines of one report.
pub fn rows(report: &Report) -> Vec<Row> {
    let row = |pair| Row {
        isa: report.isa.clone(),
        title: report.title.clone(),
        year: report.year,
        pair,
        instructions: 0,
        vmm: "not applicable".into(),
        hvmm: "not applicable".into(),
        offending: Vec::new(),
    };
    if report.pairs.is_empty() {
        return vec![Row { instructions: report.summary.instructions, ..row(None) }];
    }
    let of_pair = |pair: &super::PairReport| {
        let theorems = &pair.theorems;
        Row {
            instructions: pair.instructions.len() as u64,
            vmm: theorems.verdict_in_words(Theorem::Vmm),
            hvmm: theorems.verdict_in_words(Theorem::Hvmm),
            offending: theorems.offending().into_iter().cloned().collect(),
            ..row(Some(format!("{} → {}", pair.supervisor, pair.user)))
        }
    };
    report.pairs.iter().map(of_pair).collect()
}

const HEADS: [&str; 7] = [
    "machine",
    "year",
    "modes",
    "instructions",
    "Theorem 1",
    "Theorem 3",
    "sensitive and unprivileged",
];

fn cells(row: &Row, shown: usize) -> [String; 7] {
    let list = crate::theorems::theorem::cut(&row.offending, shown);
    let number = |n: u64| if n == 0 { String::new() } else { n.to_string() };
    [
        row.isa.clone(),
        row.year.map_or_else(String::new, |year| year.to_string()),
        row.pair.clone().unwrap_or_default(),
        number(row.instructions),
        row.vmm.clone(),
        row.hvmm.clone(),
        list,
    ]
}

/// A table for terminals.
pub fn text(rows: &[Row]) -> String {
    const WIDEST: usize = 34;
    let mut lines = vec![HEADS.map(String::from)];
    lines.extend(rows.iter().map(|row| cells(row, 6)));
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).min(WIDEST)
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let joined = padded.collect::<Vec<String>>().join("  ");
        let _ = writeln!(out, "{}", joined.trim_end());
    }
    out
}

/// A table in Markdown, with links to the specifications.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = format!("| {} |\n|{}\n", HEADS.join(" | "), "---|".repeat(HEADS.len()));
    for row in rows {
        let mut cells = cells(row, usize::MAX);
        cells[0] = format!("[`{0}`]({0}.yaml)", row.isa);
        if !row.offending.is_empty() {
            cells[6] = format!("{}: {}", row.offending.len(), cells[6]);
        }
        let _ = writeln!(out, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    out
}
