//! The monitor's own bits are the monitor's choice.
//!
//! f leaves the real machine's resources to the monitor, so a monitor may keep some of their bits at one
//! value for good: CR4.TSD on IA-32, mcounteren on RISC-V. Where squares do not commute for all values, or
//! instructions are not confined, [`choose`] looks for values under which all of them are right: *there is
//! a choice, for all states of guests*.
//!
//! It proposes an assignment of all bits under which no state that is known breaks anything, asks whether
//! squares and confinement are right under it, and learns the state where one is not. If no assignment is
//! left, the known states refute every choice; that is a formula without a model, and all bits of kind
//! `resource` and `trap-vector` were searched. An assignment that works is made small in the end.

use std::fmt::Write as _;

use model::isa::{Isa, Part, RegisterId};
use model::map::{Partition, VmMap};
use model::property::Property;
use model::state::State as Concrete;
use rayon::prelude::*;

use crate::definitions::statewise::{self, Case};
use crate::definitions::{VirtualMode, choice as definition, confinement};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::theorems::classify::Classification;
use crate::theorems::squares;

/// Bits of the monitor's own with the values they are kept at, in the order of the specification.
pub(crate) type Assignment = Vec<(Part, u128)>;

/// Bits that an assignment for one class may have.
const NARROW: u32 = 64;

/// What the choice of bits comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// All is right under this assignment, and under no part of it that was tried.
    Keep(Assignment),
    /// Known states refute every assignment.
    None,
    /// Not settled.
    Open,
}

/// What an instruction needs of the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its square commutes.
    Square,
    /// It is confined.
    Confinement,
}

/// States that show that a class has not what it needs.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) class: usize,
    pub(crate) need: Need,
    pub(crate) side: VirtualMode,
    pub(crate) witness: Witness,
}

impl Known {
    /// The states of the real machine, whose own bits the monitor chooses.
    pub(crate) fn real(&mut self) -> &mut [Concrete] {
        let all = self.witness.before.as_mut_slice();
        match self.need {
            Need::Square => all.get_mut(1..).unwrap_or_default(),
            Need::Confinement => all,
        }
    }
}

/// A class, what it needs, and what became of that for arbitrary values of the bits.
type Needing<'a> = (usize, Need, Vec<(VirtualMode, &'a Existence)>);

/// Assignments that are proposed for one class, and for all classes of a theorem together. That one class
/// is safe under no choice settles a theorem; so most of them are left open quickly.
const ROUNDS: [usize; 2] = [4, 48];

/// `cr4.tsd = 1 and en[5] = 0`.
pub(crate) fn words(isa: &Isa, assignment: &[(Part, u128)]) -> String {
    let mut text = String::new();
    for (part, value) in assignment {
        if !text.is_empty() {
            text.push_str(" and ");
        }
        let _ = write!(text, "{}", word(isa, *part, *value));
    }
    text
}

fn word(isa: &Isa, part: Part, value: u128) -> String {
    let register = isa.register(part.register);
    let field = register.fields.iter().find(|f| (f.low, f.width) == (part.low, part.width));
    let values = field.map_or(&register.values, |field| &field.values);
    let whole = field.is_some() || part.width == register.width;
    let named = values.iter().find(|(_, v)| whole && *v == value);
    let value = named.map_or_else(|| model::state::number(value), |(name, _)| name.clone());
    format!("{} = {value}", component(isa, part))
}

/// `cr4.tsd`, `en[5]`, `key[7:4]`.
pub(crate) fn component(isa: &Isa, part: Part) -> String {
    let register = isa.register(part.register);
    let name = &register.name;
    let field = register.fields.iter().find(|f| (f.low, f.width) == (part.low, part.width));
    match field {
        Some(field) => format!("{name}.{}", field.name),
        None if part.width == register.width => name.clone(),
        None if part.width == 1 => format!("{name}[{}]", part.low),
        None => format!("{name}[{}:{}]", part.low + part.width - 1, part.low),
    }
}

