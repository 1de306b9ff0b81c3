//! The proof as a tree: theorem, what it follows from, a lemma for the instructions of which the same is true for the
//! same reason, and the kind of evidence behind each answer.

use model::property::Property;
use model::theorem::Theorem;

use super::Side;
use super::markup::Markup;
use super::names::counted;
use super::verdicts::{chip, section, sentence, style};
use crate::definitions::catalogue;
use crate::prove::answer::Answer;
use crate::report::explain::proof::says_more;
use crate::report::explain::{Answered, PairExplanation};
use crate::report::page::verdicts::word;
use crate::report::text::entry;
use crate::report::{DiagramReport, Evidence, InstructionReport, RecursiveReport, TheoremReport};

/// What is true of some instructions for the same reason.
pub(super) struct Lemma<'s> {
    /// Their class in one sentence.
    class: &'s str,
    points: Vec<Point>,
    /// The instructions, by their numbers.
    pub(super) members: Vec<usize>,
}

#[derive(PartialEq, Eq)]
struct Point {
    property: Property,
    answer: Answer,
    evidence: &'static str,
    why: String,
}

/// What is known about an instruction of a pair.
pub(super) fn explanation(side: Side<'_>, index: usize) -> Option<&PairExplanation> {
    side.machine.exhibit.explanations.get(index)?.pairs.get(side.number)
}

/// The kind of evidence behind an answer.
pub(super) fn evidence(it: &InstructionReport, property: Property) -> &'static str {
    match it.evidence.get(property.key()) {
        Some(Evidence::Structural { by }) if by == "dependency" => "dependency",
        Some(Evidence::Structural { .. }) => "rewriting",
        Some(Evidence::Solver { .. }) => "SAT proof",
        Some(Evidence::Witness(_)) => "states",
        Some(Evidence::Open { .. }) => "open",
        None => "follows",
    }
}

/// The lemmas of a pair, in the order of their first instructions.
pub(super) fn lemmas(side: Side<'_>) -> Vec<Lemma<'_>> {
    let mut all: Vec<Lemma<'_>> = Vec::new();
    for (index, it) in side.pair.instructions.iter().enumerate() {
        let Some(known) = explanation(side, index) else { continue };
        let told = known.answers.iter().filter(says_more(known));
        let points: Vec<Point> = told.map(|answered| point(it, answered)).collect();
        match all.iter_mut().find(|lemma| lemma.points == points && lemma.class == known.class) {
            Some(lemma) => lemma.members.push(index),
            None => all.push(Lemma { class: &known.class, points, members: vec![index] }),
        }
    }
    all
}

/// That there are states is said without naming them, so that a lemma can be about many instructions.
fn point(it: &InstructionReport, answered: &Answered) -> Point {
    let evidence = evidence(it, answered.property);
    let why = match evidence {
        "states" => String::new(),
        _ => answered.why.clone(),
    };
    Point { property: answered.property, answer: answered.answer, evidence, why }
}

/// The anchor of a lemma.
pub(super) fn anchor(side: Side<'_>, lemma: usize) -> String {
    side.machine.anchors.part(&format!("p{}-lemma{}", side.number, lemma + 1))
}

pub(super) fn render(page: &mut Markup, side: Side<'_>, lemmas: &[Lemma<'_>]) {
    let part = side.machine.anchors.part(&format!("p{}-proof", side.number));
    section(page, &part, "Proof", |page| {
        page.leaf("p", &[("class", "note")], "Each theorem with what it follows from; the lemmas are below. “Dependency” and “rewriting” are proofs from the form of the semantics, a “SAT proof” says that no state is a counterexample, “states” were found and run.");
        for theorem in Theorem::ALL {
            page.element("details", &[("class", "tree"), ("open", "")], |page| {
                self::theorem(page, side, theorem, lemmas);
            });
        }
        page.leaf("h3", &[], "Lemmas");
        for (number, lemma) in lemmas.iter().enumerate() {
            self::lemma(page, side, number, lemma);
        }
    });
}

fn theorem(page: &mut Markup, side: Side<'_>, theorem: Theorem, lemmas: &[Lemma<'_>]) {
    let verdict = side.pair.theorems.verdict(theorem);
    page.element("summary", &[], |page| {
        page.leaf("span", &[("class", &format!("mark {}", style(verdict)))], word(verdict));
        page.text(&format!(
            " {}: {}",
            theorem.name(),
            side.pair.theorems.verdict_in_words(theorem)
        ));
    });
    page.element("ul", &[], |page| {
        node(page, "Statement", &sentence(catalogue::theorem(theorem)));
        match side.pair.theorems.monitor(theorem) {
            Some(it) => monitor(page, side, theorem, it, lemmas),
            None => recursive(page, &side.pair.theorems.recursive),
        }
    });
}

