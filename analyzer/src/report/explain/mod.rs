//! What is known about one instruction, in sentences: its semantics, every definition with the answer and why, and
//! what follows for theorems and monitors.
//!
//! Machine and report → [`Explanation`] (plain data) → [`text`], or with those of all instructions a written
//! [`proof`]. A reason is derived from what the instruction reads and writes, or it says what settled the question.

pub mod document;
pub mod html;
pub mod latex;
pub mod markdown;
pub mod proof;
mod reasons;
mod source;
pub mod text;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Profile, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::findings::Place;
use super::{Evidence, InstructionReport, PairReport, Report, WitnessReport, shell};
use crate::definitions::{DEFINITIONS, catalogue};
use crate::prove::answer::Answer;
use crate::prove::footprint::{Completes, Footprint};
use crate::prove::setting::Setting;
use document::Table;
use reasons::Footprints;
pub use source::Line;
use source::{applies, written};
pub(super) use words::lower;
use words::{listed, names};

/// Everything about one class of instructions.
#[derive(Debug)]
pub struct Explanation {
    /// The class.
    pub name: String,
    /// The machine and its title.
    pub machine: String,
    /// Where it stands, `file:line`.
    pub at: String,
    /// The file of that place.
    pub file: String,
    /// The semantics as written, in the order in which they run.
    pub source: Vec<Line>,
    /// The case that it is, the entries of views that it reaches, the functions that it calls.
    pub applies: Vec<String>,
    /// What the author says.
    pub notes: Vec<String>,
    /// The file of the specification.
    pub spec: String,
    /// For each pair of modes.
    pub pairs: Vec<PairExplanation>,
}

/// What is known for one pair of modes.
#[derive(Debug)]
pub struct PairExplanation {
    /// The mode the monitor runs in.
    pub supervisor: String,
    /// The mode the guest runs in.
    pub user: String,
    /// Its class in one sentence.
    pub class: String,
    /// What it reads and writes.
    pub footprint: Vec<String>,
    /// The definitions, one by one.
    pub answers: Vec<Answered>,
    /// What follows for each theorem.
    pub theorems: Vec<(Theorem, String)>,
    /// What a monitor sees of it.
    pub monitor: Vec<String>,
    /// A program that a guest can run to find out, and how to run it.
    pub guest: Vec<String>,
    /// How to repeat the steps of each witness: what it shows, and a request for `refvmm eval`.
    pub replay: Vec<(Property, Vec<String>)>,
}

/// A definition, asked of this instruction.
#[derive(Debug)]
pub struct Answered {
    /// Which it is.
    pub property: Property,
    /// The question, in the paper's notation.
    pub question: &'static str,
    /// The answer.
    pub answer: Answer,
    /// Why.
    pub why: String,
    /// The states that show it: the rows that differ.
    pub witness: Option<Table>,
}

/// What there is to say of the class with a number.
pub fn explain(isa: &Isa, sources: &Sources, report: &Report, index: usize) -> Explanation {
    let class = &isa.classes[index];
    let of = |found: &PairReport| {
        let pair = isa
            .pairs
            .iter()
            .find(|it| (&it.supervisor.0, &it.user.0) == (&found.supervisor, &found.user))?;
        Some(in_pair(Setting::new(isa, pair, report.profile), report, found, index))
    };
    let place = Place::of(sources, class.span);
    Explanation {
        name: class.name.clone(),
        machine: format!("{}: {}", isa.name, isa.title),
        at: format!("{}:{}", place.file, place.line),
        file: place.file,
        source: written(sources, class),
        applies: applies(isa, sources, class),
        notes: class.notes.iter().map(|it| it.trim().to_owned()).collect(),
        spec: report.argument().to_owned(),
        pairs: report.pairs.iter().filter_map(of).collect(),
    }
}