/// Whether bits that are kept are among others, with the same value.
pub(crate) fn covers(known: (Part, u128), bits: (Part, u128)) -> bool {
    let (outer, inner) = (known.0, bits.0);
    outer.register == inner.register
        && outer.low <= inner.low
        && inner.low + inner.width <= outer.low + outer.width
        && known.1 >> (inner.low - outer.low) & model::bits::mask(inner.width) == bits.1
}

/// The state with the bits at their values.
pub(crate) fn set(state: &mut Concrete, assignment: &Assignment) {
    for (part, value) in assignment {
        state.set_part(*part, *value);
    }
}

/// Looks for values of the monitor's own bits under which some classes have what they need in the given
/// virtual modes.
fn choose(
    context: Context<'_>,
    needing: &[Needing<'_>],
    sides: &[VirtualMode],
    together: bool,
) -> Choice {
    let setting = context.setting;
    let mut known = Vec::new();
    for (class, need, found) in needing {
        for (side, existence) in found.iter().filter(|(side, _)| sides.contains(side)) {
            match existence {
                Existence::Witnessed(witness) => {
                    let witness = (**witness).clone();
                    known.push(Known { class: *class, need: *need, side: *side, witness });
                }
                Existence::Unknown(_) => return Choice::Open,
                Existence::Absent(_) => {}
            }
        }
    }
    let inquiry = |(class, need, _): &Needing<'_>| {
        (*need, *class, Inquiry::new(context, &setting.isa.classes[*class]))
    };
    let inquiries = needing.iter().map(inquiry).collect();
    let mut search = Search { setting, sides, known, excluded: Vec::new(), together, inquiries };
    search.run()
}

fn squares(all: &[Classification], class: usize) -> Needing<'_> {
    let found = all[class].statewise.iter().map(|square| (square.side, &square.verdict));
    (class, Need::Square, found.collect())
}

/// What the choice comes to for each class by itself.
pub(crate) fn of_classes(
    context: Context<'_>,
    all: &[Classification],
    refuting: &[usize],
    sides: &[VirtualMode],
) -> Vec<(usize, Choice)> {
    let one = |class: &usize| (*class, choose(context, &[squares(all, *class)], sides, false));
    refuting.par_iter().with_max_len(1).map(one).collect()
}

/// What the choice comes to for a theorem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// For the squares, and for confinement too where that is possible.
    pub(crate) choice: Choice,
    /// Classes that are not confined under it, by index.
    pub(crate) unconfined: Vec<usize>,
}

/// What the choice comes to for all classes together, each of which was tried by itself.
pub(crate) fn for_theorem(
    context: Context<'_>,
    all: &[Classification],
    each: &[(usize, Choice)],
    sides: &[VirtualMode],
) -> Chosen {
    let mut needing: Vec<_> = each.iter().map(|(class, _)| squares(all, *class)).collect();
    let mut choice = match each {
        [] => Choice::Keep(Assignment::new()),
        _ if each.iter().any(|(_, choice)| *choice == Choice::None) => Choice::None,
        [(_, Choice::Keep(assignment))] => Choice::Keep(assignment.clone()),
        _ => choose(context, &needing, sides, true),
    };
    let unconfined: Vec<_> = (0..all.len()).filter_map(|class| confinement(all, class)).collect();
    let mut classes: Vec<usize> = unconfined.iter().map(|(class, ..)| *class).collect();
    needing.extend(unconfined);
    if !classes.is_empty()
        && matches!(choice, Choice::Keep(_))
        && let confining @ Choice::Keep(_) = choose(context, &needing, sides, true)
    {
        classes.clear();
        choice = confining;
    }
    Chosen { choice, unconfined: classes }
}

