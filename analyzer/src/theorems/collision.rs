//! Collisions: why there is no one-one map at all.
//!
//! **Statement** (after P&G section 4, the definition of a VM map). There are a guest state S and
//! unprivileged instructions i1, i2 with i1(S) ≠ i2(S), and yet i1(f(S)) = i2(f(S)) for every f of
//! the family. Both run directly, so a homomorphism f would have f(i1(S)) = i1(f(S)) = i2(f(S)) =
//! f(i2(S)), and would not be one-one. The control block does not help: it starts as the one of S,
//! and direct execution gives the monitor nothing to tell i1 from i2.
//!
//! A step refutation concerns one map; a collision concerns all of them.
//!
//! **How it is found.** S and i1 are those of a step refutation. i2 ranges over the unprivileged
//! classes, first with plain operands in the interpreter, then with operands from the solver, which
//! in the end may choose the guest's registers too; effort is bounded in deterministic units. That the images agree for *every* f is then proved over
//! symbolic k, q, monitor's storage and monitor's resources, and [`collide`] judges the concrete
//! states, without terms or solver.

use std::cell::Cell;
use std::rc::Rc;

use model::isa::{Class, Isa, Pair, Part, RegisterId, Role, Stmt, every};
use model::map::{Partition, VmMap, window};
use model::state::State as Concrete;

use crate::decide::{self, Query, Satisfiability, Shared, SolverConfig};
use crate::definitions::VirtualMode;
use crate::definitions::resource::is_resource;
use crate::definitions::statewise::{Case, Guests, case_of_f};
use crate::prove::answer::{Answer as Known, Existence};
use crate::prove::problem::{Problem, Run, cell_count};
use crate::prove::replay::play;
use crate::prove::setting::Setting;
use crate::prove::witness::{Witness, concrete};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::Evaluator;
use crate::symbolic::state::{Layout, Region, Register, State};
use crate::symbolic::term::{Term, Terms};
use crate::theorems::classify::Classification;

/// An instruction with its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    /// Its class, by index.
    pub(crate) class: usize,
    pub(crate) operands: Vec<u128>,
}

/// A collision, judged on concrete states and proved for every f.
#[derive(Debug)]
pub(crate) struct Collision {
    pub(crate) instances: [Instance; 2],
    /// The guest's virtual mode.
    pub(crate) side: VirtualMode,
    /// One f: S, f(S), i1(S), i2(S), i1(f(S)), i2(f(S)).
    pub(crate) states: [Concrete; 6],
}

/// A guest state and its image under one f.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) guest: Concrete,
    pub(crate) real: Concrete,
    /// Where the guest stands.
    pub(crate) first: u128,
}

/// Instructions i1 that are tried.
const REFUTING: usize = 4;

/// Questions put to the solver for one theorem.
const QUESTIONS: usize = 64;

/// Conflicts one query may take.
const CONFLICTS: u64 = 2_000;

/// Looks for a collision that refutes a theorem. `small` is a small step refutation, if there is
/// one, and `refuting` are the classes whose square breaks in one of `sides`.
pub(crate) fn find(
    setting: Setting<'_>,
    all: &[Classification],
    (small, refuting): (Option<(usize, VirtualMode, &Witness)>, &[usize]),
    sides: &[VirtualMode],
) -> Option<Collision> {
    // The small state comes first; a class needs no second one in the same mode.
    let mut candidates: Vec<(usize, VirtualMode, &Witness)> = small.into_iter().collect();
    for &class in refuting {
        for square in all[class].statewise.iter().filter(|s| sides.contains(&s.side)) {
            let taken = candidates.iter().any(|(c, s, _)| (*c, *s) == (class, square.side));
            if let Existence::Witnessed(witness) = &square.verdict
                && !taken
            {
                candidates.push((class, square.side, &**witness));
            }
        }
    }
    let Setting { isa, pair, .. } = setting;
    let finder = Finder {
        setting,
        isa,
        pair,
        guests: setting.guests(),
        all,
        questions: Cell::new(QUESTIONS),
    };
    let steady = candidates.into_iter().filter_map(|c| finder.steady(c));
    let mut steady = steady.take(REFUTING).take_while(|_| !decide::stopped());
    steady.find_map(|(i1, side, scene)| finder.second(&i1, side, &scene))
}

