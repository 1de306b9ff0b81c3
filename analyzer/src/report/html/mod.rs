//! The report as a page to look at: one file that needs nothing else, with pictures, and usable without its script.
//!
//! Report and [`Exhibit`] (plain data, both) → page. Nothing is decided here. Markup is made by `markup` alone, which
//! escapes every text; the policy in the head of a page allows no script and no style but ours, and no other file.

mod cards;
mod flow;
mod frame;
pub(super) mod markup;
mod modes;
mod names;
mod proof;
mod sets;
mod site;
mod source;
mod square;
mod step;
mod traps;
mod verdicts;
mod witness;

use model::diagnostic::Sources;
use model::isa::Isa;

use super::explain::{Explanation, explain};
use super::{PairReport, Report};
use crate::analyze::Options;
use crate::graph::{ModeGraph, mode_graph};
use crate::progress::Progress;
use crate::traps::{TrapTable, trap_table};
use markup::Markup;
use names::Anchors;
pub use site::{Site, site};

/// What a page shows beside the report: the specification as written, why each answer is right, the modes, the traps.
#[derive(Debug)]
pub struct Exhibit {
    sources: Sources,
    explanations: Vec<Explanation>,
    modes: ModeGraph,
    traps: TrapTable,
}

impl Exhibit {
    /// Gathers it. The questions about modes and traps, which no report asks, are asked here.
    pub fn gather(
        isa: &Isa,
        sources: &Sources,
        report: &Report,
        options: &Options<'_>,
        progress: &Progress<'_>,
    ) -> Self {
        let classes = 0..isa.classes.len();
        Self {
            explanations: classes.map(|class| explain(isa, sources, report, class)).collect(),
            modes: mode_graph(isa, options, progress),
            traps: trap_table(isa, &[], options, progress),
            sources: sources.clone(),
        }
    }
}

/// A machine of a page. One that cannot be analyzed has nothing to exhibit.
pub type Subject<'s> = (&'s Report, Option<&'s Exhibit>);

/// A machine while its part of a page is written.
#[derive(Clone, Copy)]
struct Machine<'s> {
    report: &'s Report,
    exhibit: &'s Exhibit,
    anchors: Anchors<'s>,
}

/// One pair of modes of it.
#[derive(Clone, Copy)]
struct Side<'s> {
    machine: Machine<'s>,
    pair: &'s PairReport,
    /// The number of the pair.
    number: usize,
}

impl<'s> Machine<'s> {
    fn sides(self) -> impl Iterator<Item = Side<'s>> {
        let side = move |(number, pair)| Side { machine: self, pair, number };
        self.report.pairs.iter().enumerate().map(side)
    }
}

impl Side<'_> {
    /// The anchor of the card of an instruction.
    fn card(&self, index: usize) -> String {
        let name = &self.pair.instructions[index].name;
        self.machine.anchors.of(&format!("p{}-{index}", self.number), name)
    }

    /// The same for an instruction by its name.
    fn card_of(&self, name: &str) -> Option<String> {
        let index = self.pair.instructions.iter().position(|it| it.name == name)?;
        Some(self.card(index))
    }
}

/// One page about machines, with an index where there are several.
pub fn render(subjects: &[Subject<'_>]) -> String {
    match subjects {
        [one] => frame::page(&title(one.0), |page| {
            machine(page, *one, "", None);
        }),
        many => frame::page("Formal virtualizability", |page| {
            let rows: Vec<_> = many.iter().enumerate().collect();
            let href = |i: usize| format!("#m{i}-top");
            site::index(page, &rows.iter().map(|(i, it)| (it.0, href(*i))).collect::<Vec<_>>());
            for (i, subject) in many.iter().enumerate() {
                machine(page, *subject, &format!("m{i}-"), Some("#index"));
            }
        }),
    }
}

fn title(report: &Report) -> String {
    format!("{}: {}", report.isa, report.title)
}

/// Everything about one machine; `above` leads to an index.
fn machine(page: &mut Markup, (report, exhibit): Subject<'_>, prefix: &str, above: Option<&str>) {
    let anchors = Anchors { prefix };
    page.element(
        "article",
        &[("id", &anchors.part("top")), ("aria-labelledby", &anchors.part("title"))],
        |page| {
            frame::heading(page, report, anchors, above);
            verdicts::of_report(page, report);
            let Some(exhibit) = exhibit else { return };
            let it = Machine { report, exhibit, anchors };
            frame::contents(page, it);
            for side in it.sides() {
                of_pair(page, side);
            }
            modes::render(page, it);
            traps::render(page, it);
            source::render(page, it);
            verdicts::effort(page, it);
        },
    );
}

/// Verdicts, pictures, instructions and proof for one pair of modes.
fn of_pair(page: &mut Markup, side: Side<'_>) {
    let lemmas = proof::lemmas(side);
    verdicts::render(page, side);
    sets::render(page, side);
    step::render(page, side);
    cards::render(page, side, &lemmas);
    proof::render(page, side, &lemmas);
}
