//! A card for each instruction: its properties with the kind of evidence, its witnesses, its square.

use model::property::Property;

use super::Side;
use super::markup::Markup;
use super::names::{Standing, letters};
use super::proof::{Lemma, anchor, evidence, explanation};
use super::square::{self, Broken};
use super::verdicts::{section, sentence};
use super::witness;
use crate::prove::answer::Answer;
use crate::report::{Evidence, InstructionReport, WitnessReport};

/// The most lines of source that a card repeats.
const LINES: usize = 16;

pub(super) fn render(page: &mut Markup, side: Side<'_>, lemmas: &[Lemma<'_>]) {
    let part = side.machine.anchors.part(&format!("p{}-instructions", side.number));
    section(page, &part, "Instructions", |page| {
        page.leaf("p", &[("class", "note")], "P privileged, S sensitive, U user sensitive, I innocuous, ? undecided. In a table S is a state before the instruction and i(S) after it; what changes has an arrow, and where two states differ the cell is marked. What is not named is 0.");
        page.element("div", &[("class", "cards")], |page| {
            for (index, it) in side.pair.instructions.iter().enumerate() {
                card(page, side, index, it, lemmas);
            }
        });
    });
}

fn card(
    page: &mut Markup,
    side: Side<'_>,
    index: usize,
    it: &InstructionReport,
    lemmas: &[Lemma<'_>],
) {
    let known = explanation(side, index);
    let standing = Standing::of(side.pair, it);
    page.element("details", &[("class", &format!("card {}", standing.style()))], |page| {
        page.element("summary", &[], |page| {
            page.leaf("b", &[], &it.name);
            page.text(" ");
            page.leaf("span", &[("class", "letters")], &letters(it));
            page.text(" ");
            page.leaf(
                "span",
                &[("class", "class")],
                known.map_or(standing.words(), |it| &it.class),
            );
        });
        page.element("div", &[("id", &side.card(index))], |page| {
            facts(page, it);
            references(page, side, index, it, lemmas);
            if standing != Standing::Innocuous {
                source(page, side, index);
            }
            if let Some(known) = known {
                // That it may run directly is among the answers; what an innocuous one reads is in its lemma.
                let tells = standing != Standing::Innocuous;
                let monitor = known.monitor.iter().take(1);
                for text in known.footprint.iter().chain(monitor).filter(|_| tells) {
                    page.paragraph(text);
                }
                if it.is(Property::Sensitive).is_yes() {
                    for (theorem, text) in &known.theorems {
                        page.paragraph(&sentence(&format!("{}: {text}", theorem.name())));
                    }
                }
            }
            for note in &it.notes {
                page.paragraph(&format!("The specification notes: {}", note.trim()));
            }
            witnesses(page, it);
            broken(page, side, it);
        });
    });
}

/// The answers, those together that are the same and have the same evidence behind them.
fn facts(page: &mut Markup, it: &InstructionReport) {
    let mut groups: Vec<(Answer, String, Vec<String>)> = Vec::new();
    let own = |property: &Property| {
        it.evidence.contains_key(property.key()) || it.is(*property) == Answer::Undecided
    };
    for (property, answer) in it.properties.iter().filter(|(property, _)| own(property)) {
        let kind = match it.evidence.get(property.key()) {
            Some(Evidence::Solver { conflicts }) => format!("SAT proof, {conflicts} conflicts"),
            Some(Evidence::Open { reason }) => format!("open: {reason}"),
            _ => evidence(it, *property).to_owned(),
        };
        let word = property.word().replace('-', " ");
        match groups.iter_mut().find(|(other, by, _)| other == answer && *by == kind) {
            Some((_, _, all)) => all.push(word),
            None => groups.push((*answer, kind, vec![word])),
        }
    }
    groups.sort_by_key(|(answer, _, _)| *answer == Answer::No);
    page.element("ul", &[("class", "facts")], |page| {
        for (answer, kind, all) in groups {
            let class: &[_] = match answer {
                Answer::Yes => &[("class", "y")],
                Answer::Undecided => &[("class", "o")],
                Answer::No | Answer::Vacuous => &[],
            };
            page.element("li", class, |page| {
                page.text(&format!("{}: {} ", answer.word(), all.join(", ")));
                page.leaf("small", &[], &kind);
            });
        }
    });
}

/// Where it is proved, and where it is written.
fn references(
    page: &mut Markup,
    side: Side<'_>,
    index: usize,
    it: &InstructionReport,
    lemmas: &[Lemma<'_>],
) {
    let machine = side.machine;
    let lemma = lemmas.iter().position(|lemma| lemma.members.contains(&index));
    page.element("p", &[("class", "note")], |page| {
        if let Some(lemma) = lemma {
            let href = format!("#{}", anchor(side, lemma));
            page.leaf("a", &[("href", &href)], &format!("Lemma {}", lemma + 1));
            page.text(" · ");
        }
        let place = format!("{}:{}", it.at.file, it.at.line);
        match super::source::file_of(machine, &it.at.file) {
            Some(file) => {
                let href = format!("#{}", machine.anchors.line(file, it.at.line));
                page.leaf("a", &[("href", &href)], &place);
            }
            None => page.text(&place),
        }
        if !it.safe_if.is_empty() {
            page.text(&format!(" · safe if the monitor keeps {}", it.safe_if.join(", or ")));
        }
    });
}

/// The semantics as written.
fn source(page: &mut Markup, side: Side<'_>, index: usize) {
    let Some(it) = side.machine.exhibit.explanations.get(index) else { return };
    let mut lines: Vec<&str> =
        it.source.iter().take(LINES).map(|line| line.text.as_str()).collect();
    let more = format!("… {} more lines", it.source.len().saturating_sub(LINES));
    if it.source.len() > LINES {
        lines.push(&more);
    }
    if !lines.is_empty() {
        page.leaf("pre", &[], &lines.join("\n"));
    }
}

/// The states that show its properties; what several properties share is shown once.
fn witnesses(page: &mut Markup, it: &InstructionReport) {
    let mut all: Vec<(String, &WitnessReport)> = Vec::new();
    for property in it.properties.keys().filter(|it| **it != Property::Statewise) {
        let Some(Evidence::Witness(witness)) = it.evidence.get(property.key()) else { continue };
        let word = property.word().replace('-', " ");
        let what =
            if *property == Property::Privileged { "not privileged".to_owned() } else { word };
        match all.iter_mut().find(|(_, other)| same(other, witness)) {
            Some((caption, _)) => *caption = format!("{caption} and {what}"),
            None => all.push((what, witness)),
        }
    }
    for (caption, witness) in all {
        witness::table(page, &caption, witness);
    }
}

fn same(one: &WitnessReport, other: &WitnessReport) -> bool {
    one.instruction == other.instruction
        && one.columns == other.columns
        && one.rows.len() == other.rows.len()
        && one.rows.iter().zip(&other.rows).all(|(a, b)| a.name == b.name && a.values == b.values)
}

/// Its square, where it does not commute.
fn broken(page: &mut Markup, side: Side<'_>, it: &InstructionReport) {
    let key = Property::Statewise.key();
    let Some(Evidence::Witness(found)) = it.evidence.get(key) else { return };
    let modes = it.modes.get(key).map(|all| all.join(", ")).unwrap_or_default();
    if found.square.is_empty() {
        let caption = format!("Its square does not commute (virtual {modes})");
        witness::table(page, &caption, found);
        return;
    }
    square::broken(
        page,
        &Broken {
            instruction: &it.name,
            instance: &found.instruction,
            mode: mode(side, found).unwrap_or(modes),
            user: &side.pair.user,
            rows: &found.square,
            outcomes: &found.outcomes,
            wrong: &[],
            briefly: true,
        },
    );
}

/// The guest's mode in the state of a square, where the rows tell.
fn mode(side: Side<'_>, it: &WitnessReport) -> Option<String> {
    let modes = [&side.pair.supervisor, &side.pair.user];
    let row = it.rows.iter().filter(|row| row.role == "M");
    row.filter_map(|row| row.values.first()).find(|value| modes.contains(value)).cloned()
}