struct Finder<'i> {
    setting: Setting<'i>,
    isa: &'i Isa,
    pair: &'i Pair,
    guests: Guests,
    all: &'i [Classification],
    /// Questions that may still be put to the solver.
    questions: Cell<usize>,
}

impl Finder<'_> {
    /// The instance and its scene, unless two maps already show that what it does to the image
    /// depends on the map: then no other instruction does the same under every map.
    fn steady(
        &self,
        (class, side, witness): (usize, VirtualMode, &Witness),
    ) -> Option<(Instance, VirtualMode, Scene)> {
        let (isa, pair) = (self.isa, self.pair);
        let ([guest, real], Some(first)) = (witness.before.as_slice(), witness.first) else {
            return None;
        };
        if !isa.classes[class].body.choices.is_empty() {
            return None;
        }
        let operands: Vec<u128> = witness.operands.iter().map(|(_, v)| *v).collect();
        let i1 = Instance { class, operands };
        let scene = Scene { guest: guest.clone(), real: real.clone(), first };
        let moved = elsewhere(isa, pair, &scene);
        let seen = |scene: &Scene| {
            let after = step(isa, &i1, &scene.real)?;
            let end = scene.first + scene.guest.cells;
            let storage: Vec<_> = after.storage.range(scene.first..end).collect();
            let storage: Vec<_> = storage.into_iter().map(|(c, v)| (c - scene.first, *v)).collect();
            let visible: Vec<u128> = after
                .of_role(isa, |s| matches!(s.role, Role::E | Role::P))
                .map(|(_, _, _, value)| value)
                .collect();
            Some((visible, storage))
        };
        let (here, there) = (seen(&scene)?, moved.as_ref().map_or_else(|| seen(&scene), seen)?);
        step(isa, &i1, guest)?;
        (here == there).then_some((i1, side, scene))
    }

    /// i2 for a given i1 and S.
    fn second(&self, i1: &Instance, side: VirtualMode, scene: &Scene) -> Option<Collision> {
        let mut order = self.order(i1.class);
        let plain = |class: &usize| self.judged(i1, self.plain(i1, *class), side, scene);
        let solved = |order: &[usize], free: bool| {
            let one = |class: &usize| self.solved(i1, *class, scene, free);
            let order = order.iter().take_while(|_| !decide::stopped());
            order.filter_map(one).find_map(|(i2, scene)| self.judged(i1, i2, side, &scene))
        };
        if let Some(found) = order.iter().find_map(plain) {
            return Some(found);
        }
        // Instructions that do not jump end at their own length.
        let length = |c: usize| {
            let class = &self.isa.classes[c];
            (!jumps(self.isa, &class.body.statements)).then_some(class.length)
        };
        let fits = |c: &usize| match (length(i1.class), length(*c)) {
            (Some(a), Some(b)) => a == b,
            (None, _) | (_, None) => true,
        };
        order.retain(fits);
        solved(&order, false).or_else(|| solved(&order, true))
    }

    /// The classes i2 may come from: unprivileged, without undefined values. Those of the same
    /// instruction come first, then those that are safe to run directly.
    fn order(&self, first: usize) -> Vec<usize> {
        let (isa, all) = (self.isa, self.all);
        let name = |class: usize| isa.classes[class].name.split('[').next().unwrap_or_default();
        let mut order: Vec<usize> = (0..all.len())
            .filter(|c| all[*c].privileged == Known::No)
            .filter(|c| isa.classes[*c].body.choices.is_empty())
            .collect();
        let safe = |c: usize| all[c].commutes(self.setting.all_virtual_modes()).is_yes();
        order.sort_by_key(|c| (name(*c) != name(first), !safe(*c), *c == first));
        order
    }

    /// An instance with operands of i1 where names agree, and zeros.
    fn plain(&self, i1: &Instance, class: usize) -> Instance {
        let named = &self.isa.classes[i1.class].operands;
        let value = |o: &model::isa::Operand| {
            let same = named.iter().zip(&i1.operands).find(|(n, _)| n.name == o.name);
            o.fixed.or(same.map(|(_, v)| v & model::bits::mask(o.width))).unwrap_or(0)
        };
        let operands = self.isa.classes[class].operands.iter().map(value).collect();
        Instance { class, operands }
    }

    /// An instance whose operands the solver finds, for this one f. With `free` it also chooses the
    /// guest's own components, storage apart.
    fn solved(
        &self,
        i1: &Instance,
        class: usize,
        scene: &Scene,
        free: bool,
    ) -> Option<(Instance, Scene)> {
        let isa = self.isa;
        if !free && isa.classes[class].operands.iter().all(|o| o.fixed.is_some()) {
            return None;
        }
        self.questions.set(self.questions.get().checked_sub(1)?);
        let mut problem = Problem::new(isa, &isa.classes[class], Terms::default());
        let second = Operands { class, operands: problem.operands.clone() };
        let first = Operands::of(&mut problem.terms, isa, i1);
        let mut premises = problem.always.clone();
        problem.cells = problem.address(scene.guest.cells);
        let (w, q, k) = (problem.cells, scene.real.cells, scene.first);
        let (q, k) = (problem.address(q), problem.address(k));
        let mut guest = problem.constants(&scene.guest);
        let mut real = problem.constants(&scene.real);
        if free {
            guest = problem.vary(&guest, |_, s| s.role == Role::E);
            for (id, register) in isa.register_ids() {
                for slice in register.slices.iter().filter(|s| s.role == Role::E) {
                    if register.count.is_some() {
                        real.registers[id.index()] = guest.registers[id.index()].clone();
                    } else {
                        let part = Part { register: id, low: slice.low, width: slice.width };
                        let own = guest.part(&mut problem.terms, part);
                        real.set_part(&mut problem.terms, part, own);
                    }
                }
            }
        }
        let array = problem.array();
        let rest = problem.array();
        let facts = problem.pin(array, &scene.guest, &mut premises);
        guest.layout = Rc::new(Layout { regions: Vec::new(), rest: array, cells: w });
        let regions = vec![Region { base: k, size: w, array }];
        real.layout = Rc::new(Layout { regions, rest, cells: q });
        let images = both(&mut problem, &real, [&first, &second], &facts);
        let together = differ(&mut problem, &images);
        let together = problem.terms.not(together);
        if problem.terms.is_false(together) {
            return None;
        }
        let guests = both(&mut problem, &guest, [&first, &second], &facts);
        let complete = [&guests, &images]
            .map(|[a, b]| problem.terms.and(a.transition.completes, b.transition.completes));
        let apart = differ(&mut problem, &guests);
        let goal = problem.terms.all(complete.into_iter().chain([apart, together]));
        let mut minimise: Vec<Term> =
            second.operands.iter().copied().filter(|t| problem.terms.value(*t).is_none()).collect();
        if free {
            let own = guests[0].entry.registers.iter().filter_map(|r| match r {
                Register::Single(t) if problem.terms.value(*t).is_none() => Some(*t),
                Register::Single(_) | Register::File(..) => None,
            });
            minimise.extend(own);
        }
        let query = Query { premises, goal };
        let config = SolverConfig { conflicts: CONFLICTS, ..SolverConfig::new() };
        match decide::decide(
            config,
            &mut problem.terms,
            &query,
            Some(&minimise),
            &mut Shared::default(),
        )
        .0
        {
            Satisfiability::Sat(model) => {
                let mut evaluator = Evaluator::new(&problem.terms, &model);
                let operands = second.operands.iter().map(|t| evaluator.value(*t)).collect();
                let [guest, real] = [&guests[0], &images[0]]
                    .map(|run| concrete(isa, &mut evaluator, &model, &run.entry));
                let scene = Scene { guest, real, first: scene.first };
                Some((Instance { class, operands }, scene))
            }
            Satisfiability::Unsat | Satisfiability::Unknown(_) => None,
        }
    }

    /// The collision, if the concrete states are one and the images are proved to agree for all f.
    fn judged(
        &self,
        i1: &Instance,
        i2: Instance,
        side: VirtualMode,
        scene: &Scene,
    ) -> Option<Collision> {
        let states = collide(self.isa, self.pair, side, self.guests, scene, [i1, &i2])?;
        let every = self.guests.cases().iter().all(|case| self.agree(scene, i1, &i2, side, *case));
        every.then(|| Collision { instances: [i1.clone(), i2], side, states })
    }

    /// Proves that both complete in f(S), with equal results, for every f: every place k and every
    /// size q of the real machine, whatever the monitor's storage and resources hold.
    fn agree(
        &self,
        scene: &Scene,
        i1: &Instance,
        i2: &Instance,
        side: VirtualMode,
        case: Case,
    ) -> bool {
        let isa = self.isa;
        let (Some(data), Some(relocation), Some(bounds)) =
            (VmMap::of(isa), isa.relocation, isa.bounds)
        else {
            return false;
        };
        let mut problem = Problem::new(isa, &isa.classes[i1.class], Terms::default());
        problem.cells = problem.address(scene.guest.cells);
        let w = problem.cells;
        let q = cell_count(isa, &mut problem.terms, 1);
        let narrow_k = problem.terms.variable(relocation.width);
        let k = problem.terms.zext(narrow_k, data.width);
        let mut premises = problem.size_bounds(q);
        let end = problem.terms.add(k, w);
        let least = problem.address(isa.least_cells());
        premises.push(problem.terms.ule(end, q));
        premises.push(problem.terms.ule(least, k));
        let mut guest = problem.constants(&scene.guest);
        let array = problem.array();
        guest.layout = Rc::new(Layout { regions: Vec::new(), rest: array, cells: w });
        let (l, b) = problem.window(&guest);
        let (inside, image) = case_of_f(
            &mut problem.terms,
            &data,
            (l, b, k, w),
            narrow_k,
            case,
            (relocation, bounds),
            isa.storage.cells,
        );
        premises.extend(inside);
        problem.pin(array, &scene.guest, &mut premises);
        let real = match side {
            VirtualMode::User if self.setting.steady => guest,
            VirtualMode::Supervisor | VirtualMode::User | VirtualMode::Other => {
                problem.deprivileged(&guest, self.pair)
            }
        };
        let all = self.guests == Guests::All;
        let real = problem
            .vary(&real, |_, s| is_resource(s) || (all && s.kind == Some(model::isa::Kind::Time)));
        let real = problem.with(&real, Some(relocation), image.0);
        let mut real = problem.with(&real, Some(bounds), image.1);
        let rest = problem.array();
        let regions = vec![Region { base: k, size: w, array }];
        real.layout = Rc::new(Layout { regions, rest, cells: q });
        let mut facts = Facts::default();
        for premise in &premises {
            facts.assume(&mut problem.terms, *premise);
        }
        let [first, second] = [i1, i2].map(|i| Operands::of(&mut problem.terms, isa, i));
        let runs = both(&mut problem, &real, [&first, &second], &facts);
        premises.extend(runs.iter().flat_map(|r| &r.assumed));
        let different = differ(&mut problem, &runs);
        let stops = runs.each_ref().map(|r| problem.terms.not(r.transition.completes));
        let goal = problem.terms.any(stops.into_iter().chain([different]));
        let config = SolverConfig { conflicts: CONFLICTS, ..SolverConfig::new() };
        let query = Query { premises, goal };
        matches!(
            decide::decide(config, &mut problem.terms, &query, None, &mut Shared::default()).0,
            Satisfiability::Unsat
        )
    }
}

