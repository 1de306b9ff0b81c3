//! Why the theorems fail or hold, by one instruction: its source, its square, what follows.

use model::isa::Verdict;
use model::theorem::Theorem;

use super::Side;
use super::markup::Markup;
use super::square::{self, Broken};
use super::verdicts::{chip, section, sentence};
use super::witness;
use crate::report::page::step::{finds_out, reasons, sentences};
use crate::report::{Example, Excerpt, Refutation, TheoremReport};

/// Whether there is a step to show.
pub(super) fn exists(side: Side<'_>) -> bool {
    let all = side.pair.theorems.monitors();
    all.iter().any(|(_, it)| it.refutation.is_some() || it.verdict == Verdict::Holds)
}

/// The section of a pair: a refutation of each theorem that fails, and an example where one holds.
pub(super) fn render(page: &mut Markup, side: Side<'_>) {
    if !exists(side) {
        return;
    }
    let anchor = side.machine.anchors.part(&format!("p{}-why", side.number));
    let [(_, vmm), (_, hvmm)] = side.pair.theorems.monitors();
    section(page, &anchor, "Why", |page| {
        match (&vmm.refutation, &hvmm.refutation) {
            (Some(one), Some(three))
                if one.instruction == three.instruction && one.mode == three.mode =>
            {
                refuted(page, side, "Theorems 1 and 3 fail", one, vmm);
            }
            (one, three) => {
                if let Some(one) = one {
                    refuted(page, side, "Theorem 1 fails", one, vmm);
                }
                if let Some(three) = three {
                    refuted(page, side, "Theorem 3 fails", three, hvmm);
                }
            }
        }
        match (vmm.verdict, hvmm.verdict) {
            (Verdict::Holds, Verdict::Holds) => {
                holds(page, side, "Theorems 1 and 3 hold", Theorem::Vmm);
            }
            (Verdict::Holds, _) => holds(page, side, "Theorem 1 holds", Theorem::Vmm),
            (_, Verdict::Holds) => holds(page, side, "Theorem 3 holds", Theorem::Hvmm),
            _ => {}
        }
    });
}

fn refuted(
    page: &mut Markup,
    side: Side<'_>,
    what: &str,
    it: &Refutation,
    theorem: &TheoremReport,
) {
    let found = side.pair.instructions.iter().position(|found| found.name == it.instruction);
    page.element("h3", &[], |page| {
        page.text(&format!("Why {what}: "));
        chip(page, side, &it.instruction);
    });
    excerpts(page, side, &it.lesson.source);
    if let Some(found) = found.map(|i| &side.pair.instructions[i]) {
        page.paragraph(&sentences(side.pair, found));
        for note in &found.notes {
            page.paragraph(&format!("The specification notes: {}", note.trim()));
        }
    }
    square::broken(
        page,
        &Broken {
            instruction: &it.instruction,
            instance: &it.witness.instruction,
            mode: it.mode.clone(),
            user: &side.pair.user,
            rows: &it.lesson.rows,
            outcomes: &it.witness.outcomes,
            wrong: &it.broken,
            briefly: false,
        },
    );
    page.element("details", &[], |page| {
        page.leaf("summary", &[], "The whole states");
        witness::table(page, "S and its image f(S), before and after", &it.witness);
    });
    if let Some(guest) = &theorem.guest {
        page.paragraph(&finds_out(guest));
        page.element("details", &[], |page| {
            page.leaf("summary", &[], "The program, and how to run it");
            page.leaf("pre", &[], &guest.program.join("\n"));
            page.leaf("pre", &[], &guest.command);
        });
    }
    if let Some(it) = &theorem.collision {
        page.paragraph(&format!(
            "No other map f helps: {}, for {}.",
            it.witness.outcomes.join(", and yet "),
            it.maps
        ));
        page.element("details", &[], |page| {
            page.leaf("summary", &[], "The states");
            witness::table(page, &format!("A guest in virtual {}", it.mode), &it.witness);
        });
    }
}

fn holds(page: &mut Markup, side: Side<'_>, what: &str, theorem: Theorem) {
    let pair = side.pair;
    let Some(it) = pair.theorems.monitor(theorem) else { return };
    let example: Option<&Example> = it.example.as_ref().filter(|_| !theorem.is_hybrid());
    page.element("h3", &[], |page| match example {
        Some(example) => {
            page.text(&format!("Why {what}, for example: "));
            chip(page, side, &example.instruction);
        }
        None => page.text(&format!("Why {what}")),
    });
    if let Some(example) = example {
        excerpts(page, side, &example.lesson.source);
        page.paragraph(&format!(
            "It is control sensitive in {}. It is privileged: from the same state in {} it traps (proved of all states, memory traps apart).",
            pair.supervisor, pair.user
        ));
        let names = (example.instruction.as_str(), pair.supervisor.as_str(), pair.user.as_str());
        square::commuting(page, names, &example.lesson.rows);
    }
    page.paragraph(&sentence(&reasons(pair, theorem, it)));
}

/// Source lines as written, with their numbers, which lead to the source.
pub(super) fn excerpts(page: &mut Markup, side: Side<'_>, all: &[Excerpt]) {
    for it in all {
        let text = format!("{}:{}", it.file, it.line);
        page.element("p", &[("class", "note")], |page| match link(side, it) {
            Some(href) => page.leaf("a", &[("href", &href)], &text),
            None => page.text(&text),
        });
        page.leaf("pre", &[], &it.text.join("\n"));
    }
}

/// Where the source has the semantics that an excerpt is of.
fn link(side: Side<'_>, it: &Excerpt) -> Option<String> {
    let file = super::source::file_of(side.machine, &it.file)?;
    let mut places = side.pair.instructions.iter().flat_map(|it| &it.semantics);
    let place = places
        .find(|place| place.file == it.file && (place.line..=place.end_line).contains(&it.line))?;
    Some(format!("#{}", side.machine.anchors.line(file, place.line)))
}
