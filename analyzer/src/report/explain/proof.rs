//! The proof or refutation of each theorem for a machine, written out: definitions, a lemma for the instructions of
//! which the same is true for the same reason, what follows, what is assumed, and how to check it.
//!
//! A pure function of what was found: nothing is decided here.

use std::collections::BTreeSet;

use model::diagnostic::Sources;
use model::isa::{Isa, Kind, Premise, Profile, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::document::{Block, Table};
use super::words::listed;
use super::{Answered, Explanation, PairExplanation, differing, explain};
use crate::definitions::catalogue::{self, Part};
use crate::prove::answer::Answer;
use crate::report::diagram::PROVED;
use crate::report::{
    CollisionReport, DiagramReport, GuestReport, InstructionReport, PairReport, Refutation, Report,
    TheoremReport, shell,
};

/// The document about a machine.
pub fn document(isa: &Isa, sources: &Sources, report: &Report) -> Vec<Block> {
    let mut out = vec![
        Block::Heading(1, format!("{}: {}", isa.name, isa.title)),
        paragraph(
            "",
            &format!(
                "Which of the theorems of Popek and Goldberg (CACM 17(7), 1974) hold of this machine, and why. \
             The semantics are those of {}; the reading of the definitions is the profile {}: {}.",
                report.file,
                report.profile.word(),
                catalogue::profile(report.profile)
            ),
        ),
    ];
    machine(&mut out, isa);
    definitions(&mut out, report);
    let all: Vec<Explanation> =
        (0..isa.classes.len()).map(|class| explain(isa, sources, report, class)).collect();
    if report.pairs.is_empty() {
        out.push(paragraph("", "The machine has no two modes: the theorems are not applicable."));
    }
    for (i, pair) in report.pairs.iter().enumerate() {
        let modes = format!("Supervisor mode {}, user mode {}", pair.supervisor, pair.user);
        out.push(Block::Heading(2, modes));
        let literal = report.profile == Profile::Literal;
        let mut lemmas = Lemmas { out: &mut out, count: 0, literal };
        lemmas.traps(pair);
        lemmas.instructions(
            pair,
            all.iter().filter_map(|it| Some((it.name.as_str(), it.pairs.get(i)?))),
        );
        lemmas.confinement(pair);
        for theorem in Theorem::ALL {
            self::theorem(&mut out, report.profile, pair, theorem);
        }
        assumptions(&mut out, report, pair);
    }
    checking(&mut out, report);
    out
}

fn paragraph(lead: &str, text: &str) -> Block {
    Block::Paragraph(lead.to_owned(), text.to_owned())
}

/// The components and traps of the machine.
fn machine(out: &mut Vec<Block>, isa: &Isa) {
    out.push(Block::Heading(2, "The machine".into()));
    let storage = &isa.storage;
    let row = |cells: [String; 4]| cells.to_vec();
    let mut rows = vec![row([
        storage.name.clone(),
        "E".into(),
        "storage".into(),
        format!("up to {} cells of {} bits", storage.cells, storage.width),
    ])];
    for register in &isa.registers {
        let roles: BTreeSet<&str> = register.slices.iter().map(|it| it.role.word()).collect();
        let kinds: BTreeSet<&str> =
            register.slices.iter().filter_map(|it| it.kind).map(Kind::word).collect();
        let count = register.count.map(|n| format!("{n} of ")).unwrap_or_default();
        rows.push(row([
            register.name.clone(),
            roles.into_iter().collect::<Vec<_>>().join(", "),
            kinds.into_iter().collect::<Vec<_>>().join(", "),
            format!(
                "{count}{} {}",
                register.width,
                if register.width == 1 { "bit" } else { "bits" }
            ),
        ]));
    }
    let header = row(["component".into(), "part of".into(), "kind".into(), "size".into()]);
    out.push(Block::Table(Table { header, rows }));
    let traps = isa.traps.iter().map(|it| {
        vec![it.name.clone(), it.kind.word().to_owned(), format!("{} instruction", it.saves.word())]
    });
    let header = vec!["trap".into(), "kind".into(), "saves P of".into()];
    out.push(Block::Table(Table { header, rows: traps.collect() }));
    for note in &isa.notes {
        out.push(paragraph("Note.", note.trim()));
    }
}

fn definitions(out: &mut Vec<Block>, report: &Report) {
    out.push(Block::Heading(2, "Definitions".into()));
    let asked = |name: &str| {
        let property = Property::of_word(name);
        let all = report.pairs.iter().flat_map(|pair| &pair.instructions);
        property.is_none_or(|it| all.clone().any(|row| row.property(it).is_some()))
    };
    let profiles = |name: &str| Profile::ALL.iter().any(|it| it.word() == name);
    for Part { title, entries } in catalogue::parts() {
        let used = entries.into_iter().filter(|(name, _)| asked(name) && !profiles(name));
        let points: Vec<(String, String)> =
            used.map(|(name, it)| (format!("{name}:"), format!("{it}."))).collect();
        if !points.is_empty() {
            out.push(Block::Heading(3, title.into()));
            out.push(Block::List(points));
        }
    }
}

/// What is true of some instructions, by name, and what is known of the first of them.
type Group<'e> = (Vec<(String, String)>, Vec<&'e str>, &'e PairExplanation);

/// Lemmas, numbered within a pair of modes.
struct Lemmas<'o> {
    out: &'o mut Vec<Block>,
    count: usize,
    literal: bool,
}

