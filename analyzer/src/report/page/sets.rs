//! The sets of the paper side by side, and the instructions of the set that must be empty by why they are sensitive.

use anstyle::AnsiColor::{Green, Red, Yellow};
use model::isa::Verdict;
use model::property::Property;
use model::theorem::Theorem;

use super::layout::{Cell, Page, bold, bright};
use super::{Effect, InstructionReport, PairReport, effect, fitting, listed};
use crate::prove::answer::Answer;

/// Sensitive, innocuous and user sensitive, by privileged or not.
pub(super) fn table(page: &mut Page, pair: &PairReport) {
    const TITLE: usize = 15;
    let room = page.width() - 2 - TITLE - 4;
    let (left, right) = (room * 9 / 20, room - room * 9 / 20);
    let cells = |a: Cell, b: Cell, c: Cell| [a, b, c];
    let least = if pair.instructions.iter().any(is_open) { "at least " } else { "" };
    page.gap();
    let heads = ("privileged (traps in user mode)", "not privileged");
    page.columns(
        2,
        &cells(
            Cell::new(TITLE, ""),
            Cell::new(left, heads.0).paint(bold()),
            Cell::new(right, heads.1).paint(bold()),
        ),
    );
    for (title, property, theorem) in [
        ("sensitive", Property::Sensitive, Some(Theorem::Vmm)),
        ("innocuous", Property::Innocuous, None),
        ("user sensitive", Property::UserSensitive, Some(Theorem::Hvmm)),
    ] {
        let of = |privileged: bool| {
            let all = pair
                .instructions
                .iter()
                .filter(|it| it.is(property).is_yes() && is_privileged(it) == Some(privileged));
            all.map(|it| it.name.as_str()).collect::<Vec<_>>()
        };
        let (inside, outside) = (of(true), of(false));
        let mark = theorem.map_or_else(Default::default, |theorem| mark(pair, theorem, &outside));
        let number = |n: usize| format!("{least}{n}");
        let last = format!("{} {}", number(outside.len()), mark.0);
        page.columns(
            2,
            &cells(
                Cell::new(TITLE, title).paint(bold()),
                Cell::new(left, number(inside.len())),
                Cell::new(right, last).paint(mark.1),
            ),
        );
        let lines = if property == Property::Sensitive { 2 } else { 1 };
        let list = |all: &[&str], width| fitting(all.iter().copied(), width, lines);
        if !(inside.is_empty() && outside.is_empty()) {
            page.columns(
                2,
                &cells(
                    Cell::new(TITLE, ""),
                    Cell::new(left, list(&inside, left)),
                    Cell::new(right, list(&outside, right)),
                ),
            );
        }
    }
    let open: Vec<&str> =
        pair.instructions.iter().filter(|it| is_open(it)).map(|it| it.name.as_str()).collect();
    if !open.is_empty() {
        let all = listed(open.iter().copied(), " ");
        page.painted(
            2,
            4,
            &format!("in no cell, for something is undecided: {} {all}", open.len()),
            bright(Yellow),
        );
    }
    let vacuous =
        pair.instructions.iter().filter(|it| it.is(Property::Privileged) == Answer::Vacuous);
    let vacuous: Vec<&str> = vacuous.map(|it| it.name.as_str()).collect();
    if !vacuous.is_empty() {
        let all = listed(vacuous.iter().copied(), " ");
        page.text(
            2,
            4,
            &format!("counted as privileged, for no state is left to ask about: {all}"),
        );
    }
}

/// Whether it counts as privileged; none where that is undecided.
pub(in crate::report) fn is_privileged(it: &InstructionReport) -> Option<bool> {
    match it.is(Property::Privileged) {
        Answer::Yes | Answer::Vacuous => Some(true),
        Answer::No => Some(false),
        Answer::Undecided => None,
    }
}

pub(in crate::report) fn is_open(it: &InstructionReport) -> bool {
    [Property::Privileged, Property::Sensitive, Property::UserSensitive]
        .into_iter()
        .any(|property| it.is(property) == Answer::Undecided)
}

/// The mark of the cell that a premise wants empty.
fn mark(pair: &PairReport, theorem: Theorem, members: &[&str]) -> (String, anstyle::Style) {
    let name = theorem.name();
    let verdict = pair.theorems.verdict(theorem);
    match (members, verdict) {
        ([], _) if pair.instructions.iter().any(is_open) => {
            (format!("<- empty so far ({name})"), bright(Yellow))
        }
        ([], _) => (format!("<- empty, as {name} asks"), bright(Green)),
        (_, Verdict::Holds) => (format!("<- not empty, but safe ({name})"), bold()),
        _ => (format!("<- must be empty for {name}"), bright(Red)),
    }
}

/// What instructions have in common that are not privileged, and sensitive or not safe to run directly.
#[derive(PartialEq, Eq)]
struct Reason {
    by: Vec<Property>,
    user: Answer,
    effects: [Effect; 2],
}

const DEFINITIONS: [Property; 9] = [
    Property::ControlSensitive,
    Property::ResourceSensitive,
    Property::LocationSensitive,
    Property::ModeSensitive,
    Property::BehaviourSensitive,
    Property::ExtentSensitive,
    Property::TimeSensitive,
    Property::TrapMasked,
    Property::TrapVisible,
];

