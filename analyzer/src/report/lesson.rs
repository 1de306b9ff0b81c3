//! What a reader learns from one instruction: its source as written, the components that make it sensitive, and the
//! rows in which a step on the machine and the same step under a monitor differ.

use std::collections::BTreeSet;

use model::diagnostic::{Sources, Span};
use model::interp::Outcome;
use model::isa::{Class, Isa, Pair, Part, Site};
use model::map::{Partition, VmMap};
use model::state::{Row, State, number};
use serde::Serialize;

use super::findings::Place;
use crate::prove::answer::Existence;
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::theorems::classify::Finding;

/// An instruction and one step of it.
#[derive(Debug, Default, Serialize)]
pub struct Lesson {
    /// The semantics as written: one excerpt, or more where an overlay runs before its base.
    pub source: Vec<Excerpt>,
    /// The rows that matter.
    pub rows: Vec<LessonRow>,
}

/// Lines of a specification.
#[derive(Debug, Serialize)]
pub struct Excerpt {
    /// The file.
    pub file: String,
    /// The first line, counted from 1.
    pub line: usize,
    /// The lines, without the indentation that all of them share.
    pub text: Vec<String>,
}

/// One component before and after a step: in the guest's state S, and in its image f(S) where there is one.
#[derive(Debug, Serialize)]
pub struct LessonRow {
    /// The component or cell.
    pub name: String,
    /// E, M, P or R.
    pub role: String,
    /// Its values in S, i(S), f(S) and i(f(S)); an empty text where a state has no such component.
    pub values: Vec<String>,
    /// Its value in f(i(S)), where both steps complete: what i(f(S)) should have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What the row shows.
    pub shows: Shows,
}

/// What a row of a lesson shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// M or R of the guest changes. Where the image does not trap, the monitor does not learn of it.
    Control,
    /// The guest's value is one and the real machine's another, the monitor's own.
    MonitorsOwn,
    /// Relocation or bounds of the guest, which f composes with the monitor's.
    Composed,
    /// The step changes what is the monitor's own.
    MonitorsChange,
    /// The real machine does not end in the image of what the guest should have.
    Wrong,
}

impl Lesson {
    /// A step of the guest, and what becomes of it under the monitor where the witness has an image.
    pub(super) fn of(
        isa: &Isa,
        pair: &Pair,
        sources: &Sources,
        class: usize,
        witness: &Witness,
    ) -> Self {
        let rows = match witness.first {
            Some(_) => square_of(isa, pair, witness),
            None => alone(isa, witness),
        };
        Self { source: source(&isa.classes[class], sources), rows }
    }
}

/// The rows of a witness that is a square; none where it is not.
pub(super) fn square_of(isa: &Isa, pair: &Pair, witness: &Witness) -> Vec<LessonRow> {
    match (witness.before.as_slice(), witness.first) {
        ([guest, real], Some(first)) => square(isa, pair, first, [guest, real], &witness.after),
        _ => Vec::new(),
    }
}

/// The state after a step that completes.
fn completed(outcome: &Outcome) -> Option<&State> {
    match outcome {
        Outcome::Step(state) => Some(state),
        Outcome::Trap(..) | Outcome::Unpredictable | Outcome::Unknown => None,
    }
}

/// What a step changes of M and R.
fn alone(isa: &Isa, witness: &Witness) -> Vec<LessonRow> {
    let (Some(before), Some(after)) =
        (witness.before.first(), witness.after.first().and_then(completed))
    else {
        return Vec::new();
    };
    let rows = State::table(isa, &[before, after]).into_iter();
    let control = rows.filter(|row| row.differs() && row.is_control());
    control.map(|row| lesson_row(&row, &[0, 1], None, Shows::Control)).collect()
}

/// The rows of a square that does not commute.
fn square(
    isa: &Isa,
    pair: &Pair,
    first: u128,
    [guest, real]: [&State; 2],
    after: &[Outcome],
) -> Vec<LessonRow> {
    let end = |side: usize| after.get(side).and_then(completed);
    let partition = Partition { first, cells: guest.cells };
    let (guest_end, real_end) = (end(0).unwrap_or(guest), end(1).unwrap_or(real));
    // f(i(S)), where both complete.
    let mapped = match (VmMap::of(isa), end(0), end(1)) {
        (Some(map), Some(s), Some(r)) => Some(map.apply(isa, pair, partition, s, r)),
        _ => None,
    };
    let known = mapped.is_some();
    let image = mapped.unwrap_or_else(|| real_end.clone());
    let states = [guest, guest_end, real, real_end, &image];
    let mut rows = Vec::new();
    let table = State::table(isa, &states);
    let mode_changes = table.iter().any(|row| is(isa.mode, row) && row.values[0] != row.values[1]);
    for row in table {
        let Site::Part { .. } = row.site else { continue };
        // Where the mode changes, what goes with it need not be told; nor does the mapping of the other mode.
        if row.letter == 'M' && mode_changes && !is(isa.mode, &row) {
            continue;
        }
        let differ = |a: usize, b: usize| row.values[a] != row.values[b];
        let owned = row.is_control() && !is_mapping(isa, &row);
        let shows = if owned && differ(0, 1) {
            Shows::Control
        } else if owned && differ(2, 3) {
            Shows::MonitorsChange
        } else if differ(3, 4) && !(mode_changes && is_mapping(isa, &row)) {
            Shows::Wrong
        } else if owned && differ(0, 2) && (row.letter == 'R' || is(isa.mode, &row)) {
            Shows::MonitorsOwn
        } else if is_mapping(isa, &row) && differ(0, 2) && !mode_changes {
            Shows::Composed
        } else {
            continue;
        };
        rows.push(lesson_row(&row, &[0, 1, 2, 3], known.then_some(4), shows));
    }
    rows.extend(cells(&states, known, partition));
    // What goes wrong stands in front of what may be the reason.
    rows.sort_by_key(|row| matches!(row.shows, Shows::MonitorsOwn | Shows::Composed));
    rows
}