impl Lemmas<'_> {
    fn lemma(&mut self, text: &str) {
        self.count += 1;
        self.out.push(paragraph(&format!("Lemma {}.", self.count), text));
    }

    fn traps(&mut self, pair: &PairReport) {
        self.out.push(Block::Heading(3, "Lemmas".into()));
        let (enter, stray): (Vec<_>, Vec<_>) =
            pair.traps.iter().partition(|trap| trap.enters == Answer::Yes);
        let names = |all: Vec<&crate::report::TrapReport>| {
            listed(&all.iter().map(|trap| trap.name.as_str()).collect::<Vec<_>>())
        };
        if !enter.is_empty() {
            let all = names(enter);
            self.lemma(&format!(
                "(Trap entry.) These traps lead to the monitor, whatever the guest did: {all}."
            ));
        }
        if !stray.is_empty() {
            let all = names(stray);
            self.lemma(&format!(
                "(Trap entry.) Of these traps it is not shown that they lead to the monitor: {all}."
            ));
        }
    }

    /// One lemma for the instructions of which the same is true for the same reasons, in the order of their first.
    fn instructions<'e>(
        &mut self,
        pair: &PairReport,
        all: impl Iterator<Item = (&'e str, &'e PairExplanation)>,
    ) {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (name, it) in all {
            let points: Vec<(String, String)> =
                it.answers.iter().filter(says_more(it)).map(|it| point(it, self.literal)).collect();
            let own = shows(pair, name);
            match groups
                .iter_mut()
                .find(|(known, _, first)| *known == points && first.class == it.class && !own)
            {
                Some((_, names, _)) if !shows(pair, names[0]) => names.push(name),
                _ => groups.push((points, vec![name], it)),
            }
        }
        for (points, names, it) in groups {
            let (are, each) = match names.len() {
                1 => ("is", ""),
                _ => ("are", " Of each of them:"),
            };
            self.lemma(&format!("{} {are} {}.{each}", listed(&names), it.class));
            self.out.push(Block::List(points));
            if shows(pair, names[0]) {
                for answered in &it.answers {
                    if let Some(table) = answered.witness.clone() {
                        self.out.push(paragraph("", &format!("{}:", shown(answered))));
                        self.out.push(Block::Table(table));
                    }
                }
            }
        }
    }

    fn confinement(&mut self, pair: &PairReport) {
        let loose = named(pair, |it| it.is(Property::Unconfined) == Answer::Yes);
        let open = named(pair, |it| it.is(Property::Unconfined) == Answer::Undecided);
        self.lemma(&match (loose.as_slice(), open.as_slice()) {
            ([], []) => "(Confinement.) No instruction reaches, in user mode, storage outside its window, or writes what belongs to the monitor.".to_owned(),
            ([], open) => format!("(Confinement.) Undecided for {}.", listed(open)),
            (loose, _) => format!("(Confinement.) These reach, in user mode, past their window, or write what belongs to the monitor: {}.", listed(loose)),
        });
        let breaks = named(pair, |it| it.is(Property::Statewise) == Answer::No);
        let open = named(pair, |it| it.is(Property::Statewise) == Answer::Undecided);
        self.lemma(&match (breaks.as_slice(), open.as_slice()) {
            ([], []) => "(Squares.) Every instruction traps in f(S), or i(f(S)) = f(i(S)), for all guest states S in all modes.".to_owned(),
            ([], open) => format!("(Squares.) Undecided for {}.", listed(open)),
            (breaks, _) => format!("(Squares.) For all instructions but {} it is so that i traps in f(S), or i(f(S)) = f(i(S)), for all guest states S{}.", listed(breaks),
                if open.is_empty() { String::new() } else { format!("; undecided for {}", listed(&open)) }),
        });
    }
}