/// The instructions that a monitor has to worry about, by why they are sensitive.
pub(super) fn reasons(page: &mut Page, pair: &PairReport) {
    let mut groups: Vec<(Reason, Vec<&InstructionReport>)> = Vec::new();
    for it in pair.instructions.iter().filter(|it| matters(it)) {
        let special =
            it.is(Property::LocationSensitive).is_yes() || it.is(Property::ModeSensitive).is_yes();
        let counts =
            |p: &Property| it.is(*p).is_yes() && !(*p == Property::BehaviourSensitive && special);
        let reason = Reason {
            by: DEFINITIONS.into_iter().filter(counts).collect(),
            user: it.is(Property::UserSensitive),
            effects: Theorem::MONITORS.map(|theorem| effect(pair, theorem, it)),
        };
        match groups.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, all)) => all.push(it),
            None => groups.push((reason, vec![it])),
        }
    }
    if groups.is_empty() {
        return;
    }
    // Stable: among equals the specification's order stays.
    groups.sort_by_key(|(reason, _)| reason.effects.map(|e| e != Effect::Breaks));
    let [user, one, three] = [4, 9, 9];
    let room = page.width() - 2 - user - one - three - 8;
    let (left, right) = (room * 21 / 40, room - room * 21 / 40);
    page.gap();
    let head = |width: usize, text: &str| Cell::new(width, text).paint(bold());
    page.columns(
        2,
        &[
            head(left, "why: it changes (control) or shows"),
            head(right, "not privileged"),
            head(user, "user"),
            head(one, "Theorem 1"),
            head(three, "Theorem 3"),
        ],
    );
    for (reason, all) in &groups {
        let list = fitting(all.iter().map(|it| it.name.as_str()), right - 4, 2);
        page.columns(
            2,
            &[
                Cell::new(left, why(pair, reason, all)),
                Cell::new(right, format!("{} {list}", all.len())),
                Cell::new(user, reason.user.word()),
                effect_cell(one, reason.effects[0]),
                effect_cell(three, reason.effects[1]),
            ],
        );
    }
}

fn matters(it: &InstructionReport) -> bool {
    !it.is(Property::Privileged).is_yes()
        && (it.is(Property::Sensitive) != Answer::No
            || it.is(Property::Statewise) != Answer::Yes
            || it.is(Property::UserSensitive) != Answer::No)
}

fn effect_cell(width: usize, it: Effect) -> Cell {
    match it {
        Effect::Safe => Cell::new(width, "safe"),
        Effect::SafeIfKept => Cell::new(width, "if kept"),
        Effect::Breaks => Cell::new(width, "breaks").paint(bright(Red)),
        Effect::Open => Cell::new(width, "undecided").paint(bright(Yellow)),
    }
}

/// `control: eflags.if in ring0 only; resource: gdtr_base, idtr_base`.
fn why(pair: &PairReport, reason: &Reason, all: &[&InstructionReport]) -> String {
    let one = |property: &Property| {
        let key = property.key();
        let in_user = |it: &InstructionReport| it.property_in(*property, Some(pair.user.as_str()));
        let never_in_user = |it: &&InstructionReport| in_user(it) == Some(Answer::No);
        let mut names: Vec<&str> = Vec::new();
        for name in all.iter().filter_map(|it| it.components.get(key)).flatten() {
            let name = name.split('[').next().unwrap_or(name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut modes: Vec<&str> = Vec::new();
        for mode in all.iter().filter_map(|it| it.modes.get(key)).flatten() {
            if !modes.contains(&mode.as_str()) {
                modes.push(mode);
            }
        }
        let components = match names.len() {
            0 => String::new(),
            n if n > 3 => format!(" {}, ... {} more", names[..2].join(", "), n - 2),
            _ => format!(" {}", names.join(", ")),
        };
        let only = match modes.as_slice() {
            [one] if *one == pair.supervisor && all.iter().all(never_in_user) => {
                format!(" in {one} only")
            }
            _ => String::new(),
        };
        format!("{}{only}", format!("{}{components}", word(*property)).trim_end_matches(':'))
    };
    if reason.by.is_empty() {
        let innocuous = all.iter().all(|it| it.is(Property::Innocuous).is_yes());
        let breaks = all.iter().all(|it| it.is(Property::Statewise) == Answer::No);
        let known = innocuous && breaks;
        return if known {
            "innocuous by definition, and yet its square breaks"
        } else {
            "undecided, see above"
        }
        .to_owned();
    }
    reason.by.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The definition that makes an instruction sensitive, in a word.
const fn word(property: Property) -> &'static str {
    match property {
        Property::ControlSensitive => "control:",
        Property::ResourceSensitive => "resource:",
        Property::LocationSensitive => "location:",
        Property::ModeSensitive => "mode:",
        Property::BehaviourSensitive => "behaviour:",
        Property::ExtentSensitive => "extent:",
        Property::TimeSensitive => "time:",
        Property::TrapMasked => "hides a trap:",
        Property::TrapVisible => "shows that a trap came before:",
        Property::Privileged
        | Property::UserSensitive
        | Property::Sensitive
        | Property::Innocuous
        | Property::Unconfined
        | Property::Statewise => "",
    }
}