/// Whether statements write P.
fn jumps(isa: &Isa, statements: &[Stmt]) -> bool {
    let counter = |id: &RegisterId| isa.register(*id).slices.iter().any(|s| s.role == Role::P);
    every(statements).filter_map(Stmt::writes).any(|id| counter(&id))
}

/// A class, and its operands as terms.
struct Operands {
    class: usize,
    operands: Vec<Term>,
}

impl Operands {
    fn of(terms: &mut Terms, isa: &Isa, it: &Instance) -> Self {
        let operands = isa.classes[it.class].operands.iter().zip(&it.operands);
        let operands = operands.map(|(o, v)| terms.constant(*v, o.width)).collect();
        Self { class: it.class, operands }
    }
}

/// Two instructions on one state.
fn both(problem: &mut Problem<'_>, entry: &State, all: [&Operands; 2], facts: &Facts) -> [Run; 2] {
    let isa = problem.isa;
    let window = problem.window(entry);
    all.map(|it| {
        problem.class = &isa.classes[it.class];
        problem.operands.clone_from(&it.operands);
        problem.choices.clear();
        problem.run_with(entry.clone(), window, facts.clone())
    })
}

/// Some component, or some cell, is different after two runs from one state. Exact: cells that
/// neither writes are equal, and nothing in it is free to choose.
fn differ(problem: &mut Problem<'_>, [a, b]: &[Run; 2]) -> Term {
    let isa = problem.isa;
    let (x, y) = (&a.transition.after, &b.transition.after);
    let terms = &mut problem.terms;
    let mut all = Vec::new();
    for (id, register) in isa.register_ids() {
        match (&x.registers[id.index()], &y.registers[id.index()]) {
            (Register::Single(x), Register::Single(y)) => all.push(terms.ne(*x, *y)),
            (one, other) if one == other => {}
            _ => {
                let width = model::bits::bits_for(register.len() as u128 - 1);
                for i in 0..register.len() {
                    let index = terms.constant(i as u128, width);
                    let x = x.element(terms, isa, id, index);
                    let y = y.element(terms, isa, id, index);
                    all.push(terms.ne(x, y));
                }
            }
        }
    }
    if x.writes != y.writes {
        for write in x.writes.iter().chain(&y.writes) {
            let x = x.load(terms, &a.transition.facts, write.index);
            let y = y.load(terms, &b.transition.facts, write.index);
            all.push(terms.ne(x, y));
        }
    }
    terms.any(all)
}