/// Whether an answer says more than the class of the instruction does: what follows from the others is left out.
pub(in crate::report) fn says_more(of: &PairExplanation) -> impl Fn(&&Answered) -> bool + use<> {
    let is = |property| of.answers.iter().any(|it| it.property == property && it.answer.is_yes());
    let sensitive = is(Property::Sensitive);
    move |it| match it.property {
        Property::Sensitive | Property::Innocuous => it.answer == Answer::Undecided,
        Property::UserSensitive => sensitive || it.answer == Answer::Undecided,
        _ => true,
    }
}

/// Whether the states of an instruction are written out: it breaks a premise or a square.
fn shows(pair: &PairReport, name: &str) -> bool {
    pair.theorems
        .monitors()
        .iter()
        .any(|(_, t)| t.offending.iter().chain(&t.refuting).any(|it| it == name))
}

/// A definition's answer and its reason. That there are states is said without naming them, so that lemmas can be about many
/// instructions.
fn point(it: &Answered, literal: bool) -> (String, String) {
    let name = it.property.word().replace('-', " ");
    let answer = match it.answer {
        Answer::Yes => name,
        Answer::No => format!("not {name}"),
        Answer::Vacuous => format!("{name} for want of states"),
        Answer::Undecided => format!("{name}: undecided"),
    };
    let why = match it.property {
        Property::Privileged if it.witness.is_some() && !literal => {
            "There is a pair of states, without a memory trap in either mode, of which the one in user mode does not trap to the monitor."
        }
        Property::ControlSensitive if it.answer.is_yes() => {
            "There is a state in which it completes with another mode or another R."
        }
        _ => it.why.as_str(),
    };
    (format!("{answer}."), why.to_owned())
}

/// What a table shows.
fn shown(it: &Answered) -> String {
    match it.property {
        Property::Privileged => "Two states that show that it is not privileged".to_owned(),
        Property::Statewise => "A guest state whose square does not commute".to_owned(),
        other => format!("It is {}", other.word().replace('-', " ")),
    }
}

fn named(pair: &PairReport, wanted: impl Fn(&InstructionReport) -> bool) -> Vec<&str> {
    pair.instructions.iter().filter(|it| wanted(it)).map(|it| it.name.as_str()).collect()
}

/// A theorem: its statement, the premise, the verdict.
fn theorem(out: &mut Vec<Block>, profile: Profile, pair: &PairReport, theorem: Theorem) {
    out.push(Block::Heading(3, theorem.name().into()));
    out.push(paragraph("Statement:", &format!("{}.", catalogue::theorem(theorem))));
    let verdict = pair.theorems.verdict_in_words(theorem);
    let Some(it) = pair.theorems.monitor(theorem) else {
        let recursive = &pair.theorems.recursive;
        let premises: Vec<String> =
            recursive.premises.iter().map(|(name, it)| format!("{name}: {it}")).collect();
        out.push(paragraph("Premises.", &format!("{}.", premises.join("; "))));
        out.push(paragraph(
            "Conclusion:",
            &format!(
                "{verdict}. That the monitor can be a program of this machine is not decided here."
            ),
        ));
        return;
    };
    out.push(paragraph("Premise.", &premise(pair, theorem, it)));
    match it.verdict {
        Verdict::Holds => holds(out, pair, theorem, it),
        Verdict::Refuted => refuted(out, profile, it),
        Verdict::Undecided => {
            let why: Vec<(String, String)> =
                it.obstacles.iter().map(|why| (String::new(), format!("{why}."))).collect();
            out.push(paragraph("Conclusion:", "undecided. What stands in the way:"));
            out.push(Block::List(why));
        }
        Verdict::Vacuous | Verdict::NotApplicable => {
            out.push(paragraph("Conclusion:", &format!("{verdict}.")));
        }
    }
    if !it.escapes.is_empty() {
        out.push(paragraph("Other ways.", "What became of them:"));
        let ways = it.escapes.iter().map(|way| {
            let name = way.name.replace('-', " ");
            (format!("{name}: {}.", way.verdict.word()), format!("{}.", way.assumption))
        });
        out.push(Block::List(ways.collect()));
    }
}

