//! The place that a trap leads to: M, P, the window, and the first instruction of the handler there.

use std::rc::Rc;

use model::isa::{Expr, Isa, Part, Role, TrapId};
use rustc_hash::FxHashSet;

use super::super::sequence::{behind, depends_only_on, monitors_own};
use crate::prove::problem::{Problem, cell_count};
use crate::prove::setting::Setting;
use crate::symbolic::execute::{Fetched, fetched, value};
use crate::symbolic::facts::Facts;
use crate::symbolic::follows::follows;
use crate::symbolic::state::{Layout, Region, State};
use crate::symbolic::term::{Array, Node, Term, Terms};
use crate::theorems::assumptions::names_guests;

/// What is asked of the first instruction of the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    /// Nothing: the place alone is asked about.
    Unasked,
    /// It can be fetched, wherever it stands.
    Anywhere,
    /// It can be fetched, and stands where all that is fetched is the monitor's, if there is such a place.
    Own,
}

/// The real machine before a trap: the monitor's storage below k, guests above.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) k: Term,
    pub(super) q: Term,
    pub(super) monitors: Array,
    pub(super) premises: Vec<Term>,
    pub(super) handler: Handler,
}

impl Scene {
    pub(super) fn new(problem: &mut Problem<'_>, handler: Handler) -> Self {
        let isa = problem.isa;
        let width = isa.address_width();
        let q = problem.cells;
        let k = cell_count(isa, &mut problem.terms, 2);
        let least = problem.terms.constant(isa.least_cells(), width);
        let mut premises = problem.always.clone();
        premises.push(problem.terms.ule(least, k));
        premises.push(problem.terms.ult(k, q));
        Self { k, q, monitors: problem.array(), premises, handler }
    }

    /// The state with its storage laid out; what guests have there is arbitrary.
    pub(super) fn place(&self, problem: &mut Problem<'_>, mut state: State) -> State {
        let size = problem.terms.sub(self.q, self.k);
        let region = Region { base: self.k, size, array: problem.array() };
        state.layout =
            Rc::new(Layout { regions: vec![region], rest: self.monitors, cells: self.q });
        state
    }

    /// A cell is the monitor's: below k, and in no guest's region.
    fn below(&self, terms: &mut Terms, cell: Term) -> [Term; 2] {
        let below = terms.ult(cell, self.k);
        let (index, size) = (terms.sub(cell, self.k), terms.sub(self.q, self.k));
        let inside = terms.ult(index, size);
        [below, terms.not(inside)]
    }

    fn facts(&self, problem: &mut Problem<'_>) -> Facts {
        let mut facts = Facts::default();
        for premise in &self.premises {
            facts.assume(&mut problem.terms, *premise);
        }
        facts
    }
}

/// Where a trap leads.
pub(super) struct Entry {
    mode: Term,
    pub(super) counter: Vec<Term>,
    window: (Term, Term),
    /// The first instruction there, by length.
    fetched: Vec<Fetched>,
    after: State,
    /// The sequence is unpredictable, or the machine has halted.
    pub(super) strange: Term,
}

impl Entry {
    /// Behind the sequence of a trap. `apart` takes what the monitor sees to, where the sequence loads
    /// and stores through the monitor's own components. Where it is compared with another place, the same
    /// instruction is asked for there: fetching is told apart only behind one and the same place.
    pub(super) fn of(
        problem: &mut Problem<'_>,
        scene: &Scene,
        (trap, argument): (TrapId, Option<Term>),
        state: &State,
        like: Option<&Self>,
        apart: &mut Vec<Term>,
    ) -> Self {
        let mut facts = scene.facts(problem);
        let (mut after, mut strange) = behind(problem, trap, argument, state.clone(), &facts);
        let mut own = monitors_own(problem, state);
        own.extend(argument);
        let roots = Self::read(problem, &after, strange).roots();
        let loads = loads(&problem.terms, roots, scene.monitors);
        let terms = &mut problem.terms;
        let mut places = Vec::new();
        let owned = |terms: &Terms, index: Term| {
            terms.value(index).is_none() && depends_only_on(terms, index, &own)
        };
        for &load in &loads {
            // Those of the trap's own cells lie there anyway: to say so saves work.
            let fixed = terms.value(load).is_some_and(|cell| cell < problem.isa.least_cells());
            if fixed || owned(terms, load) {
                places.extend(scene.below(terms, load));
            }
        }
        for store in after.writes.iter().map(|w| w.index) {
            if owned(terms, store) {
                places.extend(scene.below(terms, store));
                places.extend(loads.iter().map(|load| terms.ne(store, *load)));
            }
        }
        if !places.is_empty() {
            for place in &places {
                facts.assume(terms, *place);
            }
            apart.append(&mut places);
            (after, strange) = behind(problem, trap, argument, state.clone(), &facts);
        }
        let mut entry = Self::read(problem, &after, strange);
        if scene.handler == Handler::Unasked {
            return entry;
        }
        if let Some(other) = like {
            entry.stand_at(problem, other);
        }
        entry.fetch(problem, &facts);
        let terms = &mut problem.terms;
        for cells in [scene.k, scene.q] {
            terms.support(cells, &mut own);
        }
        let fetched = entry.fetched.iter().flat_map(|it| it.word.into_iter().chain([it.completes]));
        let fetched: Vec<Term> = fetched.collect();
        let follow = |terms: &mut Terms, root: &Term| {
            follows(terms, *root, &own, &|array| array == scene.monitors)
        };
        let mut handler: Vec<Term> = fetched.iter().map(|root| follow(terms, root)).collect();
        if scene.handler == Handler::Anywhere || handler.iter().any(|place| terms.is_false(*place))
        {
            return entry;
        }
        // Cells that the monitor's own names are below k, and the sequence stores nothing of the guest's there.
        let no = terms.bool(false);
        for cell in self::loads(terms, fetched, scene.monitors) {
            if terms.value(cell).is_some() || follow(terms, &cell) == no {
                continue;
            }
            handler.extend(scene.below(terms, cell));
            for write in &entry.after.writes {
                if follow(terms, &write.index) != no {
                    let (apart, own) = (terms.ne(write.index, cell), follow(terms, &write.value));
                    handler.push(terms.or(apart, own));
                }
            }
        }
        for place in &handler {
            facts.assume(terms, *place);
        }
        apart.extend(handler);
        entry.fetch(problem, &facts);
        entry
    }