/// The same guest under another f: moved by one cell, with every resource of the monitor flipped
/// that the specification's assumptions let be; `None` where storage has no room.
fn elsewhere(isa: &Isa, pair: &Pair, scene: &Scene) -> Option<Scene> {
    let map = VmMap::of(isa)?;
    let first = scene.first + 1;
    let cells = (first + scene.guest.cells).max(scene.real.cells);
    if cells > isa.storage.cells {
        return None;
    }
    let mut monitor = scene.real.clone();
    monitor.cells = cells;
    let own: Vec<_> = monitor.of_role(isa, is_resource).collect();
    let own: Vec<_> =
        own.into_iter().map(|(id, i, s, _)| (id, i as u128, s.low, s.width)).collect();
    for (id, i, low, width) in own {
        let old = monitor.element(id, i);
        monitor.set_element(id, i, old ^ model::bits::mask(width) << low);
        if !admitted(isa, &monitor) {
            monitor.set_element(id, i, old);
        }
    }
    let partition = Partition { first, cells: scene.guest.cells };
    let real = map.apply(isa, pair, partition, &scene.guest, &monitor);
    let moved = Scene { guest: scene.guest.clone(), real, first };
    admitted(isa, &moved.real).then_some(moved)
}

fn admitted(isa: &Isa, state: &Concrete) -> bool {
    isa.assumptions.iter().all(|a| model::interp::value(&a.that, state).is_true())
}