fn in_pair(
    setting: Setting<'_>,
    report: &Report,
    found: &PairReport,
    index: usize,
) -> PairExplanation {
    let Setting { isa, pair, .. } = setting;
    let it = &found.instructions[index];
    let prints = Footprints::of(setting, &isa.classes[index]);
    let mut answers: Vec<Answered> = Property::ALL
        .into_iter()
        .filter_map(|property| {
            let answer = it.property(property)?;
            let evidence = it.evidence.get(property.key());
            let why = why(setting, it, property, prints.as_ref());
            let witness = match evidence {
                Some(Evidence::Witness(witness)) => Some(differing(witness)),
                _ => None,
            };
            Some(Answered {
                property,
                question: catalogue::question(property),
                answer,
                why,
                witness,
            })
        })
        .collect();
    answers.sort_by_key(|it| it.property == Property::Statewise);
    let guests = found.theorems.monitors().into_iter().filter_map(|(theorem, t)| {
        t.guest.as_ref().filter(|guest| guest.instruction == it.name).map(|guest| (theorem, guest))
    });
    let guest = guests.take(1).flat_map(|(theorem, guest)| {
        let [real, monitored] = &guest.ends;
        let mut lines = vec![format!("{}: this guest finds out:", theorem.name())];
        lines.extend(guest.program.iter().map(|line| format!("    {line}")));
        lines.push(format!("the real machine {real}; under the monitor it {monitored}"));
        lines.push(format!("analyze check {} --emit guest=FILE", shell::path(report.argument())));
        lines.push(guest.command.clone());
        lines
    });
    let replay = it.evidence.iter().filter_map(|(key, evidence)| {
        let property = Property::ALL.into_iter().find(|it| it.key() == *key)?;
        match evidence {
            Evidence::Witness(witness) => Some((property, witness.requests.clone())),
            _ => None,
        }
    });
    PairExplanation {
        supervisor: pair.supervisor.0.clone(),
        user: pair.user.0.clone(),
        class: class(it, setting.profile),
        footprint: prints.as_ref().map_or_else(Vec::new, |prints| footprint(setting, prints)),
        answers,
        theorems: Theorem::MONITORS
            .map(|theorem| (theorem, consequence(found, it, theorem)))
            .into(),
        monitor: monitor(pair, isa, found, it, prints.as_ref()),
        guest: guest.collect(),
        replay: replay.filter(|(_, all)| !all.is_empty()).collect(),
    }
}

/// Whether the profile counts a property when it calls an instruction sensitive.
pub(crate) fn counts(property: Property, profile: Profile) -> bool {
    DEFINITIONS.iter().any(|it| it.property == property && (it.counts)(profile))
}

/// The kinds of sensitivity that an instruction has.
fn kinds(it: &InstructionReport, profile: Profile) -> Vec<String> {
    use Property::{
        BehaviourSensitive, ControlSensitive, ExtentSensitive, LocationSensitive, ModeSensitive,
        ResourceSensitive, TimeSensitive, TrapMasked, TrapVisible,
    };
    let special = [LocationSensitive, ModeSensitive].iter().any(|of| it.is(*of).is_yes());
    let all = [
        ControlSensitive,
        LocationSensitive,
        ModeSensitive,
        BehaviourSensitive,
        ResourceSensitive,
        ExtentSensitive,
        TimeSensitive,
        TrapMasked,
        TrapVisible,
    ];
    let has = |of: &Property| {
        it.is(*of).is_yes() && counts(*of, profile) && !(*of == BehaviourSensitive && special)
    };
    all.into_iter().filter(has).map(spoken).collect()
}

/// `control sensitive`.
fn spoken(property: Property) -> String {
    property.word().replace('-', " ")
}

/// The class of an instruction in one sentence.
fn class(it: &InstructionReport, profile: Profile) -> String {
    let privileged = match it.is(Property::Privileged) {
        Answer::Yes => "privileged",
        Answer::No => "not privileged",
        Answer::Vacuous => "privileged only because no state is left to look at",
        Answer::Undecided => "perhaps privileged (undecided)",
    };
    match it.is(Property::Sensitive) {
        Answer::Yes => {
            let kinds = kinds(it, profile);
            let kinds: Vec<&str> =
                kinds.iter().map(|it| it.trim_end_matches(" sensitive")).collect();
            format!("sensitive ({}), {privileged}", kinds.join(", "))
        }
        Answer::Undecided => format!("{privileged}; whether it is sensitive is undecided"),
        Answer::No | Answer::Vacuous => {
            let all: Vec<String> = [
                Property::ControlSensitive,
                Property::BehaviourSensitive,
                Property::ResourceSensitive,
            ]
            .into_iter()
            .filter(|of| it.property(*of).is_some())
            .map(|of| of.word().trim_end_matches("-sensitive").to_owned())
            .collect();
            let neither = if all.len() == 2 { "neither" } else { "none of" };
            format!("innocuous, {privileged}: {neither} {} sensitive", listed(&all))
        }
    }
}