/// The set inclusion, with both sets.
fn premise(pair: &PairReport, theorem: Theorem, it: &TheoremReport) -> String {
    let (of, name) = if theorem.is_hybrid() {
        (Property::UserSensitive, "user sensitive")
    } else {
        (Property::Sensitive, "sensitive")
    };
    let sensitive = named(pair, |row| row.is(of).is_yes());
    let privileged =
        named(pair, |row| row.is(of).is_yes() && row.is(Property::Privileged).is_yes());
    let set = |names: &[&str]| match names {
        [] => "∅".to_owned(),
        names => format!("{{{}}}", names.join(", ")),
    };
    let conclusion = match it.premise {
        Premise::Holds => "so the inclusion holds".to_owned(),
        Premise::Fails => format!(
            "so the inclusion fails: {{{name}}} ∖ {{privileged}} = {{{}}}",
            it.offending.join(", ")
        ),
        other => format!("so the inclusion is {}", other.word()),
    };
    format!(
        "By the lemmas, {{{name}}} = {}, and of these are privileged {}; {conclusion}.",
        set(&sensitive),
        set(&privileged)
    )
}

fn holds(out: &mut Vec<Block>, pair: &PairReport, theorem: Theorem, it: &TheoremReport) {
    let by = match (it.premise, it.keeps.is_empty()) {
        (Premise::Holds, _) => {
            "The premise holds. It proves the theorem of the paper's machine; that this machine is one is proved besides"
        }
        (_, true) => {
            "The premise fails, but every instruction that runs directly is safe to run directly, for all guest states, which is what a monitor needs"
        }
        (_, false) => {
            "The premise fails, but with the bits kept that the conclusion names every instruction that runs directly is safe to run directly, for all guest states"
        }
    };
    out.push(paragraph("Proof.", &format!("{by}.")));
    if let Some(diagram) = &it.diagram {
        let n = &diagram.squares;
        let whose =
            if theorem.is_hybrid() { "code of virtual user mode" } else { "all guest code" };
        let answer = |answer: Answer, what: &str| format!("{what}: {}", answer.word());
        out.push(Block::List(vec![
            (
                "Direct execution.".into(),
                format!("{} squares, for {whose}, commute: {}.", n.direct, diagram.direct.word()),
            ),
            (
                "Traps.".into(),
                format!(
                    "{} {} can trap; {}, {}.",
                    n.trapped,
                    if n.trapped == 1 { "instruction" } else { "instructions" },
                    answer(diagram.emulated, "what is emulated is what the guest would have done"),
                    answer(diagram.reflected, "what is the guest's own trap is given to it")
                ),
            ),
            ("Trap sequences.".into(), sequences(it, diagram)),
            (
                "Allocator.".into(),
                format!(
                    "f(S) has its window inside the partition, and f can be undone: {}.",
                    diagram.allocator.word()
                ),
            ),
        ]));
        let step = if diagram.equivalence == PROVED {
            "Every square commutes for all states. So by induction on the length of an instruction sequence e, f(e(S)) = e′(f(S))"
        } else {
            "The whole diagram is not proved"
        };
        out.push(paragraph("", &format!("{step} ({}).", diagram.equivalence)));
    }
    let verdict = pair.theorems.verdict_in_words(theorem);
    out.push(paragraph(
        "Conclusion:",
        &format!("{} {verdict}: {}. ∎", theorem.name(), theorem.claim()),
    ));
}

/// What is shown of the trap sequences. Where the diagram commutes although they lose something, it is nothing that
/// the monitor needs to find.
fn sequences(it: &TheoremReport, diagram: &DiagramReport) -> String {
    let count = diagram.squares.traps;
    if diagram.equivalence != PROVED || diagram.traps.is_yes() {
        let word = diagram.traps.word();
        return format!("{count} leave the partition alone and lose nothing: {word}.");
    }
    let registers = match it.loses.as_slice() {
        [] => "",
        _ => ", and that no guest relies on the registers they lose is a condition of the verdict",
    };
    format!(
        "{count} leave the partition alone and show P. What they lose of the mapping the monitor knows, since no instruction that runs directly changes it{registers}."
    )
}

