//! The report as one page for each pair of modes: what a student of the paper asks first. `text` prints the rest.

mod layout;
pub(super) mod rest;
pub(super) mod rows;
pub(super) mod sets;
mod square;
pub(super) mod step;
pub(super) mod verdicts;
pub(super) mod warnings;

use model::isa::Verdict;
use model::property::Property;
use model::theorem::Theorem;

pub use layout::{Style, ascii, folded};

use super::{InstructionReport, PairReport, Report, TheoremReport};
use crate::prove::answer::Answer;
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
            "{} instructions. Supervisor mode: {}. User mode: {}. Definitions: {}.",
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
pub(super) enum Effect {
    /// Its square commutes for every state that the theorem speaks of.
    Safe,
    /// It does while the monitor keeps bits of its own.
    SafeIfKept,
    /// It does not, for some state.
    Breaks,
    /// Not settled.
    Open,
}

pub(super) fn effect(pair: &PairReport, theorem: Theorem, it: &InstructionReport) -> Effect {
    let Some(report) = pair.theorems.monitor(theorem) else { return Effect::Open };
    let refutes = report.refuting.contains(&it.name);
    // A hybrid monitor runs no code of virtual supervisor mode.
    let runs = |mode: &String| !(theorem.is_hybrid() && *mode == pair.supervisor);
    let squares = it.by_mode.get(Property::Statewise.key()).into_iter().flatten();
    let open = squares.into_iter().any(|(mode, it)| runs(mode) && *it == Answer::Undecided);
    match (refutes, report.verdict) {
        (true, Verdict::Holds) => Effect::SafeIfKept,
        (true, _) if !it.safe_if.is_empty() => Effect::SafeIfKept,
        (true, _) => Effect::Breaks,
        (false, _) if open => Effect::Open,
        (false, _) => Effect::Safe,
    }
}

/// A name, or cases of one instruction together, and how many instructions that are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    text: String,
    counts: usize,
}

/// Names, where cases of one instruction stand together: `datao[apr,device]`, `csrrw[23 cases]`.
fn names<'n>(all: impl Iterator<Item = &'n str>) -> Vec<Name> {
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
    let name = |(instruction, cases): (&str, Vec<&str>)| Name {
        text: match cases.len() {
            0 => instruction.to_owned(),
            n if n > LISTED => format!("{instruction}[{n}{}cases]", layout::TIED),
            _ => format!("{instruction}[{}]", cases.join(",")),
        },
        counts: cases.len().max(1),
    };
    merged.into_iter().map(name).collect()
}

/// All names in one text.
fn listed<'n>(all: impl Iterator<Item = &'n str>, separator: &str) -> String {
    names(all).into_iter().map(|it| it.text).collect::<Vec<_>>().join(separator)
}

/// Names in one text that fits in `lines` lines of a width; how many instructions are left out stands at the end.
fn fitting<'n>(all: impl Iterator<Item = &'n str>, width: usize, lines: usize) -> String {
    let all = names(all);
    let cut = |shown: usize| {
        let (first, rest) = all.split_at(shown);
        let left: usize = rest.iter().map(|it| it.counts).sum();
        let more = (left > 0).then(|| format!("... {left} more"));
        first.iter().map(|it| it.text.clone()).chain(more).collect::<Vec<_>>().join(" ")
    };
    let mut texts = (0..=all.len()).rev().map(cut);
    let fits = |text: &String| layout::wrap(text, width, width).len() <= lines;
    texts.find(fits).unwrap_or_else(|| cut(0))
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
    use super::{fitting, listed};

    #[test]
    fn cases_of_an_instruction_stand_together() {
        let all =
            ["move", "datao[apr]", "datao[device]", "x[1]", "x[2]", "x[3]", "x[4]", "x[5]", "cono"];
        assert_eq!(listed(all.into_iter(), " "), "move datao[apr,device] x[5\u{a0}cases] cono");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let all = || ["aaaa", "bbbb", "c[1]", "c[2]", "dddd"].into_iter();
        assert_eq!(fitting(all(), 30, 1), "aaaa bbbb c[1,2] dddd");
        assert_eq!(fitting(all(), 20, 1), "aaaa bbbb ... 3 more");
        assert_eq!(fitting(all(), 10, 2), "aaaa bbbb ... 3 more");
        assert_eq!(fitting(all(), 10, 1), "... 5 more");
    }
}