    /// Fetches from the place of another: where the two differ, that is told by itself.
    fn stand_at(&mut self, problem: &mut Problem<'_>, other: &Self) {
        let isa = problem.isa;
        let mapping = [isa.relocation, isa.bounds].into_iter().flatten();
        let mapping = mapping.filter(|_| isa.window.is_none());
        for part in counters(isa).into_iter().chain(isa.mode).chain(mapping) {
            let value = other.after.part(&mut problem.terms, part);
            self.after.set_part(&mut problem.terms, part, value);
        }
    }

    /// What the place depends on.
    fn roots(&self) -> Vec<Term> {
        let others = [self.mode, self.window.0, self.window.1, self.strange];
        self.counter.iter().copied().chain(others).collect()
    }

    fn read(problem: &mut Problem<'_>, after: &State, strange: Term) -> Self {
        let isa = problem.isa;
        let counter = counters(isa).into_iter();
        let counter = counter.map(|part| after.part(&mut problem.terms, part)).collect();
        let mode = match isa.mode {
            Some(part) => after.part(&mut problem.terms, part),
            None => problem.terms.bool(false),
        };
        let window = problem.window(after);
        let mut strange = strange;
        if let Some(halted) = halted(isa) {
            let halted = value(isa, &mut problem.terms, halted, after, &[]);
            strange = problem.terms.or(strange, halted);
        }
        Self { mode, counter, window, fetched: Vec::new(), after: after.clone(), strange }
    }

    /// Fetches the first instruction of the handler.
    fn fetch(&mut self, problem: &mut Problem<'_>, facts: &Facts) {
        let fetch = |how| fetched(problem.isa, &mut problem.terms, how, &self.after, facts);
        self.fetched = problem.isa.all_fetches.iter().map(fetch).collect();
    }

    pub(super) fn differs(&self, terms: &mut Terms, other: &Self) -> Term {
        let mut wrong = vec![
            terms.ne(self.mode, other.mode),
            terms.ne(self.window.0, other.window.0),
            terms.ne(self.window.1, other.window.1),
            self.strange,
            other.strange,
        ];
        wrong.extend(self.counter.iter().zip(&other.counter).map(|(x, y)| terms.ne(*x, *y)));
        for (x, y) in self.fetched.iter().zip(&other.fetched) {
            wrong.extend([terms.ne(x.completes, y.completes), x.strange, y.strange]);
            if let (Some(word), Some(other)) = (x.word, y.word) {
                let differs = terms.ne(word, other);
                wrong.push(terms.and(x.completes, differs));
            }
        }
        terms.any(wrong)
    }

    /// It is in the supervisor mode, and something can be fetched there.
    pub(super) fn enters(&self, terms: &mut Terms, setting: Setting<'_>, q: Term) -> Term {
        let supervisor = terms.constant(setting.pair.supervisor.1, terms.width(self.mode));
        let zero = terms.constant(0, terms.width(self.window.1));
        let all = [
            terms.eq(self.mode, supervisor),
            terms.ne(self.window.1, zero),
            terms.ult(self.window.0, q),
            terms.not(self.strange),
        ];
        // An instruction of the shortest length.
        let fetched = self.fetched.first().map(|first| first.completes);
        terms.all(all.into_iter().chain(fetched))
    }
}

/// The condition that the machine has halted, where it is one of the monitor's components.
pub(super) fn halted(isa: &Isa) -> Option<&Expr> {
    isa.halted.as_ref().filter(|halted| !names_guests(isa, halted))
}

/// The parts of P.
pub(super) fn counters(isa: &Isa) -> Vec<Part> {
    let registers = isa.register_ids().filter(|(_, register)| register.count.is_none());
    let slices = registers.flat_map(|(id, it)| it.slices.iter().map(move |slice| (id, slice)));
    let counter = slices.filter(|(_, slice)| slice.role == Role::P);
    counter.map(|(id, s)| Part { register: id, low: s.low, width: s.width }).collect()
}

/// The cells of an array that occur in terms.
fn loads(terms: &Terms, mut open: Vec<Term>, array: Array) -> Vec<Term> {
    let mut seen = FxHashSet::default();
    let mut all = Vec::new();
    while let Some(t) = open.pop() {
        if seen.insert(t) {
            if let Node::Select(of, index) = terms.node(t)
                && *of == array
            {
                all.push(*index);
            }
            open.extend(terms.children(t));
        }
    }
    all
}