/// Cells that are not what they should be, by their address in the guest's storage, and those of the monitor's.
fn cells(states: &[&State; 5], known: bool, partition: Partition) -> Vec<LessonRow> {
    let [guest, guest_end, real, real_end, image] = *states;
    let touched: BTreeSet<u128> =
        [real, real_end, image].into_iter().flat_map(|s| s.storage.keys().copied()).collect();
    let wrong = touched.into_iter().filter(|cell| image.load(*cell) != real_end.load(*cell));
    let row = |cell: u128| {
        let text = |state: &State, cell| number(state.load(cell));
        let inside = cell.checked_sub(partition.first).filter(|it| *it < partition.cells);
        let [before, after] = match inside {
            Some(own) => [text(guest, own), text(guest_end, own)],
            None => [String::new(), String::new()],
        };
        LessonRow {
            name: format!("phys[{}]", number(inside.unwrap_or(cell))),
            role: "E".into(),
            values: vec![before, after, text(real, cell), text(real_end, cell)],
            image: known.then(|| text(image, cell)),
            shows: if inside.is_some() { Shows::Wrong } else { Shows::MonitorsChange },
        }
    };
    wrong.map(row).collect()
}

fn is_mapping(isa: &Isa, row: &Row) -> bool {
    is(isa.relocation, row) || is(isa.bounds, row)
}

fn is(part: Option<Part>, row: &Row) -> bool {
    part.is_some_and(|Part { register, low, width }| {
        row.site == Site::Part { register, element: 0, low, width }
    })
}

fn lesson_row(row: &Row, states: &[usize], image: Option<usize>, shows: Shows) -> LessonRow {
    LessonRow {
        name: row.name.clone(),
        role: row.letter.to_string(),
        values: states.iter().map(|state| row.text(*state)).collect(),
        image: image.map(|state| row.text(state)),
        shows,
    }
}

/// The semantics of a class as written.
fn source(class: &Class, sources: &Sources) -> Vec<Excerpt> {
    class.semantics.iter().filter_map(|span| excerpt(sources, *span)).collect()
}

fn excerpt(sources: &Sources, span: Span) -> Option<Excerpt> {
    let Place { file, line, .. } = Place::of(sources, span);
    // The indentation of the first line stands before the span.
    let whole = &sources.files[span.file as usize].text;
    let start = whole[..span.start as usize].rfind('\n').map_or(0, |end| end + 1);
    let lead = &whole[start..span.start as usize];
    let lead = if lead.trim().is_empty() { lead } else { "" };
    let text = format!("{lead}{}", sources.slice(span));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let filled = |line: &&&str| !line.is_empty();
    let skipped = lines.iter().take_while(|line| line.is_empty()).count();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(filled).map(indent).min()?;
    let last = lines.iter().rposition(|line| !line.is_empty())?;
    let text = lines[skipped..=last].iter();
    let text = text.map(|line| line.get(shared..).unwrap_or_default().to_owned()).collect();
    Some(Excerpt { file, line: line + skipped, text })
}

/// The components of M and R that make an instruction sensitive by one definition, as replayed states show it: those
/// that a step changes, or those in which two states have to differ.
pub(super) fn components(setting: Setting<'_>, class: &Class, finding: &Finding) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (side, verdict) in &finding.verdicts {
        let Existence::Witnessed(witness) = verdict else { continue };
        let shown = match witness.before.as_slice() {
            [before] => {
                let after = completed(&witness.after[0]);
                after.map_or_else(Vec::new, |after| apart(setting.isa, before, after))
            }
            [_, _] => {
                let shows = |replay: &Replay<'_>| (finding.definition.shown_by)(replay, *side);
                let near = (**witness).clone().closer(setting, class, shows);
                apart(setting.isa, &near.before[0], &near.before[1])
            }
            _ => Vec::new(),
        };
        names.extend(shown.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    names
}

/// The components of M and R in which two states differ. Of M the mode says it all where it differs.
fn apart(isa: &Isa, one: &State, other: &State) -> Vec<String> {
    let rows = State::table(isa, &[one, other]).into_iter();
    let rows: Vec<Row> = rows.filter(|row| row.differs() && row.is_control()).collect();
    let mode = rows.iter().any(|row| is(isa.mode, row));
    let told = |row: &&Row| row.letter == 'R' || is(isa.mode, row) || !mode;
    rows.iter().filter(told).map(|row| row.name.clone()).collect()
}