/// A leaf of the tree.
fn node(page: &mut Markup, lead: &str, text: &str) {
    page.element("li", &[], |page| {
        page.leaf("b", &[], lead);
        page.text(&format!(": {text}"));
    });
}

fn monitor(
    page: &mut Markup,
    side: Side<'_>,
    theorem: Theorem,
    it: &TheoremReport,
    lemmas: &[Lemma<'_>],
) {
    let pair = side.pair;
    let (property, word) = if theorem.is_hybrid() {
        (Property::UserSensitive, "user sensitive")
    } else {
        (Property::Sensitive, "sensitive")
    };
    let wanted = |wanted: &dyn Fn(&InstructionReport) -> bool| {
        let first = |lemma: &Lemma<'_>| wanted(&pair.instructions[lemma.members[0]]);
        (0..lemmas.len()).filter(|i| first(&lemmas[*i])).collect::<Vec<_>>()
    };
    let premise = format!("every {word} instruction is privileged: {}.", it.premise.word());
    branch(page, "Premise", &premise, |page| {
        let privileged = |it: &InstructionReport| it.is(Property::Privileged);
        refer(
            page,
            side,
            lemmas,
            &format!("{word} and privileged"),
            &wanted(&|i| i.is(property).is_yes() && privileged(i).is_yes()),
        );
        refer(
            page,
            side,
            lemmas,
            &format!("{word}, not privileged"),
            &wanted(&|i| i.is(property).is_yes() && privileged(i) == Answer::No),
        );
        refer(
            page,
            side,
            lemmas,
            &format!("not {word}"),
            &wanted(&|i| i.is(property) == Answer::No),
        );
        refer(page, side, lemmas, "undecided", &wanted(&|i| i.is(property) == Answer::Undecided));
    });
    branch(page, "Trap entry", "every trap leads to the monitor.", |page| {
        for trap in &pair.traps {
            let answer = match trap.enters {
                Answer::Yes => "proved, whatever the guest did",
                other => entry(other),
            };
            node(page, &trap.name, &sentence(answer));
        }
    });
    let confined = wanted(&|i| i.is(Property::Unconfined) == Answer::No);
    let loose = wanted(&|i| i.is(Property::Unconfined) != Answer::No);
    branch(
        page,
        "Confinement",
        "no instruction reaches, in user mode, past its window or what is the monitor’s.",
        |page| {
            refer(page, side, lemmas, "confined", &confined);
            refer(page, side, lemmas, "not confined, or undecided", &loose);
        },
    );
    let square = |answer: Answer| wanted(&|i| i.is(Property::Statewise) == answer);
    branch(
        page,
        "Squares",
        "what runs directly commutes with f: i traps in f(S), or i(f(S)) = f(i(S)).",
        |page| {
            refer(page, side, lemmas, "commutes", &square(Answer::Yes));
            refer(page, side, lemmas, "does not commute", &square(Answer::No));
            refer(page, side, lemmas, "undecided", &square(Answer::Undecided));
        },
    );
    if let Some(diagram) = &it.diagram {
        branch(page, "The whole diagram", &sentence(&diagram.equivalence), |page| {
            self::diagram(page, diagram);
        });
    }
    for obstacle in &it.obstacles {
        node(page, "Open", &sentence(obstacle));
    }
    if !it.conditions.is_empty() {
        node(page, "Conditions", &sentence(&it.conditions.join("; ")));
    }
    if let Some(refutation) = &it.refutation {
        page.element("li", &[], |page| {
            page.leaf("b", &[], "Refutation");
            page.text(": a guest state for which ");
            chip(page, side, &refutation.instruction);
            page.text(" goes wrong, replayed in the interpreter, and for every choice of the monitor’s own bits some instruction does.");
        });
    }
    branch(page, "Assumed", "", |page| {
        for text in &it.assumptions {
            page.leaf("li", &[], &sentence(text));
        }
    });
}

/// A node with others below it, closed at first.
fn branch(page: &mut Markup, lead: &str, text: &str, inside: impl FnOnce(&mut Markup)) {
    page.element("li", &[], |page| {
        page.element("details", &[], |page| {
            page.element("summary", &[], |page| {
                page.leaf("b", &[], lead);
                if !text.is_empty() {
                    page.text(&format!(": {text}"));
                }
            });
            page.element("ul", &[], inside);
        });
    });
}

/// The lemmas that say something of some instructions.
fn refer(page: &mut Markup, side: Side<'_>, lemmas: &[Lemma<'_>], what: &str, found: &[usize]) {
    if found.is_empty() {
        return;
    }
    let instructions: usize = found.iter().map(|i| lemmas[*i].members.len()).sum();
    page.element("li", &[], |page| {
        page.text(&format!("{what}, {}: by lemma ", counted(instructions, "instruction")));
        let runs = found.chunk_by(|a, b| a + 1 == *b);
        for (n, run) in runs.enumerate() {
            page.text(if n == 0 { "" } else { ", " });
            let ends = [run.first(), run.last().filter(|_| run.len() > 1)];
            for (end, i) in ends.into_iter().flatten().enumerate() {
                page.text(if end == 0 { "" } else { " to " });
                let href = format!("#{}", anchor(side, *i));
                page.leaf("a", &[("href", &href)], &(i + 1).to_string());
            }
        }
        page.text(".");
    });
}

