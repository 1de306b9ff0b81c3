//! The report as one page for each pair of modes: what a student of the paper asks first. `text` prints the rest.

mod layout;
mod rest;
mod sets;
mod square;
mod step;
mod verdicts;
mod warnings;

use model::isa::Verdict;
use model::property::Property;
use model::theorem::Theorem;

pub use layout::{Style, ascii};

use crate::prove::answer::Answer;
use super::{InstructionReport, PairReport, Report, TheoremReport};
use layout::{Page, bold};

/// Renders the page.
pub fn render(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    page.painted(0, 4, &format!("{}: {}", report.isa, report.title), bold());
    warnings::of_report(&mut page, report);
    if report.pairs.is_empty() {
        verdicts::not_applicable(&mut page);
    }
    for pair in &report.pairs {
        if report.pairs.len() > 1 {
            page.heading(&format!("{} -> {}", pair.supervisor, pair.user), "");
        }
        of_pair(&mut page, report, pair);
    }
    rest::of_report(&mut page, report);
    page.finish()
}

fn of_pair(page: &mut Page, report: &Report, pair: &PairReport) {
    page.text(
        0,
        4,
        &format!(
            "{} instructions. Supervisor mode: {}. User mode: {}. Definitions: {} (analyze definitions).",
            pair.instructions.len(),
            pair.supervisor,
            pair.user,
            report.profile.word()
        ),
    );
    warnings::of_pair(page, pair);
    verdicts::render(page, pair);
    sets::table(page, pair);
    sets::reasons(page, pair);
    step::render(page, pair);
    rest::of_pair(page, report, pair);
}

/// An instruction of a pair by its name.
fn find<'r>(pair: &'r PairReport, name: &str) -> Option<&'r InstructionReport> {
    pair.instructions.iter().find(|it| it.name == name)
}

/// What executing an instruction directly does to a theorem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Its square commutes for every state that the theorem speaks of.
    Safe,
    /// It does while the monitor keeps bits of its own.
    SafeIfKept,
    /// It does not, for some state.
    Breaks,
    /// Not settled.
    Open,
}

fn effect(pair: &PairReport, theorem: Theorem, it: &InstructionReport) -> Effect {
    let Some(report) = pair.theorems.monitor(theorem) else { return Effect::Open };
    let refutes = report.refuting.contains(&it.name);
    match (refutes, report.verdict) {
        (true, Verdict::Holds) => Effect::SafeIfKept,
        (true, _) if !it.safe_if.is_empty() => Effect::SafeIfKept,
        (true, _) => Effect::Breaks,
        (false, _) if it.is(Property::Statewise) == Answer::Undecided => Effect::Open,
        (false, _) => Effect::Safe,
    }
}

/// Names, where cases of one instruction stand together: `datao[apr,device]`, `csrrw[23 cases]`.
fn names<'n>(all: impl Iterator<Item = &'n str>) -> Vec<String> {
    const LISTED: usize = 4;
    let mut merged: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in all {
        let (instruction, case) = match name.split_once('[') {
            Some((instruction, case)) => (instruction, case.strip_suffix(']')),
            None => (name, None),
        };
        match (merged.last_mut(), case) {
            (Some((last, cases)), Some(case)) if *last == instruction && !cases.is_empty() => {
                cases.push(case);
            }
            (_, case) => merged.push((instruction, case.into_iter().collect())),
        }
    }
    let word = |(instruction, cases): (&str, Vec<&str>)| match cases.len() {
        0 => instruction.to_owned(),
        n if n > LISTED => format!("{instruction}[{n} cases]"),
        _ => format!("{instruction}[{}]", cases.join(",")),
    };
    merged.into_iter().map(word).collect()
}

/// Names in one text that fits in `lines` lines of a width; how many are left out stands at the end.
fn fitting(all: &[String], width: usize, lines: usize) -> String {
    let room = width * lines;
    let whole = all.join(" ");
    // Breaking lines costs at most the longest name a line.
    let longest = all.iter().map(|it| layout::length(it)).max().unwrap_or(0);
    if layout::length(&whole) + (lines - 1) * longest.min(width) <= room {
        return whole;
    }
    let more = |n: usize| format!("... and {n} more (--all)");
    let mut text = String::new();
    for (i, name) in all.iter().enumerate() {
        let left = all.len() - i;
        let cost = layout::length(&text) + layout::length(name) + 2 + layout::length(&more(left));
        if cost + (lines - 1) * longest.min(width) > room {
            text.push_str(&more(left));
            return text;
        }
        text.push_str(name);
        text.push(' ');
    }
    text.trim_end().to_owned()
}

/// `one instruction is`, `3 instructions are`.
fn are(n: usize) -> String {
    if n == 1 { "1 instruction is".to_owned() } else { format!("{n} instructions are") }
}

/// Theorems 1 and 3.
fn monitors(pair: &PairReport) -> [(Theorem, &TheoremReport); 2] {
    pair.theorems.monitors()
}

#[cfg(test)]
mod tests {
    use super::{fitting, names};

    #[test]
    fn cases_of_an_instruction_stand_together() {
        let all = ["move", "datao[apr]", "datao[device]", "x[1]", "x[2]", "x[3]", "x[4]", "x[5]", "cono"];
        assert_eq!(names(all.into_iter()), ["move", "datao[apr,device]", "x[5 cases]", "cono"]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let all: Vec<String> = ["aaaa", "bbbb", "cccc", "dddd", "eeee"].map(String::from).into();
        assert_eq!(fitting(&all, 30, 1), "aaaa bbbb cccc dddd eeee");
        assert_eq!(fitting(&all, 20, 2), "aaaa ... and 4 more (--all)");
    }
}
