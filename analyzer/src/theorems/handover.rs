//! Whether some step gives the processor to every guest: [handing over](crate::definitions::handover).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use model::bits::mask;
use model::interp::{self, Access, Outcome, Place};
use model::isa::{ChoiceId, Class, Kind, Part, RegisterId, Role, Slice};
use model::state::State;

use crate::definitions::VirtualMode;
use crate::definitions::choice::is_chosen;
use crate::definitions::handover::{self, Bit, Handover, Placed, Wanted, at};
use crate::definitions::launch::Launching;
use crate::definitions::resume::Aim;
use crate::definitions::save::{Component, read};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::prove::witness::Witness;
use crate::theorems::choice::{self, Assignment};
use crate::theorems::steps::{entering, settable, with};
use crate::theorems::{resume, save};

/// Proposals for one instruction.
const ROUNDS: usize = 12;

/// What the search has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Some step hands over to every guest.
    pub(super) known: bool,
    /// What is not known to be the guest's behind any step, where none does.
    pub(super) missing: Vec<Component>,
    /// What the monitor has to set first, and is not known to, in words.
    pub(super) unset: Vec<String>,
}

/// What stands in the way for one instruction.
enum Failure {
    /// It hands no guest over.
    Never,
    /// It is not known to leave these as every guest needs them; none where the step depends on something else.
    Missing(Vec<Component>),
}

/// Looks for a step that hands over to every guest, with bits of the monitor's kept and cells of the traps at what
/// leads them to the monitor.
pub(super) fn search(
    context: Context<'_>,
    launching: Launching<'_>,
    low: &BTreeMap<u128, u128>,
) -> Found {
    let mut found = Found::default();
    let mut best: Option<Vec<Component>> = None;
    for class in entering(context.setting) {
        let class = &context.setting.isa.classes[class];
        // What the architecture leaves open is not to be relied on.
        if !class.body.choices.is_empty() {
            continue;
        }
        let mut search = Search::new(context, class, launching, low);
        match search.run() {
            Ok(handover) => {
                let unset = search.unset(handover);
                if unset.is_empty() || found.unset.is_empty() {
                    found.unset = unset;
                }
                found.known = true;
                if found.unset.is_empty() {
                    break;
                }
            }
            Err(Failure::Never) => {}
            Err(Failure::Missing(components)) => {
                if best.as_ref().is_none_or(|best| components.len() < best.len()) {
                    best = Some(components);
                }
            }
        }
    }
    found.missing = best.filter(|_| !found.known).unwrap_or_default();
    found
}

/// A bit of one of the components, by their number.
type Which = (usize, u32);

/// A step that the interpreter plays from states like one before it.
struct Play<'w> {
    before: &'w State,
    operands: Vec<u128>,
    /// What the components are behind it.
    had: Vec<u128>,
}

struct Search<'s> {
    context: Context<'s>,
    inquiry: Inquiry<'s>,
    launching: Launching<'s>,
    low: &'s BTreeMap<u128, u128>,
    components: Vec<Component>,
    /// Bits that the step always leaves at one value, which are those of every guest.
    always: BTreeMap<Which, bool>,
    /// Bits that came from no place, with the values they had.
    seen: BTreeMap<Which, BTreeSet<bool>>,
    round: usize,
}

impl<'s> Search<'s> {
    fn new(
        context: Context<'s>,
        class: &'s Class,
        launching: Launching<'s>,
        low: &'s BTreeMap<u128, u128>,
    ) -> Self {
        let Setting { isa, pair, .. } = context.setting;
        Self {
            context,
            inquiry: Inquiry::new(context, class),
            launching,
            low,
            components: handover::components(isa, pair, launching),
            always: BTreeMap::new(),
            seen: BTreeMap::new(),
            round: 0,
        }
    }

    fn name(&self, what: &str) -> String {
        let with = with(self.context.setting, self.launching.kept);
        let unplaced = if self.launching.placed { "" } else { "/unplaced" };
        format!("handover{unplaced}{with}/{}/{what}", self.round)
    }