/// What it reads, writes and traps on.
fn footprint(setting: Setting<'_>, prints: &Footprints) -> Vec<String> {
    let isa = setting.isa;
    let describe = |it: &Footprint| {
        let list = |all| listed(&names(isa, all));
        let traps: Vec<&str> = it.traps.iter().map(|id| isa.trap(*id).name.as_str()).collect();
        let mut text = match it.completes {
            Completes::Never => "It completes in no state.".to_owned(),
            Completes::Always => format!("It always completes and writes {}.", list(&it.writes)),
            Completes::Sometimes => format!("Where it completes, it writes {}.", list(&it.writes)),
        };
        let left: BTreeSet<_> = it.visible.union(&it.control).copied().collect();
        if !left.is_empty() {
            let _ = write!(text, " What it leaves there depends on {} only.", list(&left));
        }
        if it.completes == Completes::Sometimes && !it.decides.is_empty() {
            let _ = write!(text, " Whether it completes depends on {} only.", list(&it.decides));
        }
        if !traps.is_empty() {
            let _ = write!(text, " Traps it may take: {}.", traps.join(", "));
        }
        if it.unpredictable {
            text += " In some states it may be unpredictable.";
        }
        text
    };
    let (supervisor, user) = (describe(&prints.supervisor), describe(&prints.user));
    if supervisor == user {
        vec![supervisor]
    } else {
        let pair = setting.pair;
        vec![
            format!("In {} mode: {}", pair.supervisor.0, lower(&supervisor)),
            format!("In {} mode: {}", pair.user.0, lower(&user)),
        ]
    }
}

/// Why the answer to a definition is what it is.
fn why(
    setting: Setting<'_>,
    it: &InstructionReport,
    property: Property,
    prints: Option<&Footprints>,
) -> String {
    let answer = it.is(property);
    let Setting { isa, pair, profile, .. } = setting;
    let in_user = || {
        let yes = |of: &Property| {
            it.property_in(*of, Some(&pair.user.0)) == Some(Answer::Yes) && counts(*of, profile)
        };
        Property::ALL.into_iter().filter(yes).map(spoken).collect::<Vec<_>>()
    };
    match (property, answer) {
        (Property::Sensitive, Answer::Yes) => {
            return format!("It is {}.", listed(&kinds(it, profile)));
        }
        (Property::Sensitive, Answer::No) => return "It has none of these properties.".into(),
        (Property::Innocuous, Answer::Yes) => return "It is not sensitive.".into(),
        (Property::Innocuous, Answer::No) => return "It is sensitive.".into(),
        (Property::UserSensitive, Answer::Yes) => {
            return format!("In {} mode it is {}.", pair.user.0, listed(&in_user()));
        }
        (Property::UserSensitive, Answer::No) => {
            return if it.is(Property::Sensitive).is_yes() {
                let all = listed(&kinds(it, profile));
                format!("It is {all}, but not so with states in {} mode alone.", pair.user.0)
            } else {
                "It is not sensitive at all.".into()
            };
        }
        (_, Answer::Vacuous) => {
            return "There is no state of the kind that the definition speaks of.".into();
        }
        _ => {}
    }
    if property == Property::BehaviourSensitive && answer.is_yes() {
        let special = [Property::LocationSensitive, Property::ModeSensitive];
        let all: Vec<String> =
            special.into_iter().filter(|of| it.is(*of).is_yes()).map(spoken).collect();
        if !all.is_empty() {
            return format!("It is {}, which is a special case.", listed(&all));
        }
    }
    let by_print = match (property, answer) {
        (Property::Privileged, Answer::Yes) => prints.and_then(|it| it.always_traps(setting)),
        (_, Answer::No) => prints.and_then(|it| it.refutes(setting, property)),
        _ => None,
    };
    if let Some(reason) = by_print {
        return reason;
    }
    let settled = by_evidence(setting, it, property);
    match (property, answer, prints) {
        (Property::Statewise, Answer::Yes, Some(prints)) => {
            if let Some(traps) = prints.always_traps(setting) {
                return format!("{traps} So i traps in f(S).");
            }
            let commutes = prints.commutes(isa);
            let commutes = commutes
                .map(|it| format!("{it} That it completes in f(S) only where it does in S: "));
            commutes.map_or(settled.clone(), |it| it + &lower(&settled))
        }
        (Property::ModeSensitive, Answer::Yes, _) if storage_differs(it) => {
            format!(
                "{settled} Storage outside the window is arbitrary, so it may be another one in each state."
            )
        }
        (_, Answer::Yes, _) if asked(property) && !counts(property, profile) => {
            format!("{settled} The profile {} does not count it as sensitive.", profile.word())
        }
        _ => settled,
    }
}

