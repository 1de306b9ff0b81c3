//! Why the theorems fail or hold, by the step of one instruction: its source, and the rows in which the runs differ.

use model::isa::{Premise, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::layout::{Page, length};
use super::rows::{Group, table};
use super::{Effect, InstructionReport, PairReport, are, effect, find, square};
use crate::report::{Evidence, Excerpt, GuestReport, LessonRow, Refutation, Shows, TheoremReport};

/// Lines of a source that a page has room for.
const LINES: usize = 12;

/// The section of each theorem about monitors: together where one instruction refutes both.
pub(super) fn render(page: &mut Page, pair: &PairReport) {
    let (vmm, hvmm) = (&pair.theorems.vmm, &pair.theorems.hvmm);
    match (&vmm.refutation, &hvmm.refutation) {
        (Some(one), Some(three)) if one.instruction == three.instruction => {
            refuted(page, pair, "Theorems 1 and 3 fail", one, vmm);
            if one.mode != three.mode {
                let [machine, monitor] = square::ends(three);
                let text = format!(
                    "For Theorem 3, from a state in virtual {}: {} on the machine, {} under a monitor.",
                    three.mode, machine, monitor
                );
                page.text(2, 4, &text);
            }
        }
        (Some(one), three) => {
            refuted(page, pair, "Theorem 1 fails", one, vmm);
            if let Some(three) = three {
                briefly(page, pair, three);
            }
        }
        (None, Some(three)) => refuted(page, pair, "Theorem 3 fails", three, hvmm),
        (None, None) => {}
    }
    match (vmm.verdict, hvmm.verdict) {
        (Verdict::Holds, _) => holds(page, pair, Theorem::Vmm, vmm),
        (_, Verdict::Holds) => holds(page, pair, Theorem::Hvmm, hvmm),
        _ => {}
    }
}

fn refuted(
    page: &mut Page,
    pair: &PairReport,
    what: &str,
    it: &Refutation,
    theorem: &TheoremReport,
) {
    source(page, &format!("Why {what}: {}", it.instruction), &it.lesson.source);
    let found = find(pair, &it.instruction);
    if let Some(found) = found {
        page.text(2, 4, &sentences(pair, found));
        if let Some(note) = found.notes.first() {
            page.text(2, 4, &format!("The specification notes: {}", beginning(note)));
        }
    }
    page.gap();
    rows(page, pair, it);
    square::broken(page, it);
    page.text(2, 4, &outcome(it));
    if let Some(guest) = &theorem.guest {
        page.text(2, 4, &finds_out(guest));
    }
    if let Some(collision) = &theorem.collision {
        let both = match collision.instructions.as_slice() {
            [one, other] if one == other => format!("two instances of {one}"),
            all => all.join(" and "),
        };
        let assumed = collision.maps.ends_with("within the assumptions");
        let within = if assumed { " within the assumptions" } else { "" };
        page.text(
            2,
            4,
            &format!(
                "No other map f helps: from one state S {both} end differently, and their images end alike for every k, q and monitor{within} (--all)."
            ),
        );
    }
}

/// The sentences of a note that fit in three lines; that there are more is said.
fn beginning(note: &str) -> String {
    const ROOM: usize = 240;
    let words = note.split_whitespace().collect::<Vec<_>>().join(" ");
    if length(&words) <= ROOM {
        return words;
    }
    let ends = words.match_indices(". ").map(|(at, _)| at + 1);
    match ends.take_while(|end| *end <= ROOM).last() {
        Some(end) => format!("{} ... (explain shows all)", &words[..end]),
        None => words,
    }
}

/// A refutation of Theorem 3 by another instruction than that of Theorem 1.
fn briefly(page: &mut Page, pair: &PairReport, it: &Refutation) {
    let at = it.lesson.source.first().map_or(String::new(), |s| format!("{}:{}", s.file, s.line));
    page.heading(&format!("Why Theorem 3 fails too: {}", it.instruction), &at);
    if let Some(found) = find(pair, &it.instruction) {
        page.text(2, 4, &sentences(pair, found));
    }
    page.gap();
    rows(page, pair, it);
    page.text(2, 4, &outcome(it));
}

/// What happens to S and to f(S), and what is wrong with it.
fn outcome(it: &Refutation) -> String {
    format!("Here {}: {}.", it.witness.outcomes.join(" and "), it.broken.join("; "))
}

/// What the definitions say of the instruction, each with what a replayed state showed.
pub(in crate::report) fn sentences(pair: &PairReport, it: &InstructionReport) -> String {
    let mut all = Vec::new();
    let modes = |property: Property| {
        let modes = it.modes.get(property.key()).map_or_else(String::new, |m| m.join(" and "));
        if modes.is_empty() { String::new() } else { format!(" in {modes}") }
    };
    let components = |property: Property| {
        it.components.get(property.key()).map_or_else(String::new, |names| names.join(", "))
    };
    let kinds: [(Property, &str, &str); 6] = [
        (Property::ControlSensitive, "control sensitive", "it completes and changes"),
        (Property::ResourceSensitive, "resource sensitive", "its result depends on"),
        (Property::LocationSensitive, "location sensitive", "its result depends on"),
        (Property::ModeSensitive, "mode sensitive", "its result depends on"),
        (Property::TimeSensitive, "time sensitive", "its result depends on"),
        (Property::ExtentSensitive, "extent sensitive", "its result depends on"),
    ];
    for (property, word, does) in kinds {
        if it.is(property).is_yes() && !components(property).is_empty() {
            all.push(format!("It is {word}{}: {does} {}.", modes(property), components(property)));
        }
    }
    if let Some(Evidence::Witness(witness)) = it.evidence.get(Property::Privileged.key())
        && let [_, second] = witness.outcomes.as_slice()
        && second.ends_with("completes")
    {
        all.push(format!(
            "It is not privileged: there is a state from which it completes in {} too.",
            pair.user
        ));
    }
    all.join(" ")
}

/// The rows of the states that matter, and what each of them shows.
fn rows(page: &mut Page, pair: &PairReport, it: &Refutation) {
    let machine = format!("on the machine (in {})", it.mode);
    let monitor = format!("under a monitor (in {})", pair.user);
    let groups = [
        Group { caption: machine, titles: ["S", "i(S)"] },
        Group { caption: monitor, titles: ["f(S)", "i(f(S))"] },
    ];
    // What f composes explains only an instruction that shows its place or its bound; the mode, one that shows or
    // changes M or R.
    let found = find(pair, &it.instruction);
    let is = |kinds: &[Property]| {
        found.is_some_and(|found| kinds.iter().any(|kind| found.is(*kind).is_yes()))
    };
    let (place, mode) = (
        is(&[Property::LocationSensitive, Property::ExtentSensitive]),
        is(&[Property::ModeSensitive, Property::ControlSensitive]),
    );
    let told = |row: &&LessonRow| match row.shows {
        Shows::Composed => place,
        Shows::MonitorsOwn if row.role == "M" => mode,
        _ => true,
    };
    let rows: Vec<&LessonRow> = it.lesson.rows.iter().filter(told).collect();
    table(page, &it.witness.instruction, &groups, &rows);
}

/// A heading, and source lines as written.
fn source(page: &mut Page, heading: &str, all: &[Excerpt]) {
    let at = all.first().map_or(String::new(), |it| format!("{}:{}", it.file, it.line));
    page.heading(heading, &at);
    let mut left = LINES;
    for (i, excerpt) in all.iter().enumerate() {
        if i > 0 {
            page.text(4, 6, &format!("then {}:{}", excerpt.file, excerpt.line));
        }
        for line in excerpt.text.iter().take(left) {
            page.verbatim(4, line);
        }
        if excerpt.text.len() > left {
            page.text(4, 6, &format!("... and {} more lines", excerpt.text.len() - left));
        }
        left = left.saturating_sub(excerpt.text.len());
    }
}

/// A guest program that finds out.
pub(in crate::report) fn finds_out(it: &GuestReport) -> String {
    let [real, monitored] = &it.ends;
    let differs = match it.differs.first() {
        Some([name, real, monitored]) => {
            format!("; {name} is then {real} on the machine and {monitored} under the monitor")
        }
        None => String::new(),
    };
    let ends = if real == monitored {
        format!("it {real} on both")
    } else {
        format!("it {real} on the machine, and {monitored} under the monitor")
    };
    format!(
        "A guest program finds out by {}: {ends}{differs} (--emit guest=FILE writes it).",
        it.instruction
    )
}

/// Why a theorem holds: its proof for this machine, and an example.
fn holds(page: &mut Page, pair: &PairReport, theorem: Theorem, it: &TheoremReport) {
    let hybrid = theorem.is_hybrid();
    let which = match (theorem, pair.theorems.hvmm.verdict) {
        (Theorem::Vmm, Verdict::Holds) => "Theorems 1 and 3 hold",
        (Theorem::Vmm, _) => "Theorem 1 holds",
        _ => "Theorem 3 holds",
    };
    let example = it.example.as_ref().filter(|_| !hybrid);
    match example {
        Some(example) => {
            let heading = format!("Why {which}, for example: {}", example.instruction);
            source(page, &heading, &example.lesson.source);
            page.text(
                2,
                4,
                &format!(
                    "It is control sensitive in {}. It is privileged: from the same state in {} it traps (proved of all states, memory traps apart).",
                    pair.supervisor, pair.user
                ),
            );
            page.gap();
            let caption = format!("on the machine (in {})", pair.supervisor);
            let group = Group { caption, titles: ["S", "i(S)"] };
            let rows: Vec<_> = example.lesson.rows.iter().collect();
            table(page, &example.instance, &[group], &rows);
            square::commutes(page, &example.instruction);
        }
        None => page.heading(&format!("Why {which}"), ""),
    }
    page.text(2, 4, &reasons(pair, theorem, it));
}

/// The proof in sentences.
pub(in crate::report) fn reasons(
    pair: &PairReport,
    theorem: Theorem,
    it: &TheoremReport,
) -> String {
    let mut all = Vec::new();
    let hybrid = theorem.is_hybrid();
    let count = |wanted: &dyn Fn(&InstructionReport) -> bool| {
        pair.instructions.iter().filter(|i| wanted(i)).count()
    };
    let privileged = count(&|i| super::sets::is_privileged(i) == Some(true));
    let kept = count(&|i| effect(pair, theorem, i) == Effect::SafeIfKept);
    let word = if hybrid { "user sensitive" } else { "sensitive" };
    let (supervisor, user) = (&pair.supervisor, &pair.user);
    if hybrid {
        all.push(format!(
            "A hybrid monitor interprets virtual {supervisor} and runs virtual {user} directly."
        ));
    }
    all.push(match (privileged, hybrid) {
        (0, _) => "No instruction is privileged.".to_owned(),
        (n, true) => format!(
            "There {} privileged: each traps, and the monitor gives the trap to the guest.",
            are(n)
        ),
        (n, false) => format!(
            "{} privileged: each traps, and in virtual {supervisor} the monitor carries it out, in virtual {user} it gives the trap to the guest.",
            are(n)
        ),
    });
    all.push(match it.premise {
        Premise::Holds => format!("No other instruction is {word}."),
        _ => format!(
            "{} {word} and not privileged, which the published theorem does not allow: each was proved right by itself.",
            are(it.offending.len())
        ),
    });
    if kept > 0 {
        all.push(format!(
            "{} right only while the monitor keeps the bits of the verdict.",
            are(kept)
        ));
    }
    if let Some(diagram) =
        it.diagram.as_ref().filter(|d| d.equivalence == crate::report::diagram::PROVED)
    {
        let n = &diagram.squares;
        all.push(format!(
            "Proved for every guest state{}: what runs directly commutes with f (instructions: {}), the monitor finds its guest behind every trap (of {} instructions, by {} trap sequences), and no guest leaves its storage. So by induction every program runs as on the real machine.",
            if hybrid { format!(" in virtual {}", pair.user) } else { String::new() },
            n.direct, n.trapped, n.traps
        ));
    }
    all.join(" ")
}