    /// The operands, the monitor's state and the places.
    fn run(&mut self) -> Result<Handover, Failure> {
        let mut wanted = Wanted::default();
        let mut last: Option<Box<Witness>> = None;
        let mut failure = Failure::Never;
        let mut mixed = false;
        for round in 0..ROUNDS {
            self.round = round;
            match self.step(&wanted) {
                Existence::Witnessed(witness) => last = Some(witness),
                Existence::Unknown(_) => return Err(Failure::Missing(Vec::new())),
                Existence::Absent(_) if !wanted.all.is_empty() => return Err(failure),
                Existence::Absent(_) => {
                    // These bits are always as they were.
                    for (which, values) in &self.seen {
                        if let (1, Some(value)) = (values.len(), values.first()) {
                            self.always.insert(*which, *value);
                        }
                    }
                    let lost = self.lost();
                    if !lost.is_empty() {
                        return Err(Failure::Missing(lost));
                    }
                }
            }
            let Some(witness) = last.clone() else { return Err(Failure::Never) };
            let (guest, missing) = self.places(&witness);
            if !missing.is_empty() {
                let mut tied = BTreeSet::new();
                for (which, value) in &missing {
                    let values = self.seen.entry(*which).or_default();
                    values.insert(*value);
                    if values.len() > 1 {
                        tied.insert(which.0);
                    }
                }
                if !tied.is_empty() {
                    let tied: Vec<Component> =
                        tied.iter().map(|i| self.components[*i].clone()).collect();
                    if mixed {
                        return Err(Failure::Missing(tied));
                    }
                    // An operand may give it a few values: one that takes a register or storage tells more.
                    mixed = true;
                    self.seen.clear();
                    wanted =
                        Wanted { all: tied.iter().map(mixed_value).collect(), ..Wanted::default() };
                    failure = Failure::Missing(tied);
                    continue;
                }
                let other = missing.iter().map(|(which, value)| self.aim(*which, !value));
                wanted = Wanted { some: other.collect(), ..Wanted::default() };
                continue;
            }
            let proposed = Handover { witness, guest, free: Vec::new() };
            match self.refutation("for all guests", &proposed) {
                Existence::Absent(_) => return Ok(proposed),
                Existence::Unknown(_) => return Err(Failure::Missing(Vec::new())),
                Existence::Witnessed(it) => {
                    let all = handover::guest(&it.before[0], &proposed);
                    failure = Failure::Missing(self.differing(&all, &it));
                    wanted = Wanted { all, some: Vec::new(), clocks: Some(it.before[0].clone()) };
                }
            }
        }
        Err(failure)
    }

    /// The components that a refuting step does not lead to what the guest has.
    fn differing(&self, guest: &[Aim], witness: &Witness) -> Vec<Component> {
        let play = self.play(witness);
        let Some(after) = self.played(&play, play.before, &|_| {}) else { return Vec::new() };
        let differs = |(aim, is): &(&Aim, u128)| aim.value != *is;
        guest.iter().zip(after).filter(differs).map(|(aim, _)| aim.component.clone()).collect()
    }

    fn step(&mut self, wanted: &Wanted) -> Existence {
        let (setting, launching, low) = (self.context.setting, self.launching, self.low);
        let name = self.name("step");
        self.inquiry.ask(&Question {
            name,
            ask: &|problem| handover::ask_step(problem, setting, launching, low, wanted),
            shows: &|replay| handover::step_shown_by(replay, launching, low, wanted),
        })
    }

    fn refutation(&mut self, what: &str, proposed: &Handover) -> Existence {
        let (setting, launching) = (self.context.setting, self.launching);
        let name = self.name(what);
        self.inquiry.ask(&Question {
            name,
            ask: &|problem| handover::ask_refutation(problem, setting, launching, proposed),
            shows: &|replay| handover::refutation_shown_by(replay, launching, proposed),
        })
    }

