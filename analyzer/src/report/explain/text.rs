//! An explanation as text for a terminal.

use std::fmt::Write as _;

use super::document::Table;
use super::{Answered, Explanation, PairExplanation};
use crate::prove::answer::Answer;
use crate::report::shell;
use crate::report::text::{Cell, Detail, aligned};

/// Columns of the page.
const WIDTH: usize = 100;

/// Everything about one class; `repair` is what a repair found out about it, if one was tried.
pub fn render(it: &Explanation, repair: Option<&str>) -> String {
    let mut out = String::new();
    let room = WIDTH.saturating_sub(it.name.chars().count()).max(it.at.chars().count() + 2);
    let _ = writeln!(out, "{}{:>room$}", it.name, it.at);
    out.push_str(&wrapped(&it.machine, ""));
    source(&mut out, it);
    for what in &it.applies {
        out.push_str(&wrapped(what, "        "));
    }
    for note in &it.notes {
        out.push_str(&wrapped(&format!("Note: {note}"), "  "));
    }
    for pair in &it.pairs {
        out.push_str(&in_pair(pair, &it.spec));
    }
    if let Some(repair) = repair {
        out.push_str("\n  What would repair it\n");
        out.push_str(&wrapped(repair, "    "));
    }
    out
}

/// The cases of a mnemonic, each with its class.
pub fn cases(mnemonic: &str, all: &[Explanation]) -> String {
    let mut out = format!("{mnemonic} has {} cases, which are judged one by one\n", all.len());
    if let Some(first) = all.first() {
        out.push_str(&wrapped(&first.machine, ""));
        source(&mut out, first);
    }
    for it in all {
        let case = it.applies.first().map(|case| format!(", {case}")).unwrap_or_default();
        let _ = write!(
            out,
            "\n  {}",
            wrapped(&format!("{}{case} ({})", it.name, it.at), "  ").trim_start()
        );
        let mut known: Option<&str> = None;
        for pair in &it.pairs {
            if known == Some(pair.class.as_str()) {
                continue;
            }
            known = Some(&pair.class);
            let modes = if it.pairs.len() > 1 {
                format!("{} → {}: ", pair.supervisor, pair.user)
            } else {
                String::new()
            };
            out.push_str(&wrapped(&format!("{modes}{}", pair.class), "      "));
        }
    }
    out.push_str("\nTo see one: analyze explain SPEC 'NAME[CASE]'\n");
    out
}

/// The semantics, with the numbers of the lines; another file than before is named.
fn source(out: &mut String, it: &Explanation) {
    let mut file = &it.file;
    for line in &it.source {
        if *file != line.file {
            let _ = writeln!(out, "        then {}:{}", line.file, line.number);
            file = &line.file;
        }
        let _ = writeln!(out, "{}", format!("{:>6}  {}", line.number, line.text).trim_end());
    }
}

fn in_pair(it: &PairExplanation, spec: &str) -> String {
    let mut out = format!("\nSupervisor mode {}, user mode {}\n", it.supervisor, it.user);
    out.push_str(&wrapped(&format!("It is {}.", it.class), "  "));
    for line in &it.footprint {
        out.push_str(&wrapped(line, "  "));
    }
    out.push('\n');
    for answered in &it.answers {
        answer(&mut out, answered);
    }
    out.push_str("\n  What follows\n");
    for (theorem, what) in &it.theorems {
        out.push_str(&wrapped(&format!("{}: {what}.", theorem.name()), "    "));
    }
    out.push_str("\n  What a monitor sees\n");
    for line in &it.monitor {
        out.push_str(&wrapped(line, "    "));
    }
    for line in &it.guest {
        let _ = writeln!(out, "    {line}");
    }
    if !it.replay.is_empty() {
        let _ = writeln!(
            out,
            "\n  To repeat a step, one of these lines to: refvmm eval {}",
            shell::path(spec)
        );
    }
    for (property, requests) in &it.replay {
        let _ = writeln!(out, "    {}", property.word());
        for request in requests {
            let _ = writeln!(out, "      {request}");
        }
    }
    out
}

fn answer(out: &mut String, it: &Answered) {
    const INDENT: &str = "                              ";
    let name = format!("{}?", it.property.word().replace('-', " "));
    let whose = if it.property.is_of_1974() { "P&G: " } else { "" };
    let question = wrapped(&format!("{whose}{}", it.question), INDENT);
    let head = format!("  {name:<22}{}", it.answer.word());
    if head.chars().count() < INDENT.len() {
        let _ = write!(out, "{head:<30}{}", question.trim_start());
    } else {
        let _ = write!(out, "{head}\n{question}");
    }
    if !it.why.is_empty() {
        out.push_str(&wrapped(&it.why, INDENT));
    }
    if let Some(table) = &it.witness
        && (it.answer == Answer::Yes
            || !matches!(it.property, model::property::Property::Privileged))
    {
        out.push_str(&rows(table));
    }
}

/// A table under an answer.
fn rows(table: &Table) -> String {
    let cells = |row: &Vec<String>| row.iter().map(|text| Cell::plain(text.as_str())).collect();
    let lines: Vec<Vec<Cell>> =
        std::iter::once(&table.header).chain(&table.rows).map(cells).collect();
    let text = aligned(&lines, Detail::default());
    text.lines().fold(String::new(), |out, line| format!("{out}    {line}\n"))
}

/// Text in lines that fit the page, each indented.
fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = indent.chars().count() + line.chars().count() + word.chars().count();
        if !line.is_empty() && length >= WIDTH {
            let _ = writeln!(out, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}{line}");
    out
}