fn refuted(out: &mut Vec<Block>, profile: Profile, it: &TheoremReport) {
    let all = match it.premise {
        Premise::Holds => {
            "The premise holds, and yet a square does not commute: a gap in the definitions. "
        }
        _ => "That the premise fails refutes nothing by itself: it is sufficient, not necessary. ",
    };
    let names: Vec<&str> = it.refuting.iter().map(String::as_str).collect();
    out.push(paragraph("Refutation.", &format!(
        "{all}But for every choice of the bits that belong to the monitor there is a guest state in which direct execution goes wrong, by {}.",
        listed(&names)
    )));
    if let Some(step) = &it.refutation {
        refutation(out, step);
    }
    if let Some(collision) = &it.collision {
        self::collision(out, collision);
    }
    if let Some(guest) = &it.guest {
        self::guest(out, guest);
    }
    let map = if profile == Profile::Extended { "" } else { ", for guests that keep l + b ≤ w" };
    out.push(paragraph(
        "Conclusion:",
        &format!("refuted: no monitor under the standard map f{map}. ∎"),
    ));
}

fn refutation(out: &mut Vec<Block>, it: &Refutation) {
    out.push(paragraph("", &format!(
        "In virtual {} mode let S be the state below, and f(S) its image. For {} {}. Yet i(f(S)) is not f(i(S)): {}.",
        it.mode,
        it.instruction,
        it.witness.outcomes.join(", and "),
        it.broken.join("; ")
    )));
    out.push(Block::Table(differing(&it.witness)));
}

fn collision(out: &mut Vec<Block>, it: &CollisionReport) {
    out.push(paragraph("No one-one map.", &format!(
        "In virtual {} mode i1 = {} and i2 = {} end differently, i1(S) ≠ i2(S), and yet {} for {}. So no f can be one-one.",
        it.mode, it.instructions[0], it.instructions[1], it.witness.outcomes[1], it.maps
    )));
    out.push(Block::Table(differing(&it.witness)));
}

fn guest(out: &mut Vec<Block>, it: &GuestReport) {
    out.push(paragraph(
        "A guest that finds out.",
        &format!(
            "The real machine {}; under the monitor it {}. To run it again: {}",
            it.ends[0], it.ends[1], it.command
        ),
    ));
    out.push(Block::Lines(it.program.clone()));
}

fn assumptions(out: &mut Vec<Block>, report: &Report, pair: &PairReport) {
    out.push(Block::Heading(3, "Assumptions".into()));
    let mut points: Vec<(String, String)> = Vec::new();
    for it in &report.assumptions {
        points.push((
            format!("{}:", it.name),
            format!("{}. {}. {}", it.that, it.maintained, it.why.trim()),
        ));
    }
    let mut seen = BTreeSet::new();
    for (_, t) in pair.theorems.monitors() {
        let diagram = t.diagram.iter().flat_map(|it| &it.assumptions);
        for text in t.assumptions.iter().chain(diagram) {
            if seen.insert(text) {
                points.push((String::new(), format!("{text}.")));
            }
        }
    }
    out.push(Block::List(points));
}

fn checking(out: &mut Vec<Block>, report: &Report) {
    out.push(Block::Heading(2, "How to check it".into()));
    let c = &report.summary.counts;
    out.push(paragraph("", &format!(
        "{} questions were put about all states: {} are proved, {} are answered by states that were replayed in the interpreter, {} are undecided. \
         Of the answers {} came by dependency, {} by rewriting, {} by trying values, {} by a SAT solver.",
        c.obligations, c.proved, c.witnessed, c.undecided, c.by_dependency, c.by_rewriting, c.by_evaluation, c.by_sat
    )));
    out.push(paragraph("", "The first command writes down why each answer is right; the second derives every formula anew from the specification and checks each proof and each state, trusting no solver:"));
    let (file, profile) = (shell::path(report.argument()), report.profile.word());
    out.push(Block::Lines(vec![
        format!("analyze prove {file} --certificate DIR --profile {profile}"),
        format!("analyze verify DIR {file} --profile {profile}"),
    ]));
}