/// The state after an instruction, if it completes.
fn step(isa: &Isa, it: &Instance, state: &Concrete) -> Option<Concrete> {
    let class: &Class = &isa.classes[it.class];
    play(isa, class, &it.operands, &[], state.clone()).after(isa, false).cloned()
}

/// Judges a collision under one f, without terms or solver: f(S) is the image of S, all four steps
/// complete, the guests end differently and the images alike. Gives S, f(S), i1(S), i2(S),
/// i1(f(S)), i2(f(S)).
pub(crate) fn collide(
    isa: &Isa,
    pair: &Pair,
    side: VirtualMode,
    guests: Guests,
    scene: &Scene,
    instances: [&Instance; 2],
) -> Option<[Concrete; 6]> {
    let (guest, real) = (&scene.guest, &scene.real);
    let map = VmMap::of(isa)?;
    let partition = Partition { first: scene.first, cells: guest.cells };
    let (l, b) = window(isa, guest);
    let image = map.apply(isa, pair, partition, guest, real);
    let fits = scene.first + guest.cells <= real.cells && scene.first >= isa.least_cells();
    let proper = (guests == Guests::All || l + b <= guest.cells)
        && isa.mode.is_none_or(|part| side.admits(pair, guest.part(part)))
        && admitted(isa, guest)
        && admitted(isa, real);
    let defined = |it: &&Instance| {
        let class = &isa.classes[it.class];
        let when = class.when.as_ref();
        class.body.choices.is_empty()
            && when.is_none_or(|w| model::interp::operand_condition(w, &it.operands))
    };
    if image != *real || !fits || !proper || !instances.iter().all(defined) {
        return None;
    }
    let [s1, s2] = instances.map(|it| step(isa, it, guest));
    let [r1, r2] = instances.map(|it| step(isa, it, real));
    let (s1, s2, r1, r2) = (s1?, s2?, r1?, r2?);
    (s1 != s2 && r1 == r2).then(|| [guest.clone(), real.clone(), s1, s2, r1, r2])
}

#[cfg(test)]
mod tests {
    use model::isa::Profile;

