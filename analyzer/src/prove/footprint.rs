//! What an instruction reads and writes, read off its symbolic execution.
//!
//! A term mentions everything its value can depend on, and a component whose term is the same before and after the
//! instruction is not changed in any state. So what is said of a footprint is proved: "it reads only …" and "it never
//! writes …" hold in all states that the specification's assumptions admit. The converse is not claimed: what is
//! mentioned may not matter.

use std::collections::{BTreeMap, BTreeSet};

use model::isa::{Class, Isa, Kind, Part, RegisterId, Role, Slice, Stmt, TrapId, every};
use rustc_hash::FxHashSet;

use crate::definitions::VirtualMode;
use crate::definitions::statewise::monitors;
use crate::prove::problem::{Problem, Run, Storage};
use crate::prove::setting::Setting;
use crate::symbolic::state::{Register, State, Write};
use crate::symbolic::term::{Array, Term, Terms};

/// A component of the machine, as a whole or by the bits that have one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Component {
    /// A slice of a register or register file, by its number.
    Register(RegisterId, usize),
    /// Storage within E|r.
    Window,
    /// Storage outside E|r, which is reached by physical address.
    Outside,
    /// The number of physical cells.
    Cells,
}

impl Component {
    /// The bits of a register, if it is one.
    pub(crate) fn slice(self, isa: &Isa) -> Option<&Slice> {
        match self {
            Self::Register(id, slice) => isa.register(id).slices.get(slice),
            Self::Window | Self::Outside | Self::Cells => None,
        }
    }
}

/// In how many of the admitted states an instruction completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completes {
    /// In all.
    Always,
    /// In some, or it is not known that in none.
    Sometimes,
    /// In none.
    Never,
}

/// What an instruction reads and writes in all states, or in all states of one mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) completes: Completes,
    /// Traps that it may take.
    pub(crate) traps: Vec<TrapId>,
    /// It may be unpredictable.
    pub(crate) unpredictable: bool,
    /// What decides whether it completes.
    pub(crate) decides: BTreeSet<Component>,
    /// What the values it leaves in E|r, E and P depend on.
    pub(crate) visible: BTreeSet<Component>,
    /// What the values it leaves in M and R depend on.
    pub(crate) control: BTreeSet<Component>,
    /// What it may change where it completes.
    pub(crate) writes: BTreeSet<Component>,
    /// What decides where E|r lies.
    mapping: BTreeSet<Component>,
}

impl Footprint {
    /// The footprint in one mode, or in all modes at once; none where the formula is too large or the specification
    /// does not say everything.
    pub(crate) fn of(
        setting: Setting<'_>,
        class: &Class,
        mode: Option<VirtualMode>,
    ) -> Option<Self> {
        let mut problem = Problem::of(setting, class, Terms::default());
        let state = problem.fresh();
        let names = Names::of(&mut problem, &state);
        let entry = match mode {
            Some(VirtualMode::Supervisor) => problem.in_mode(&state, setting.pair.supervisor.1),
            Some(VirtualMode::User) => problem.in_mode(&state, setting.pair.user.1),
            Some(VirtualMode::Other) | None => state,
        };
        let (window, outside) = (problem.array(), problem.array());
        let run = problem.run(entry, Storage::Windowed { window, outside });
        if problem.terms.is_full() || !problem.terms.is_false(run.transition.unknown) {
            return None;
        }
        let names = Names { window, outside, ..names };
        Some(names.footprint(&mut problem, &run))
    }

    /// What it leaves in E and P does not depend on any of the chosen bits, nor on storage outside E|r: two states
    /// that agree in all else, windows included, end visibly alike wherever both complete.
    pub(crate) fn ignores(&self, isa: &Isa, chosen: impl Fn(RegisterId, &Slice) -> bool) -> bool {
        !self.reaches_outside() && !mentions(isa, &self.visible, chosen)
    }

    /// The same for two states with the same storage as a whole.
    pub(crate) fn ignores_in_place(&self, isa: &Isa, chosen: impl Fn(&Slice) -> bool) -> bool {
        let same_window = !self.writes_storage() || !mentions(isa, &self.mapping, |_, s| chosen(s));
        same_window && !mentions(isa, &self.visible, |_, s| chosen(s))
    }

    /// It writes none of the chosen bits.
    pub(crate) fn leaves(&self, isa: &Isa, chosen: impl Fn(&Slice) -> bool) -> bool {
        !mentions(isa, &self.writes, |_, slice| chosen(slice))
    }

    /// It neither reads nor writes storage outside E|r, and writes nothing of the monitor's.
    pub(crate) fn is_confined(&self, isa: &Isa) -> bool {
        !self.reaches_outside() && self.leaves(isa, monitors)
    }

    fn writes_storage(&self) -> bool {
        self.writes.contains(&Component::Window) || self.writes.contains(&Component::Outside)
    }

    fn reaches_outside(&self) -> bool {
        [&self.visible, &self.writes].iter().any(|all| all.contains(&Component::Outside))
    }
}

/// The bits in which the states of the pair's modes may differ: the mode, and what de-privileging sets.
pub(crate) fn varies_with_mode(
    setting: Setting<'_>,
) -> impl Fn(RegisterId, &Slice) -> bool + use<'_> {
    let set: BTreeSet<RegisterId> =
        every(&setting.pair.deprivilege.statements).filter_map(Stmt::writes).collect();
    move |id, slice| slice.role == Role::M || set.contains(&id) && slice.role == Role::R
}

/// The relocation.
pub(crate) fn is_relocation(slice: &Slice) -> bool {
    slice.kind == Some(Kind::Relocation)
}