    fn aim(&self, (component, bit): Which, value: bool) -> Aim {
        let component = self.components[component].clone();
        Aim { component, mask: 1 << bit, value: u128::from(value) << bit }
    }

    /// Components that the step never leaves at values that guests may need.
    fn lost(&self) -> Vec<Component> {
        let mut of = vec![Vec::new(); self.components.len()];
        for (which, value) in &self.always {
            of[which.0].push(self.aim(*which, !value));
        }
        // f adds k to the guest's base: its low bits are the monitor's to choose, not those above them.
        let above = |(component, aims): (&Component, &Vec<Aim>)| {
            let gap = (0..).zip(aims).any(|(i, aim): (u32, _)| aim.mask != 1 << i);
            component.slice.role == Role::R && gap
        };
        let given =
            |aims: &[Aim]| !aims.is_empty() && resume::given(self.context, aims) != Answer::No;
        // All parts of P may have to be aligned for one of them to stay so.
        let mut all: Vec<Aim> = of.concat();
        for (i, component) in self.components.iter().enumerate() {
            for ((other, bit), value) in &self.always {
                let both_p = [*other, i].iter().all(|i| self.components[*i].slice.role == Role::P);
                let known = self.always.contains_key(&(i, *bit));
                if both_p && !known && *bit < component.slice.width {
                    all.push(self.aim((i, *bit), !value));
                }
            }
        }
        let some_given = given(&all);
        let lost = self.components.iter().zip(&of);
        let lost = lost.filter(|it| above(*it) || some_given && given(it.1));
        lost.map(|(component, _)| component.clone()).collect()
    }

    /// Where each component comes from in a step, and the bits that come from no place, with their values.
    fn places(&self, witness: &Witness) -> (Vec<Placed>, Vec<(Which, bool)>) {
        let play = self.play(witness);
        let places = self.candidates(witness, &play);
        let origins = self.origins(&play, &places);
        let (mut missing, mut all) = (Vec::new(), Vec::new());
        for (i, component) in self.components.iter().enumerate() {
            let of = |bit: u32| {
                let always = self.always.get(&(i, bit)).copied().map(Bit::Always);
                origins.get(&(i, bit)).copied().or(always)
            };
            let (is, width) = (play.had[i], component.slice.width);
            let bits: Option<Vec<Bit>> = (0..width).map(of).collect();
            let placed = |offset, bits| Placed { component: component.clone(), offset, bits };
            all.push(if let Some(bits) = bits {
                placed(0, bits)
            } else if let Some((offset, bits)) = self.summand(&play, &places, i) {
                // An address that is aligned: its low bits stay as they are.
                for (bit, it) in (0..).zip(&bits) {
                    if matches!(it, Bit::Always(_)) && !self.always.contains_key(&(i, bit)) {
                        missing.push(((i, bit), is >> bit & 1 == 1));
                    }
                }
                placed(offset, bits)
            } else {
                let known = |bit: u32| {
                    of(bit).unwrap_or_else(|| {
                        let value = is >> bit & 1 == 1;
                        missing.push(((i, bit), value));
                        Bit::Always(value)
                    })
                };
                placed(0, (0..width).map(known).collect())
            });
        }
        (all, missing)
    }