/// Whether the two states that show mode sensitivity differ in storage, too.
fn storage_differs(it: &InstructionReport) -> bool {
    let evidence = it.evidence.get(Property::ModeSensitive.key());
    let Some(Evidence::Witness(witness)) = evidence else { return false };
    let differs =
        |row: &super::WitnessRow| row.role == "E" && row.values.first() != row.values.get(1);
    witness.rows.iter().any(differs)
}

/// Whether a property is one that some profile calls sensitive.
fn asked(property: Property) -> bool {
    Profile::ALL.iter().any(|profile| counts(property, *profile))
}

/// What settled the question, where what is read and written does not say it.
fn by_evidence(setting: Setting<'_>, it: &InstructionReport, property: Property) -> String {
    let pair = setting.pair;
    let (supervisor, user) = (&pair.supervisor.0, &pair.user.0);
    match it.evidence.get(property.key()) {
        None => String::new(),
        Some(Evidence::Open { reason }) => format!("Not settled: {reason}."),
        Some(Evidence::Witness(witness)) if property == Property::Privileged => {
            let outcome = |i: usize| witness.outcomes[i].split_once(' ').map_or("", |(_, it)| it);
            let moved = changes(witness, "S2", "i(S2)");
            format!("{supervisor}: {}. {user}: {}{moved}.", outcome(0), outcome(1))
        }
        Some(Evidence::Witness(witness)) => {
            let modes = it.modes.get(property.key()).map(|all| listed(all));
            let modes = modes.map(|modes| format!("In mode {modes}: ")).unwrap_or_default();
            let changed = match property {
                Property::ControlSensitive => changes(witness, "S", "i(S)"),
                _ => String::new(),
            };
            format!("{modes}{}{changed}.", witness.outcomes.join(", "))
        }
        Some(_) if property == Property::Privileged && it.is(property) == Answer::No => {
            format!(
                "In {user} mode it completes in no state, but neither does it in {supervisor} mode."
            )
        }
        Some(Evidence::Solver { .. }) => format!("This is {}.", catalogue::SOLVER),
        Some(Evidence::Structural { by }) if by == "dependency" => {
            format!("Proved for all states: {}.", catalogue::DEPENDENCY)
        }
        Some(Evidence::Structural { .. }) => {
            format!("Proved for all states: {}.", catalogue::REWRITING)
        }
    }
}

/// ` (pc 0 → 1)`: what is otherwise in one column of a witness than in another.
fn changes(witness: &WitnessReport, before: &str, after: &str) -> String {
    const SHOWN: usize = 3;
    let column = |name: &str| witness.columns.iter().position(|it| it == name);
    let (Some(before), Some(after)) = (column(before), column(after)) else { return String::new() };
    let changed: Vec<String> = witness
        .rows
        .iter()
        .filter(|row| row.values[before] != row.values[after])
        .map(|row| format!("{} {} → {}", row.name, row.values[before], row.values[after]))
        .collect();
    match changed.as_slice() {
        [] => " (nothing changes)".to_owned(),
        some if some.len() <= SHOWN => format!(" ({})", some.join(", ")),
        many => format!(" ({} and {} more)", many[..SHOWN].join(", "), many.len() - SHOWN),
    }
}