    use super::*;

    fn load(name: &str) -> Isa {
        let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let mut sources = model::diagnostic::Sources::default();
        let path = format!("../isa-specs/{name}.yaml");
        model::load(&path, &open, &mut sources).expect("the specification loads").isa
    }

    fn instance(isa: &Isa, name: &str, operands: &[u128]) -> Instance {
        let class = isa.classes.iter().position(|c| c.name == name).expect("the class exists");
        Instance { class, operands: operands.into() }
    }

    /// A guest of 32 cells, all zero but for the mode, and its image from cell 16 on.
    fn scene(isa: &Isa, side: VirtualMode) -> Scene {
        let mut guest = Concrete::zero(isa, 32);
        let pair = &isa.pairs[0];
        let mode = if side == VirtualMode::User { pair.user.1 } else { pair.supervisor.1 };
        guest.set_part(isa.mode.expect("there are modes"), mode);
        let monitor = Concrete::zero(isa, 64);
        let map = VmMap::of(isa).expect("there is a mapping");
        let partition = Partition { first: 16, cells: 32 };
        let real = map.apply(isa, &isa.pairs[0], partition, &guest, &monitor);
        Scene { guest, real, first: 16 }
    }

    fn judge(isa: &Isa, scene: &Scene, side: VirtualMode, i1: &Instance, i2: &Instance) -> bool {
        collide(isa, &isa.pairs[0], side, Guests::Paper, scene, [i1, i2]).is_some()
    }

    #[test]
    fn the_judge_takes_a_collision_and_nothing_else() {
        let isa = load("g3-jrst1");
        let side = VirtualMode::Supervisor;
        let it = scene(&isa, side);
        let jrst1 = instance(&isa, "jrst1", &[0]);
        let jmp = instance(&isa, "jmp", &[0]);
        assert!(judge(&isa, &it, side, &jrst1, &jmp));
        // The images end at different places.
        assert!(!judge(&isa, &it, side, &jrst1, &instance(&isa, "jmp", &[1])));
        // The guests end in the same state.
        assert!(!judge(&isa, &it, side, &jmp, &instance(&isa, "jr", &[0])));
        // A step that traps is none of its kind.
        assert!(!judge(&isa, &it, side, &jrst1, &instance(&isa, "svc", &[0])));
        // Not the image, not the mode, not a place for a guest.
        let mut other = it.clone();
        other.real.set_part(isa.relocation.expect("there is relocation"), 17);
        assert!(!judge(&isa, &other, side, &jrst1, &jmp));
        assert!(!judge(&isa, &it, VirtualMode::User, &jrst1, &jmp));
        let user = scene(&isa, VirtualMode::User);
        assert!(!judge(&isa, &user, VirtualMode::User, &jrst1, &jmp));
        let mut short = it;
        short.real.cells = 40;
        assert!(!judge(&isa, &short, side, &jrst1, &jmp));
    }

    #[test]
    fn equal_images_under_one_map_are_no_collision() {
        let isa = load("g3-lra");
        let side = VirtualMode::User;
        let it = scene(&isa, side);
        // LRA stores l + k, and here k is 16.
        let (lra, li) = (instance(&isa, "lra", &[0, 0]), instance(&isa, "li", &[0, 16]));
        assert!(judge(&isa, &it, side, &lra, &li));
        let pair = &isa.pairs[0];
        let finder = Finder {
            setting: Setting::new(&isa, pair, Profile::Refined),
            isa: &isa,
            pair,
            guests: Guests::Paper,
            all: &[],
            questions: Cell::new(0),
        };
        assert!(finder.judged(&lra, li, side, &it).is_none());
    }

    #[test]
    fn a_collision_is_proved_for_every_map() {
        let isa = load("g3-jrst1");
        let side = VirtualMode::Supervisor;
        let it = scene(&isa, side);
        let (jrst1, jmp) = (instance(&isa, "jrst1", &[0]), instance(&isa, "jmp", &[0]));
        let pair = &isa.pairs[0];
        for guests in [Guests::Paper, Guests::All] {
            let finder = Finder {
                setting: Setting::new(&isa, pair, Profile::Refined),
                isa: &isa,
                pair,
                guests,
                all: &[],
                questions: Cell::new(0),
            };
            assert!(finder.judged(&jrst1, jmp.clone(), side, &it).is_some(), "{guests:?}");
        }
    }
}