fn mentions(
    isa: &Isa,
    all: &BTreeSet<Component>,
    chosen: impl Fn(RegisterId, &Slice) -> bool,
) -> bool {
    all.iter().any(|it| match it {
        Component::Register(id, _) => it.slice(isa).is_some_and(|slice| chosen(*id, slice)),
        Component::Window | Component::Outside | Component::Cells => false,
    })
}

/// Which component a variable or an array of the entry state is.
struct Names {
    variables: BTreeMap<Term, Component>,
    files: Vec<(Array, RegisterId)>,
    window: Array,
    outside: Array,
}

impl Names {
    fn of(problem: &mut Problem<'_>, state: &State) -> Self {
        let (mut variables, mut files) = (BTreeMap::new(), Vec::new());
        let isa = problem.isa;
        for (id, register) in isa.register_ids() {
            match &state.registers[id.index()] {
                Register::File(array, _) => files.push((*array, id)),
                Register::Single(_) => {
                    for (i, slice) in register.slices.iter().enumerate() {
                        let part = Part { register: id, low: slice.low, width: slice.width };
                        let term = state.part(&mut problem.terms, part);
                        let of = Component::Register(id, i);
                        variables
                            .extend(support(&problem.terms, term).into_iter().map(|t| (t, of)));
                    }
                }
            }
        }
        let cells = support(&problem.terms, problem.cells);
        variables.extend(cells.into_iter().map(|t| (t, Component::Cells)));
        // Nothing reads these two; they stand here until storage is laid out.
        let window = state.layout.rest;
        Self { variables, files, window, outside: window }
    }

    /// Adds what a term mentions; operands and values left open are no components.
    fn add(&self, problem: &Problem<'_>, term: Term, all: &mut BTreeSet<Component>) {
        let known = support(&problem.terms, term).into_iter();
        all.extend(known.filter_map(|t| self.variables.get(&t)));
        let slices = |id: RegisterId| {
            let slices = 0..problem.isa.register(id).slices.len();
            slices.map(move |slice| Component::Register(id, slice)).collect::<Vec<_>>()
        };
        let components = |array: Array| {
            let file = self.files.iter().find(|(it, _)| *it == array);
            match file {
                Some((_, id)) => slices(*id),
                None if array == self.window => vec![Component::Window],
                None if array == self.outside => vec![Component::Outside],
                None => Vec::new(),
            }
        };
        all.extend(problem.terms.arrays_below(term).into_iter().flat_map(components));
    }

    fn footprint(&self, problem: &mut Problem<'_>, run: &Run) -> Footprint {
        let transition = &run.transition;
        let completes = if problem.terms.is_false(transition.completes) {
            Completes::Never
        } else if problem.terms.is_true(transition.completes) {
            Completes::Always
        } else {
            Completes::Sometimes
        };
        let taken = transition.traps.iter().filter(|exit| !problem.terms.is_false(exit.when));
        let mut traps: Vec<TrapId> = taken.map(|exit| exit.trap).collect();
        traps.sort_unstable();
        traps.dedup();
        let mut it = Footprint {
            completes,
            traps,
            unpredictable: !problem.terms.is_false(transition.unpredictable),
            decides: BTreeSet::new(),
            visible: BTreeSet::new(),
            control: BTreeSet::new(),
            writes: BTreeSet::new(),
            mapping: BTreeSet::new(),
        };
        self.add(problem, transition.completes, &mut it.decides);
        for term in <[Term; 2]>::from(run.window) {
            self.add(problem, term, &mut it.mapping);
        }
        if completes != Completes::Never {
            self.registers(problem, run, &mut it);
            self.storage(problem, run, &mut it);
        }
        it
    }

    /// What becomes of the registers.
    fn registers(&self, problem: &mut Problem<'_>, run: &Run, it: &mut Footprint) {
        let (before, after) = (&run.entry, &run.transition.after);
        for (id, register) in problem.isa.register_ids() {
            for (i, slice) in register.slices.iter().enumerate() {
                let left: Vec<Term> = match &after.registers[id.index()] {
                    now if *now == before.registers[id.index()] => continue,
                    Register::File(_, writes) => {
                        writes.iter().flat_map(|w| [w.guard, w.index, w.value]).collect()
                    }
                    Register::Single(_) => {
                        let part = Part { register: id, low: slice.low, width: slice.width };
                        let [old, new] =
                            [before, after].map(|state| state.part(&mut problem.terms, part));
                        if old == new {
                            continue;
                        }
                        vec![new]
                    }
                };
                it.writes.insert(Component::Register(id, i));
                let all = match slice.role {
                    Role::E | Role::P => &mut it.visible,
                    Role::M | Role::R => &mut it.control,
                };
                for term in left {
                    self.add(problem, term, all);
                }
            }
        }
    }

    /// What becomes of storage.
    fn storage(&self, problem: &mut Problem<'_>, run: &Run, it: &mut Footprint) {
        let facts = &run.transition.facts;
        let (base, size) = run.window;
        for Write { guard, index, value } in run.transition.after.writes.clone() {
            let terms = &mut problem.terms;
            let guard = facts.restrict(terms, guard);
            if terms.is_false(guard) {
                continue;
            }
            let offset = terms.sub(index, base);
            // Where paths meet, only those on which the write happens have passed its check.
            let mut here = facts.clone();
            here.assume(terms, guard);
            let live = here.restrict(terms, run.transition.completes);
            here.assume(terms, live);
            let inside = terms.ult(offset, size);
            let within = here.decide(terms, inside) == Some(true);
            it.writes.insert(if within { Component::Window } else { Component::Outside });
            for term in [guard, offset, value] {
                self.add(problem, term, &mut it.visible);
            }
        }
    }
}

fn support(terms: &Terms, term: Term) -> FxHashSet<Term> {
    let mut found = FxHashSet::default();
    terms.support(term, &mut found);
    found
}