/// A class that is not confined for all values of the bits.
fn confinement(all: &[Classification], class: usize) -> Option<Needing<'_>> {
    let finding = all[class].finding(Property::Unconfined)?;
    let found = finding.verdicts.iter().map(|(side, verdict)| (*side, verdict));
    finding.answer().is_yes().then(|| (class, Need::Confinement, found.collect()))
}

struct Search<'s, 'i> {
    setting: Setting<'i>,
    sides: &'s [VirtualMode],
    known: Vec<Known>,
    /// Assignments that the assumptions leave no guest for.
    excluded: Vec<Assignment>,
    /// The classes are all those of a theorem.
    together: bool,
    /// What each class, by index, needs.
    inquiries: Vec<(Need, usize, Inquiry<'i>)>,
}

/// What becomes of an assignment.
enum Trial {
    Works,
    Broken,
    /// No guest has such an image: nothing is shown by it.
    Empty,
    Open,
}

impl Search<'_, '_> {
    fn run(&mut self) -> Choice {
        for round in 0..ROUNDS[usize::from(self.together)] {
            let proposed = match self.propose(round) {
                Ok(Some(assignment)) => assignment,
                Ok(None) => return Choice::None,
                Err(()) => return Choice::Open,
            };
            if self.breaks_elsewhere(&proposed) {
                continue;
            }
            // What hangs on whole registers, tables as a rule, is looked into for a theorem only.
            let bits: u32 = proposed.iter().map(|(part, _)| part.width).sum();
            if !self.together && bits > NARROW {
                return Choice::Open;
            }
            match self.attempt(&proposed) {
                Trial::Works => return Choice::Keep(self.smaller(&proposed)),
                Trial::Broken => {}
                Trial::Empty => self.excluded.push(proposed),
                Trial::Open => return Choice::Open,
            }
        }
        Choice::Open
    }

    /// An assignment under which no known state breaks a square; `None` if there is none.
    fn propose(&mut self, round: usize) -> Result<Option<Assignment>, ()> {
        let (setting, known, excluded) = (self.setting, &self.known, &self.excluded);
        let name = |(need, class, _): &(Need, usize, _)| {
            let name = &setting.isa.classes[*class].name;
            match need {
                Need::Square => name.clone(),
                Need::Confinement => format!("{name} (confined)"),
            }
        };
        let names: Vec<String> = self.inquiries.iter().map(name).collect();
        let question = Question {
            name: format!("choice/{}/{}/{round}", self.scope(), names.join("+")),
            ask: &|problem| definition::ask(problem, setting, known, excluded),
            shows: &|replay| definition::shown_by(replay, known, excluded),
        };
        let inquiry = &mut self.inquiries[0].2;
        let verdict = inquiry.ask(&question);
        match verdict {
            Existence::Absent(_) => Ok(None),
            Existence::Unknown(_) => Err(()),
            Existence::Witnessed(witness) => {
                let class = inquiry.class();
                let relevant = definition::relevant(setting, class, known).into_iter();
                let value = |part: Part| (part, witness.before[0].part(part));
                Ok(Some(relevant.map(value).collect()))
            }
        }
    }

    fn scope(&self) -> String {
        let guests = if self.together { "theorem" } else { self.setting.guests().word() };
        let sides: Vec<&str> = self.sides.iter().map(|side| side.word()).collect();
        format!("{guests}/{}", sides.join("+"))
    }

    /// Whether a known guest breaks its square under the assignment once it has the opposite of these
    /// bits: that is quick to see, and true of most instructions that show a resource.
    fn breaks_elsewhere(&mut self, assignment: &Assignment) -> bool {
        let opposite: Assignment = assignment
            .iter()
            .map(|(part, value)| (*part, !value & model::bits::mask(part.width)))
            .collect();
        let found =
            self.known.iter().filter(|known| known.need == Need::Square).find_map(|known| {
                let mut known = known.clone();
                set(&mut known.witness.before[0], &opposite);
                self.under(&known, assignment)
            });
        found.map(|known| self.known.push(known)).is_some()
    }