fn diagram(page: &mut Markup, it: &DiagramReport) {
    let n = &it.squares;
    let answer = |n: u64, what: &str, answer: Answer| format!("{n} {what}: {}.", answer.word());
    node(page, "Direct execution", &answer(n.direct, "instructions commute with f", it.direct));
    node(
        page,
        "Emulated",
        &answer(
            n.trapped,
            "instructions can trap; what the monitor carries out is what the guest would have done",
            it.emulated,
        ),
    );
    node(
        page,
        "Reflected",
        &format!("What is the guest’s own trap is given to it: {}.", it.reflected.word()),
    );
    node(
        page,
        "Trap sequences",
        &answer(n.traps, "sequences leave the partition alone and lose nothing", it.traps),
    );
    node(
        page,
        "Allocator",
        &format!("R′ stays within the partition, and f is one-one: {}.", it.allocator.word()),
    );
    for text in &it.assumptions {
        node(page, "Assumed", &sentence(text));
    }
}

fn recursive(page: &mut Markup, it: &RecursiveReport) {
    for (name, answer) in &it.premises {
        let what = match name.as_str() {
            "vmm" => "Theorem 1",
            "timing" => "No dependence on time",
            "monitor" => "The monitor is a program of the machine",
            other => other,
        };
        node(page, what, &sentence(answer));
    }
    if let Some(it) = &it.dispatcher {
        let mut by: Vec<(&str, Vec<&str>)> = Vec::new();
        for it in &it.saved {
            let own = it.by.as_deref().unwrap_or("the trap sequences");
            match by.iter_mut().find(|(known, _)| *known == own) {
                Some((_, all)) => all.push(&it.register),
                None => by.push((own, vec![&it.register])),
            }
        }
        let saved: Vec<String> =
            by.iter().map(|(by, all)| format!("{} by {by}", all.join(", "))).collect();
        if !saved.is_empty() {
            node(page, "Behind a trap can be saved", &sentence(&saved.join("; ")));
        }
        if !it.lost.is_empty() {
            node(page, "No single instruction saves", &sentence(&it.lost.join(", ")));
        }
    }
}

/// A lemma with its instructions and its points.
fn lemma(page: &mut Markup, side: Side<'_>, number: usize, it: &Lemma<'_>) {
    const NAMED: usize = 4;
    let name = |i: &usize| side.pair.instructions[*i].name.as_str();
    let mut names: Vec<&str> = it.members.iter().take(NAMED).map(name).collect();
    let more = format!("{} more", it.members.len().saturating_sub(NAMED));
    if it.members.len() > NAMED {
        names.push(&more);
    }
    page.element("details", &[("class", "lemma")], |page| {
        page.element("summary", &[], |page| {
            page.leaf("b", &[], &format!("Lemma {}", number + 1));
            page.text(&format!(". {}: {}.", names.join(", "), it.class));
        });
        page.element("div", &[("id", &anchor(side, number))], |page| {
            page.element("p", &[("class", "chips")], |page| {
                for member in &it.members {
                    chip(page, side, name(member));
                    page.text(" ");
                }
            });
            page.element("ul", &[("class", "points")], |page| {
                for same in grouped(&it.points) {
                    reason(page, &same);
                }
            });
        });
    });
}

/// Answers that are the same for the same reason.
fn grouped(all: &[Point]) -> Vec<Vec<&Point>> {
    let mut groups: Vec<Vec<&Point>> = Vec::new();
    for point in all {
        let alike = |of: &&mut Vec<&Point>| {
            let first = of[0];
            (first.answer, first.evidence, &first.why) == (point.answer, point.evidence, &point.why)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    groups
}

fn reason(page: &mut Markup, same: &[&Point]) {
    let Some(first) = same.first() else { return };
    page.element("li", &[], |page| {
        let names: Vec<String> =
            same.iter().map(|it| it.property.word().replace('-', " ")).collect();
        page.leaf("b", &[], &format!("{}: {}", names.join(", "), first.answer.word()));
        page.text(" ");
        page.leaf("small", &[("class", "kind")], first.evidence);
        if !first.why.is_empty() {
            page.text(&format!(" {}", first.why));
        }
    });
}