    /// The step of a witness, to be played again from other states.
    fn play<'w>(&self, witness: &'w Witness) -> Play<'w> {
        let operands = witness.operands.iter().map(|(_, value)| *value).collect();
        let mut play = Play { before: &witness.before[0], operands, had: Vec::new() };
        let had = self.played(&play, play.before, &|_| {});
        play.had = had.unwrap_or_else(|| vec![0; self.components.len()]);
        play
    }

    /// What the components are behind the step from another state, if it completes.
    fn played(
        &self,
        play: &Play<'_>,
        state: &State,
        observer: interp::Observer<'_>,
    ) -> Option<Vec<u128>> {
        let (isa, class) = (self.context.setting.isa, self.inquiry.class());
        let open = |_: ChoiceId| 0;
        match interp::observed_step(isa, class, &play.operands, state, &open, observer) {
            Outcome::Step(after) => {
                Some(self.components.iter().map(|it| read(&after, it)).collect())
            }
            _ => None,
        }
    }

    /// Places where a monitor may keep something of a guest's, with their width: cells of its own that the step reads,
    /// and registers, first those that are its choice.
    fn candidates(&self, witness: &Witness, play: &Play<'_>) -> Vec<(Place, Vec<u32>)> {
        let isa = self.context.setting.isa;
        let touched = RefCell::new(BTreeSet::new());
        self.played(play, play.before, &|access| {
            if let Access::Read(Place::Cell(cell)) = access {
                touched.borrow_mut().insert(cell);
            }
        });
        let first = witness.first.unwrap_or(0);
        let own = |cell: &u128| *cell < first && !isa.trap_cells.new.contains(cell);
        let cells = touched.into_inner().into_iter().filter(own);
        let mut all: Vec<(Place, Vec<u32>)> =
            cells.map(|cell| (Place::Cell(cell), (0..isa.storage.width).collect())).collect();
        // What the step does not touch stays where it is.
        for wanted in [Role::R, Role::E, Role::M, Role::P] {
            for (id, register) in isa.register_ids() {
                let is_mode = |bit: &u32| {
                    let bit = Part { register: id, low: *bit, width: 1 };
                    isa.mode.is_some_and(|mode| overlap(&mode, &bit))
                };
                let is_time = |kind| kind == Some(Kind::Time);
                let of = register.slices.iter().filter(|s| s.role == wanted && !is_time(s.kind));
                let bits = of.flat_map(|s| s.low..s.low + s.width);
                let bits: Vec<u32> = bits.filter(|bit| !is_mode(bit)).collect();
                if !bits.is_empty() {
                    let places = (0..register.len()).map(|i| Place::Register(id, i.into()));
                    all.extend(places.map(|place| (place, bits.clone())));
                }
            }
        }
        all
    }

    /// Bits of places that decide one bit of the components each, and nothing else of them.
    fn origins(&self, play: &Play<'_>, places: &[(Place, Vec<u32>)]) -> BTreeMap<Which, Bit> {
        let mut origins = BTreeMap::new();
        for (place, bits) in places {
            for &bit in bits {
                let mut other = play.before.clone();
                let was = at(&other, *place);
                put(&mut other, *place, was ^ 1 << bit);
                let Some(after) = self.played(play, &other, &|_| {}) else { continue };
                let changed = after.iter().zip(&play.had).enumerate().flat_map(|(i, (is, had))| {
                    let changed = is ^ had;
                    let width = self.components[i].slice.width;
                    (0..width).filter(move |bit| changed >> bit & 1 == 1).map(move |b| (i, b))
                });
                if let [which] = changed.take(2).collect::<Vec<Which>>()[..] {
                    let inverted = (was >> bit & 1 == 1) != (play.had[which.0] >> which.1 & 1 == 1);
                    let found = Bit::At { place: *place, bit, inverted };
                    origins.entry(which).or_insert(found);
                }
            }
        }
        origins
    }

    /// A place whose value and a constant add up to a component: the constant, and the bits of the place; the lowest
    /// may have to stay as they are.
    fn summand(
        &self,
        play: &Play<'_>,
        places: &[(Place, Vec<u32>)],
        which: usize,
    ) -> Option<(u128, Vec<Bit>)> {
        let width = self.components[which].slice.width;
        places.iter().find_map(|(place, bits)| {
            let low = *bits.first()?;
            let bits = bits.get(..width as usize)?;
            let was = at(play.before, *place) >> low & mask(width);
            let adds = |bit: u32| {
                let mut other = play.before.clone();
                let added = was.wrapping_add(1 << bit) & mask(width);
                let all = at(&other, *place) & !(mask(width) << low) | added << low;
                put(&mut other, *place, all);
                self.played(play, &other, &|_| {}).is_some_and(|after| {
                    after.iter().zip(&play.had).enumerate().all(|(i, (is, had))| {
                        let wanted = if i == which { had.wrapping_add(1 << bit) } else { *had };
                        *is == wanted & mask(self.components[i].slice.width)
                    })
                })
            };
            let fixed =
                (0..width).rev().take_while(|bit| adds(*bit)).last().filter(|low| *low < 4)?;
            let offset = play.had[which].wrapping_sub(was) & mask(width);
            let at = |(i, bit): (u32, &u32)| {
                if i < fixed {
                    Bit::Always(was >> i & 1 == 1)
                } else {
                    Bit::At { place: *place, bit: *bit, inverted: false }
                }
            };
            Some((offset, (0..).zip(bits).map(at).collect()))
        })
    }

    /// What of the monitor's own the step relies on, and no instruction is known to set again.
    fn unset(&mut self, mut proposed: Handover) -> Vec<String> {
        let setting = self.context.setting;
        let isa = setting.isa;
        let known = [setting.vectors, setting.fixed].concat();
        let taken: Vec<Part> =
            known.iter().map(|(part, _)| *part).chain(sources(&proposed, isa)).collect();
        let is_taken = |part: &Part| taken.iter().any(|it| overlap(it, part));
        let mut own = Vec::new();
        for (id, register) in isa.register_ids().filter(|(_, r)| r.count.is_none()) {
            for slice in register.slices.iter().filter(|s| is_chosen(s) || s.role == Role::M) {
                let part = Part { register: id, low: slice.low, width: slice.width };
                let is_mode = isa.mode.is_some_and(|mode| overlap(&mode, &part));
                if !is_mode && !is_taken(&part) {
                    own.push(part);
                }
            }
        }
        // What assumptions say of the monitor's own has to be so.
        let assumed = handover::assumed(isa, &self.components);
        let (said, own): (Vec<Part>, Vec<Part>) =
            own.into_iter().partition(|part| assumed.contains(&part.register));
        let before = &proposed.witness.before[0];
        let mut needs: Assignment = said.iter().map(|part| (*part, before.part(*part))).collect();
        self.needs(&mut proposed, &own, &mut needs);
        let mut unset = Vec::new();
        // How bits that are kept are set is asked where a guest is launched.
        let kept = |bits: &(Part, u128)| {
            self.launching.kept.iter().any(|known| choice::covers(*known, *bits))
        };
        needs.retain(|bits| !kept(bits));
        for bits in needs {
            if settable(self.context, bits, self.launching.kept) != Answer::Yes {
                unset.push(choice::words(isa, &[bits]));
            }
        }
        for (kept, aims) in self.kept_in_registers(&proposed) {
            if !self.sets_again(&kept, &aims) {
                unset.push(save::name(setting, &kept));
            }
        }
        unset
    }

    /// Frees all components that do not matter for the step, and collects those that do.
    fn needs(&mut self, proposed: &mut Handover, own: &[Part], needs: &mut Assignment) {
        let (Some(first), Some(last)) = (own.first(), own.last()) else { return };
        let isa = self.context.setting.isa;
        let mut freer = proposed.clone();
        freer.free.extend(own);
        let [a, b] = [first, last].map(|part| choice::component(isa, *part));
        let what = format!("for any {a}..{b}");
        if self.refutation(&what, &freer).is_absent() {
            *proposed = freer;
        } else if let [one] = own {
            needs.push((*one, proposed.witness.before[0].part(*one)));
        } else {
            let (low, high) = own.split_at(own.len() / 2);
            self.needs(proposed, low, needs);
            self.needs(proposed, high, needs);
        }
    }

    /// Whether instructions in supervisor mode give bits that hold a guest's all the values that guests need.
    fn sets_again(&self, kept: &Component, aims: &[Aim]) -> bool {
        let sets = |low: u32, width: u32, value: u128| {
            let part = Part { register: kept.register, low, width };
            settable(self.context, (part, value), self.launching.kept) == Answer::Yes
        };
        let Component { slice, .. } = kept;
        if self.context.setting.isa.register(kept.register).count.is_some() {
            let all = mask(slice.width);
            let gives = |value| {
                let aim = Aim { component: kept.clone(), mask: all, value };
                resume::gives(self.context, VirtualMode::Supervisor, &[aim]) == Answer::Yes
            };
            return gives(all) && gives(0);
        }
        let one = |(bit, aim): (u32, &Aim)| {
            let wanted = |value: u128| {
                let aim = Aim { value: aim.mask * value, ..aim.clone() };
                sets(slice.low + bit, 1, value) || resume::given(self.context, &[aim]) == Answer::No
            };
            wanted(0) && wanted(1)
        };
        let both = [mask(slice.width), 0];
        both.into_iter().all(|value| sets(slice.low, slice.width, value))
            || (0..).zip(aims).all(one)
    }

    /// The runs of bits of the monitor's registers that hold bits of the guest's, with what each bit is.
    fn kept_in_registers(&self, proposed: &Handover) -> Vec<(Component, Vec<Aim>)> {
        let isa = self.context.setting.isa;
        let mut held: BTreeMap<(RegisterId, u128, u32), (&Slice, Aim)> = BTreeMap::new();
        for Placed { component, bits, .. } in &proposed.guest {
            for (i, bit) in bits.iter().enumerate() {
                let Bit::At { place: Place::Register(id, index), bit, .. } = *bit else { continue };
                let mut slices = isa.register(id).slices.iter();
                let slice = slices.find(|s| (s.low..s.low + s.width).contains(&bit));
                if let Some(slice) = slice.filter(|s| is_chosen(s) || s.role == Role::M) {
                    let mask = 1 << i;
                    let aim = Aim { component: component.clone(), mask, value: mask };
                    held.insert((id, index, bit), (slice, aim));
                }
            }
        }
        let mut runs: Vec<(Component, Vec<Aim>)> = Vec::new();
        for ((register, index, low), (slice, aim)) in held {
            match runs.last_mut() {
                Some((it, aims))
                    if it.register == register
                        && u128::from(it.index) == index
                        && it.slice.low + it.slice.width == low =>
                {
                    it.slice.width += 1;
                    aims.push(aim);
                }
                _ => {
                    let slice = Slice { low, width: 1, ..slice.clone() };
                    runs.push((Component { register, index: index as u32, slice }, vec![aim]));
                }
            }
        }
        runs
    }
}