    /// The known states with the assignment, a guest's image under f anew, if they still show the same.
    fn under(&self, known: &Known, assignment: &Assignment) -> Option<Known> {
        let setting = self.setting;
        let mut known = known.clone();
        if let (Need::Square, [guest, real]) = (known.need, known.witness.before.as_mut_slice()) {
            let partition = Partition { first: known.witness.first?, cells: guest.cells };
            let map = VmMap::of(setting.isa)?;
            *real = map.apply(setting.isa, setting.pair, partition, guest, real);
        }
        known.real().iter_mut().for_each(|state| set(state, assignment));
        definition::is_broken(setting, &known).then(|| {
            let replay = known.witness.replay(setting, &setting.isa.classes[known.class]);
            known.witness.after = replay.sides.iter().map(|side| side.outcome.clone()).collect();
            known
        })
    }

    /// The same guest with all the storage that there can be, and a window that shows it: what it reads
    /// by way of the monitor's components is then storage, not a trap, and it refutes more assignments.
    fn widened(&self, known: &Known) -> Option<Known> {
        let isa = self.setting.isa;
        let bounds = isa.bounds.filter(|_| known.need == Need::Square)?;
        let first = isa.least_cells();
        let cells = isa.storage.cells.checked_sub(first)?;
        let mut known = known.clone();
        let (base, _) = model::map::window(isa, &known.witness.before[0]);
        known.witness.first = Some(first);
        let [guest, real] = known.witness.before.as_mut_slice() else { return None };
        let size = cells.checked_sub(base)?.min(model::bits::mask(bounds.width));
        guest.cells = cells;
        guest.set_part(bounds, size);
        real.cells = isa.storage.cells;
        Some(known)
    }

    /// Whether the squares of all classes commute under an assignment.
    fn attempt(&mut self, assignment: &Assignment) -> Trial {
        for side in self.sides.iter().copied() {
            let exists =
                squares::exists(&mut self.inquiries[0].2, self.setting.guests(), side, assignment);
            match exists {
                Answer::Yes => {}
                // Modes outside the pair are those that the assumptions leave, and they may leave none.
                Answer::No | Answer::Vacuous if side == VirtualMode::Other => continue,
                Answer::No | Answer::Vacuous => return Trial::Empty,
                Answer::Undecided => return Trial::Open,
            }
            for index in 0..self.inquiries.len() {
                let (need, class, _) = self.inquiries[index];
                let verdict = match need {
                    Need::Square => self.square(index, side, assignment),
                    Need::Confinement if side == VirtualMode::User => {
                        self.confinement(index, side, assignment)
                    }
                    Need::Confinement => continue,
                };
                match verdict {
                    Existence::Absent(_) => {}
                    Existence::Unknown(_) => return Trial::Open,
                    Existence::Witnessed(witness) => {
                        let known = Known { class, need, side, witness: *witness };
                        let wide = self.widened(&known);
                        let wide = wide.and_then(|wide| self.under(&wide, assignment));
                        self.known.push(wide.unwrap_or(known));
                        return Trial::Broken;
                    }
                }
            }
        }
        Trial::Works
    }

    /// A guest whose square breaks under an assignment.
    fn square(&mut self, index: usize, side: VirtualMode, assignment: &Assignment) -> Existence {
        let guests = self.setting.guests();
        let mut weakest = None;
        for case in guests.cases() {
            let one = self.ask(index, side, *case, assignment);
            if !one.is_absent() {
                return one;
            }
            weakest = Some(one);
        }
        weakest.unwrap_or_else(|| Existence::Unknown("f has no case".into()))
    }