/// The rows of a witness that are not the same in all columns.
fn differing(witness: &WitnessReport) -> Table {
    let mut header = vec![witness.instruction.clone(), String::new()];
    header.extend(witness.columns.iter().cloned());
    let rows = witness.rows.iter().filter(|row| row.values.windows(2).any(|it| it[0] != it[1]));
    let row = |row: &super::WitnessRow| {
        [row.name.clone(), row.role.clone()].into_iter().chain(row.values.iter().cloned()).collect()
    };
    Table { header, rows: rows.map(row).collect() }
}

/// What follows for a theorem.
fn consequence(found: &PairReport, it: &InstructionReport, theorem: Theorem) -> String {
    let Some(t) = found.theorems.monitor(theorem) else { return String::new() };
    let (of, sensitive) = match theorem {
        Theorem::Hvmm => (Property::UserSensitive, "user sensitive"),
        Theorem::Vmm | Theorem::Recursive => (Property::Sensitive, "sensitive"),
    };
    let premise = match (it.is(of), it.is(Property::Privileged)) {
        (Answer::Yes, Answer::Yes) => {
            format!("it is {sensitive} and privileged, as the premise wants")
        }
        (Answer::Yes, Answer::No) => {
            format!("it is {sensitive} and not privileged: the premise fails")
        }
        (Answer::No | Answer::Vacuous, _) => {
            format!("it is not {sensitive}: the premise asks nothing of it")
        }
        _ => format!("whether it is {sensitive} and privileged is not settled"),
    };
    let verdict = found.theorems.verdict_in_words(theorem);
    let refutes = t.refuting.contains(&it.name);
    match (refutes, t.verdict) {
        (true, Verdict::Refuted) => {
            format!("{premise}. Run directly it goes wrong: it refutes the theorem")
        }
        (true, _) => {
            format!("{premise}. Run directly it can go wrong. Verdict on the machine: {verdict}")
        }
        (false, _) => format!("{premise} (verdict on the machine: {verdict})"),
    }
}

/// What a monitor sees of it.
fn monitor(
    pair: &Pair,
    isa: &Isa,
    found: &PairReport,
    it: &InstructionReport,
    prints: Option<&Footprints>,
) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(user) = prints.map(|prints| &prints.user) {
        let names: Vec<&str> = user.traps.iter().map(|id| isa.trap(*id).name.as_str()).collect();
        let traps = names.join(", ");
        let user_mode = &pair.user.0;
        all.push(match (user.completes, names.is_empty()) {
            (Completes::Never, false) => format!(
                "In {user_mode} mode it never runs to its end: it traps ({traps}). The dispatcher gets control, and the interpreter does what the guest would have done."
            ),
            (Completes::Never, true) => format!("In {user_mode} mode it is unpredictable in every state."),
            (_, true) => {
                format!("In {user_mode} mode it runs directly and takes no trap: the monitor sees nothing of it.")
            }
            (_, false) => format!(
                "In {user_mode} mode it runs directly; the monitor sees it only where it traps ({traps})."
            ),
        });
        let strays: Vec<&str> = (found.traps.iter())
            .filter(|trap| names.contains(&trap.name.as_str()) && trap.enters != Answer::Yes)
            .map(|trap| trap.name.as_str())
            .collect();
        if !names.is_empty() {
            all.push(if strays.is_empty() {
                "Trap entry: these traps lead to the monitor from every state of a guest.".into()
            } else {
                format!(
                    "Trap entry: it is not shown that {} leads to the monitor.",
                    listed(&strays)
                )
            });
        }
    }
    match it.is(Property::Statewise) {
        Answer::Yes => all.push(
            "It may run directly: in f(S) it traps, or i(f(S)) = f(i(S)), for all guest states."
                .into(),
        ),
        Answer::No if !it.safe_if.is_empty() => all.push(format!(
            "It may run directly if the monitor keeps {}.",
            it.safe_if.join(", or ")
        )),
        Answer::No => all.push(
            "It may not run directly: some i(f(S)) is not f(i(S)), and no trap tells the monitor."
                .into(),
        ),
        Answer::Undecided => all.push("Whether it may run directly is undecided.".into()),
        Answer::Vacuous => {}
    }
    all
}