/// A component whose bits above the lowest alternate.
fn mixed_value(component: &Component) -> Aim {
    let mask = mask(component.slice.width) & !0xf;
    Aim { component: component.clone(), mask, value: mask & (u128::MAX / 3) }
}

/// Whether two parts have a bit in common.
fn overlap(a: &Part, b: &Part) -> bool {
    a.register == b.register && a.low < b.low + b.width && b.low < a.low + a.width
}

/// Bits of single registers at which guests' bits are kept.
fn sources<'p>(
    proposed: &'p Handover,
    isa: &'p model::isa::Isa,
) -> impl Iterator<Item = Part> + use<'p> {
    let bits = proposed.guest.iter().flat_map(|placed| &placed.bits);
    bits.filter_map(|bit| match *bit {
        Bit::At { place: Place::Register(id, _), bit, .. } if isa.register(id).count.is_none() => {
            Some(Part { register: id, low: bit, width: 1 })
        }
        _ => None,
    })
}

/// Changes what a place holds.
fn put(state: &mut State, place: Place, value: u128) {
    match place {
        Place::Register(id, index) => state.set_element(id, index, value),
        Place::Cell(cell) => state.store(cell, value),
    }
}

/// The names of components, for a sentence.
pub(super) fn names(setting: Setting<'_>, components: &[Component]) -> String {
    let names: Vec<String> = components.iter().map(|it| save::name(setting, it)).collect();
    names.join(", ")
}