    /// States in which a class is not confined under an assignment.
    fn confinement(
        &mut self,
        index: usize,
        side: VirtualMode,
        assignment: &Assignment,
    ) -> Existence {
        let setting = self.setting;
        let property = Property::Unconfined.word();
        self.inquiries[index].2.ask(&Question {
            name: format!("{property}/{}", words(setting.isa, assignment)),
            ask: &|problem| confinement::ask_keeping(problem, setting, side, assignment),
            shows: &|replay| {
                let kept = |(part, value): &(Part, u128)| {
                    replay.sides.iter().all(|side| side.before.part(*part) == *value)
                };
                assignment.iter().all(kept) && confinement::shown_by(replay, side)
            },
        })
    }

    fn ask(
        &mut self,
        index: usize,
        side: VirtualMode,
        case: Case,
        assignment: &Assignment,
    ) -> Existence {
        let (setting, guests) = (self.setting, self.setting.guests());
        let (guest_word, side_word, case_word) = (guests.word(), side.word(), case.word());
        let kept = words(setting.isa, assignment);
        let question = Question {
            name: format!("statewise/{guest_word}/{side_word}/{case_word}/{kept}"),
            ask: &|problem| statewise::ask_keeping(problem, setting, side, case, assignment),
            shows: &|replay| {
                let kept =
                    |(part, value): &(Part, u128)| replay.sides[1].before.part(*part) == *value;
                assignment.iter().all(kept) && statewise::refuted_by(replay, side, guests)
            },
        };
        self.inquiries[index].2.ask(&question)
    }

    /// The assignment without the bits that it does not need: by field, then by halves.
    fn smaller(&mut self, assignment: &[(Part, u128)]) -> Assignment {
        let isa = self.setting.isa;
        let mut kept: Assignment = Vec::new();
        let mut open: Assignment =
            assignment.iter().flat_map(|one| by_field(isa, *one)).rev().collect();
        while let Some((part, value)) = open.pop() {
            let mut without = kept.clone();
            without.extend(open.iter().rev().copied());
            let freed = |it: &mut Self, rest: &Assignment| {
                // Known states break it once the bits are the other way round.
                let mut other = rest.clone();
                other.push((part, !value & model::bits::mask(part.width)));
                let broken = it.known.iter().any(|known| it.under(known, &other).is_some());
                !broken && matches!(it.attempt(rest), Trial::Works)
            };
            if freed(self, &without) {
                continue;
            }
            if part.width == 1 {
                kept.push((part, value));
                continue;
            }
            let half = part.width / 2;
            let low = Part { width: half, ..part };
            let high = Part { low: part.low + half, width: part.width - half, ..part };
            open.push((high, value >> half));
            open.push((low, value & model::bits::mask(half)));
        }
        joined(isa, kept)
    }
}

/// The declared fields of a part, and what is left of it.
fn by_field(isa: &Isa, (part, value): (Part, u128)) -> Assignment {
    let register = isa.register(part.register);
    let mut all = Vec::new();
    let mut low = part.low;
    let end = part.low + part.width;
    while low < end {
        let field = register.fields.iter().find(|f| f.low == low && f.low + f.width <= end);
        let next = register.fields.iter().map(|f| f.low).filter(|l| *l > low).min();
        let width = field.map_or(next.unwrap_or(end).min(end) - low, |f| f.width);
        let piece = Part { low, width, ..part };
        all.push((piece, value >> (low - part.low) & model::bits::mask(width)));
        low += width;
    }
    all
}

/// Neighbouring bits as one part again, unless a field ends between them.
fn joined(isa: &Isa, mut bits: Assignment) -> Assignment {
    bits.sort_by_key(|(part, _)| (part.register, part.low));
    let mut all: Assignment = Vec::new();
    for (part, value) in bits {
        let ends = |id: RegisterId, at: u32| {
            isa.register(id).fields.iter().any(|f| f.low == at || f.low + f.width == at)
        };
        match all.last_mut() {
            Some((last, known))
                if last.register == part.register
                    && last.low + last.width == part.low
                    && !ends(part.register, part.low) =>
            {
                *known |= value << last.width;
                last.width += part.width;
            }
            _ => all.push((part, value)),
        }
    }
    all
}
