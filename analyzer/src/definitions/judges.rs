//! The judges of witnesses against the formulas: of states that satisfy the premises a judge says what
//! the formula says, and a witness that was damaged is none.
//!
//! The machines are so narrow that whatever a formula lets vary beside the states can be tried out.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use model::bits::mask;
use model::diagnostic::Sources;
use model::isa::{Class, Isa, Kind, Pair, Profile, Role, Slice, TrapId};
use model::map::{Partition, VmMap, window};
use model::state::State;

use super::dispatch::Way;
use super::launch::Launching;
use super::privileged::Part;
use super::resource::is_resource;
use super::resume::Aim;
use super::save::of_role;
use super::sequence::{self, Stores};
use super::statewise::{Case, Guests};
use super::{
    DEFINITIONS, Obligation, VirtualMode, allocator, assumption, dispatch, fetch, fixed, launch,
    privileged, resume, statewise,
};
use crate::decide::{self, By, Query, Satisfiability, Shared, SolverConfig};
use crate::prove::answer::Existence;
use crate::prove::context::{Context, Tally};
use crate::prove::problem::Problem;
use crate::prove::question::{Backend, DecisionProcedure, Question, Session};
use crate::prove::replay::Replay;
use crate::prove::setting::Setting;
use crate::prove::witness::{self, Witness};
use crate::sat::tests::Random;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::state::Register;
use crate::symbolic::term::{Node, Term, Terms};
use crate::theorems::entries;
use crate::theorems::squares;

/// States tried for each answer to each question.
const SAMPLES: usize = 2;

/// Answers like the decision procedure, and compares judge and formula at every question.
struct Comparing {
    solving: DecisionProcedure,
    random: Mutex<Random>,
    /// States that satisfied a formula, states that did not, and damaged witnesses.
    tried: [AtomicUsize; 3],
}

impl Backend for Comparing {
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
        let (setting, class) = (session.setting, session.problem.class);
        let Setting { isa, pair, .. } = setting;
        let place = format!("{}, {}, {}", isa.name, class.name, question.name);
        let (mut problem, obligation) = question.put(setting, class, Terms::default());
        for holds in [true, false].repeat(SAMPLES) {
            let Some(model) = self.sample(&mut problem, &obligation.query, holds) else { continue };
            let (replay, _) = witness::read(&problem, setting, &obligation, &model);
            let formula = holds || some_choice(&problem, &obligation, &model);
            self.tried[usize::from(!formula)].fetch_add(1, Relaxed);
            let judged = (question.shows)(&replay);
            assert_eq!(judged, formula, "{place}: judge, then formula, of {}", states(&replay));
        }
        let (verdict, by) = self.solving.discharge(session, question);
        if let Existence::Witnessed(witness) = &verdict {
            for (damage, damaged) in damages(isa, pair, &question.name, witness) {
                self.tried[2].fetch_add(1, Relaxed);
                let replay = damaged.replay(setting, class);
                let shown = (question.shows)(&replay);
                assert!(!shown, "{place}: with {damage} still shown by {}", states(&replay));
            }
        }
        (verdict, by)
    }

    fn small(&self, _: &mut Session<'_>, _: &Question<'_>) -> Option<Existence> {
        None
    }
}

fn states(replay: &Replay<'_>) -> String {
    let before: Vec<&State> = replay.sides.iter().map(|s| &s.before).collect();
    format!("{before:?}, first {}", replay.first)
}

impl Comparing {
    /// A model of the premises in which the goal is true or false, with bits of variables chosen at
    /// random as far as possible.
    fn sample(&self, problem: &mut Problem<'_>, query: &Query, holds: bool) -> Option<Model> {
        let terms = &mut problem.terms;
        let goal = if holds { query.goal } else { terms.not(query.goal) };
        let variables = variables(terms, (0..terms.len() as u32).map(Term));
        let mut random = self.random.lock().expect("no test panics while it draws");
        let mut chosen = Vec::new();
        for _ in 0..variables.len() {
            let variable = variables[random.below(variables.len())];
            let bit = random.below(terms.width(variable) as usize) as u32;
            let bit = terms.extract(variable, bit, 1);
            chosen.push(if random.below(2) == 0 { bit } else { terms.not(bit) });
        }
        loop {
            let premises = query.premises.iter().chain(&chosen).copied().collect();
            let asked = Query { premises, goal };
            match decide::decide(SolverConfig::new(), terms, &asked, None, &mut Shared::default()).0
            {
                Satisfiability::Sat(model) => return Some(model),
                Satisfiability::Unsat | Satisfiability::Unknown(_) if chosen.is_empty() => {
                    return None;
                }
                Satisfiability::Unsat | Satisfiability::Unknown(_) => {
                    chosen.truncate(chosen.len() / 2);
                }
            }
        }
    }
}

/// The variables that terms depend on, in order of creation.
fn variables(terms: &Terms, roots: impl IntoIterator<Item = Term>) -> Vec<Term> {
    let mut open: Vec<Term> = roots.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(t) = open.pop() {
        if seen.insert(t) {
            open.extend(terms.children(t));
        }
    }
    seen.into_iter().filter(|t| matches!(terms.node(*t), Node::Variable(_))).collect()
}

/// Whether the formula holds of the states of a model, for some values of what is no part of them.
fn some_choice(problem: &Problem<'_>, obligation: &Obligation, model: &Model) -> bool {
    let terms = &problem.terms;
    let mut parts: Vec<Term> = problem.operands.iter().chain(&problem.choices).copied().collect();
    parts.extend(obligation.first);
    for run in &obligation.runs {
        let (entry, layout) = (&run.entry, &run.entry.layout);
        parts.push(layout.cells);
        parts.extend(layout.regions.iter().flat_map(|r| [r.base, r.size]));
        for register in &entry.registers {
            match register {
                Register::Single(t) => parts.push(*t),
                Register::File(_, writes) => {
                    parts.extend(writes.iter().flat_map(|w| [w.guard, w.index, w.value]));
                }
            }
        }
    }
    let fixed = variables(terms, parts);
    let roots: Vec<Term> =
        obligation.query.premises.iter().copied().chain([obligation.query.goal]).collect();
    let mut free = variables(terms, roots.iter().copied());
    free.retain(|t| !fixed.contains(t));
    let bits: u32 = free.iter().map(|t| terms.width(*t)).sum();
    assert!(bits <= 16, "the machine is too wide to try everything");
    (0..1u128 << bits).any(|mut choice| {
        let mut model = model.clone();
        for t in &free {
            let width = terms.width(*t);
            model.variables.insert(*t, choice & mask(width));
            choice >>= width;
        }
        let mut evaluator = Evaluator::new(terms, &model);
        roots.iter().all(|t| evaluator.value(*t) == 1)
    })
}

/// Whether a slice of the second state may be another without ado; `None` if the property is of
/// one state.
fn may_differ(property: &str, slice: &Slice) -> Option<bool> {
    Some(match property {
        "privileged" | "mode-sensitive" | "trap-masked" => false,
        "location-sensitive" | "behaviour-sensitive" => slice.kind == Some(Kind::Relocation),
        "resource-sensitive" => is_resource(slice),
        "extent-sensitive" => slice.kind == Some(Kind::Bounds),
        "time-sensitive" => slice.kind == Some(Kind::Time),
        "trap-visible" => slice.role == Role::E,
        "statewise" | "dispatch" | "dispatch-recover" | "dispatch-reflect" | "allocator" => {
            slice.role == Role::R && !matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds))
        }
        "partition" => slice.role != Role::M,
        "saved" | "counter" | "mapping" | "registers" => {
            matches!(slice.role, Role::E | Role::P)
                || matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds | Kind::Time))
        }
        _ => return None,
    })
}

/// The witness, made worse in every way that leaves nothing of it.
fn damages(isa: &Isa, pair: &Pair, name: &str, witness: &Witness) -> Vec<(String, Witness)> {
    let words: Vec<&str> = name.split('/').collect();
    let property = if words[0] == "sequence" { words[2] } else { words[0] };
    let mut all = Vec::new();
    let mut damaged = |what: String, change: &dyn Fn(&mut Witness)| {
        let mut witness = witness.clone();
        change(&mut witness);
        all.push((what, witness));
    };
    let flip = |state: &mut State, cell: u128| state.store(cell, state.load(cell) ^ 1);
    let wrong_mode = |state: &mut State| {
        let mode = isa.mode.expect("the machine has modes");
        state.set_part(mode, !state.part(mode) & mask(mode.width));
    };
    if property == "control-sensitive" {
        damaged("another mode".into(), &|w| wrong_mode(&mut w.before[0]));
    }
    for (id, register) in isa.register_ids() {
        for slice in register.slices.iter().filter(|s| may_differ(property, s) == Some(false)) {
            for i in 0..register.len() {
                damaged(format!("another {}[{i}]", register.name), &|w| {
                    let value = w.before[1].element(id, i.into()) ^ 1 << slice.low;
                    w.before[1].set_element(id, i.into(), value);
                });
            }
        }
    }
    let [a, b] = witness.before.as_slice() else { return all };
    let first = witness.first.unwrap_or(0);
    match property {
        "privileged" | "mode-sensitive" | "behaviour-sensitive" | "trap-masked" => {
            damaged("the sides exchanged".into(), &|w| w.before.reverse());
            damaged("two user modes".into(), &|w| w.before[0] = b.clone());
            if let ("behaviour-sensitive", Some(part)) = (property, isa.relocation) {
                damaged("the same place".into(), &|w| w.before[1].set_part(part, a.part(part)));
            }
        }
        "partition" => {
            damaged("the monitor's cells".into(), &|w| w.first = Some(0));
            damaged("too little room".into(), &|w| w.before[1].cells = first + a.cells - 1);
        }
        "argument" => damaged("another mode".into(), &|w| wrong_mode(&mut w.before[0])),
        "saved" => {
            damaged("other modes".into(), &|w| w.before.iter_mut().for_each(wrong_mode));
            damaged("another size".into(), &|w| w.before[1].cells += 1);
            damaged("another cell".into(), &|w| flip(&mut w.before[1], 0));
            // No sequence here loses P.
            for (id, i, slice, bits) in a.of_role(isa, |s| s.role == Role::P) {
                damaged("another P".into(), &|w| {
                    let value = (bits ^ 1) << slice.low;
                    w.before[1].set_element(id, i as u128, value);
                });
            }
        }
        _ => {}
    }
    if ["privileged", "trap-masked"].contains(&property) {
        damaged("another cell".into(), &|w| flip(&mut w.before[1], 0));
    }
    let (own, other) = (window(isa, a), window(isa, b));
    let visible = |state: &State, (base, size): (u128, u128)| size > 0 && base < state.cells;
    let two_windows = ["behaviour", "location", "resource", "extent", "time"];
    if two_windows.iter().any(|p| property == format!("{p}-sensitive"))
        && visible(a, own)
        && visible(b, other)
        && own != other
    {
        damaged("another cell of the window".into(), &|w| flip(&mut w.before[1], other.0));
    }
    let placed = ["statewise", "dispatch", "dispatch-recover", "dispatch-reflect", "allocator"];
    if let (true, Some(map)) = (placed.contains(&property), VmMap::of(isa)) {
        let mapping = |first| map.mapping(own, Partition { first, cells: a.cells });
        if mapping(first) != mapping(first + 1) {
            damaged("a later place".into(), &|w| w.first = Some(first + 1));
        }
        damaged("too little room".into(), &|w| w.before[1].cells = first + a.cells - 1);
        let both_modes = |w: &mut Witness| wrong_mode(&mut w.before[0]);
        damaged("another virtual mode".into(), &both_modes);
        if words[1] != "unrelocated" {
            damaged("another cell of the partition".into(), &|w| flip(&mut w.before[1], first));
        }
        let mut guest = a.clone();
        let bounds = isa.bounds.expect("the machine has a mapping");
        guest.set_part(bounds, mask(bounds.width));
        let (l, size) = window(isa, &guest);
        if words[1] != "all" && l + size > guest.cells {
            let partition = Partition { first, cells: guest.cells };
            let real = map.apply(isa, pair, partition, &guest, b);
            damaged("a window too large".into(), &|w| w.before = vec![guest.clone(), real.clone()]);
        }
    }
    all
}

fn load(name: &str) -> Isa {
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let path = format!("../proptests/small/{name}.yaml");
    model::load(&path, &open, &mut Sources::default()).expect("the specification loads").isa
}

type Ask<'q> = dyn Fn(&mut Problem<'_>) -> Obligation + 'q;
type Shows<'q> = dyn Fn(&Replay<'_>) -> bool + 'q;

/// A machine given as text.
fn written(text: &str) -> Isa {
    let open = |_: &str| Ok(text.to_owned());
    let loaded = model::load("written.yaml", &open, &mut Sources::default());
    loaded.map_err(|e| format!("{e:#?}")).expect("the specification loads").isa
}

/// Puts every question about a class, and those about the map, in every case.
fn ask_all(setting: Setting<'_>, class: &Class, backend: &dyn Backend) {
    let Setting { isa, profile, .. } = setting;
    let mut session = Session::new(setting, class);
    let mut ask = |name: String, ask: &Ask<'_>, shows: &Shows<'_>| {
        backend.discharge(&mut session, &Question { name, ask, shows });
    };
    for part in [Part::Against, Part::Premise, Part::Completing] {
        ask(part.name().into(), &|problem| privileged::ask(problem, setting, part), &|replay| {
            privileged::shown_by(replay, part)
        });
    }
    // Launching, with some bit of the monitor's own kept.
    let own = isa.register_ids().filter(|(_, r)| r.count.is_none()).find_map(|(id, register)| {
        let slice = register.slices.iter().find(|s| is_resource(s))?;
        Some((model::isa::Part { register: id, low: slice.low, width: 1 }, 1))
    });
    let components = [of_role(isa, Role::E), of_role(isa, Role::P)].concat();
    let aims = components.into_iter().flat_map(|component| {
        let bit = |value| Aim { component: component.clone(), mask: 1, value };
        [bit(0), bit(1)]
    });
    let aims: Vec<Aim> = aims.collect();
    for kept in own.iter().map(std::slice::from_ref).chain([&[][..]]) {
        let launching = Launching { kept, image: true, placed: true, leaves: true };
        ask(
            "launch".into(),
            &|problem| launch::ask_launch(problem, setting, launching),
            &|replay| launch::launch_shown_by(replay, launching),
        );
        for aim in &aims {
            let aims = std::slice::from_ref(aim);
            ask(
                "resume".into(),
                &|problem| resume::ask(problem, setting, launching, aims),
                &|replay| resume::shown_by(replay, launching, aims),
            );
        }
    }
    for aim in &aims {
        for side in VirtualMode::PAIR {
            ask(
                "given".into(),
                &|problem| resume::ask_given(problem, setting, side, std::slice::from_ref(aim)),
                &|replay| resume::given_shown_by(replay, side, std::slice::from_ref(aim)),
            );
        }
    }
    for place in launch::mapping(isa) {
        ask("moves".into(), &|problem| launch::ask_map(problem, setting, place), &|replay| {
            launch::map_shown_by(replay, place)
        });
    }
    if let Some(kept) = own {
        let next = model::isa::Part { low: kept.0.low + 1, ..kept.0 };
        let fits = next.low < isa.register(next.register).width;
        let next = [(next, 0)];
        for held in [&[][..], if fits { &next } else { &[] }] {
            ask(
                "sets".into(),
                &|problem| launch::ask_set(problem, setting, kept, held, None),
                &|replay| launch::set_shown_by(replay, kept, held, None),
            );
        }
        for trap in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
            for had in [true, false] {
                ask(
                    "keeps".into(),
                    &|problem| launch::ask_trap(problem, setting, kept, trap, had),
                    &|replay| launch::trap_shown_by(replay, kept, trap, had),
                );
            }
            ask(
                "sets".into(),
                &|problem| launch::ask_set(problem, setting, kept, &[], Some(trap)),
                &|replay| launch::set_shown_by(replay, kept, &[], Some(trap)),
            );
            ask(
                "given".into(),
                &|problem| resume::ask_given_by_trap(problem, trap, &aims),
                &|replay| resume::given_by_trap_shown_by(replay, trap, &aims),
            );
        }
    }
    // Whether a component is fixed, while it alone is, or all that may be.
    let all_fixed = fixed::candidates(isa);
    for one in &all_fixed {
        for held in [std::slice::from_ref(one), &all_fixed] {
            ask("fixed".into(), &|problem| fixed::ask_step(problem, *one, held), &|replay| {
                fixed::step_shown_by(replay, *one, held)
            });
            for trap in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
                ask(
                    "fixed".into(),
                    &|problem| fixed::ask_trap(problem, *one, held, trap),
                    &|replay| fixed::trap_shown_by(replay, *one, held, trap),
                );
            }
        }
    }
    ask("enters".into(), &|problem| launch::ask_enter(problem, setting), &launch::enter_shown_by);
    let guests = [setting.guests(), Guests::Unrelocated];
    let cases = guests.into_iter().flat_map(|g| g.cases().iter().map(move |case| (g, *case)));
    let cases: Vec<(Guests, Case)> = cases.collect();
    for &side in setting.all_virtual_modes() {
        let asked = |d: &&super::Definition| {
            (d.applies)(profile)
                && (d.modes.contains(&side) || (d.modes.is_empty() && side == VirtualMode::User))
        };
        for definition in DEFINITIONS.iter().filter(asked) {
            ask(
                format!("{}/{}", definition.property.word(), side.word()),
                &|problem| (definition.ask)(problem, setting, side),
                &|replay| (definition.shown_by)(replay, side),
            );
        }
        for index in 0..isa.assumptions.len() {
            ask(
                format!("assumption/{index}/{}", side.word()),
                &|problem| assumption::ask_step(problem, setting, side, index),
                &|replay| assumption::step_shown_by(replay, side, index),
            );
            for trap in (0..isa.traps.len()).map(|i| TrapId(i as u32)) {
                ask(
                    format!("assumption/{index}/trap/{}", side.word()),
                    &|problem| assumption::ask_trap(problem, setting, side, index, trap),
                    &|replay| assumption::trap_shown_by(replay, side, index, trap),
                );
            }
        }
        for &(guests, case) in &cases {
            let name = |of: &str| format!("{of}/{}/{}/{}", guests.word(), side.word(), case.word());
            ask(
                name("statewise"),
                &|problem| statewise::ask(problem, setting, side, guests, case),
                &|replay| statewise::refuted_by(replay, side, guests),
            );
            if guests == Guests::Unrelocated {
                continue;
            }
            ask(
                name("allocator"),
                &|problem| allocator::ask(problem, setting, side, guests, case),
                &|replay| allocator::shown_by(replay, side, guests),
            );
            for way in [Way::Either, Way::Recover, Way::Reflect] {
                ask(
                    name(way.name()),
                    &|problem| dispatch::ask(problem, setting, side, guests, case, way),
                    &|replay| dispatch::shown_by(replay, side, guests, way),
                );
            }
            for how in &isa.all_fetches {
                ask(
                    name("fetch"),
                    &|problem| fetch::ask(problem, setting, side, guests, case, how),
                    &|replay| fetch::shown_by(replay, side, guests, how),
                );
            }
        }
    }
}

/// Puts every question about some classes of a machine, and those about its traps and its map.
fn compare(isa: &Isa, profile: Profile, chosen: &dyn Fn(&Class) -> bool) {
    let name = &isa.name;
    let setting = Setting::new(isa, &isa.pairs[0], profile);
    let comparing = Comparing {
        solving: DecisionProcedure { config: SolverConfig::new() },
        random: Mutex::new(Random(0)),
        tried: Default::default(),
    };
    for class in isa.classes.iter().filter(|c| chosen(c)) {
        ask_all(setting, class, &comparing);
    }
    let context = Context { setting, backend: &comparing, tally: &Tally::default() };
    squares::sequences(context);
    entries::judge(context);
    let tried = comparing.tried.map(AtomicUsize::into_inner);
    assert!(tried.iter().all(|n| *n > 0), "{name} in {profile:?}: only {tried:?} were tried");
}

/// Between them, all that the profiles ask.
const PROFILES: [Profile; 2] = [Profile::Literal, Profile::Extended];

#[test]
fn judges_and_formulas_agree_on_the_narrow_machine() {
    for profile in PROFILES {
        compare(&load("g3-small"), profile, &|_| true);
    }
}

#[test]
fn judges_and_formulas_agree_on_what_breaks_it() {
    for name in ["jrst1", "popf", "smode", "lra", "shrink", "stb"] {
        for profile in PROFILES {
            compare(&load(&format!("g3-small-{name}")), profile, &|class| class.name == name);
        }
    }
}

#[test]
fn judges_and_formulas_agree_on_where_guests_stand_and_what_traps_show() {
    for name in ["placement", "reservation"] {
        for profile in PROFILES {
            compare(&load(name), profile, &|_| true);
        }
    }
}

#[test]
fn judges_and_formulas_agree_on_known_troubles() {
    for name in [
        "trap-visible",
        "no-clock",
        "narrow-mapping",
        "clock-writes",
        "sum",
        "wrapping",
        "bypassed",
    ] {
        for profile in PROFILES {
            compare(&load(&format!("known-{name}")), profile, &|_| true);
        }
    }
}

/// What monitors stumble over, as narrow as can be: a clock and a flag in one register, files of
/// resources, traps with arguments, commits, instructions of two lengths.
const TROUBLED: &str = r#"
pgisa: 1
isa: troubled
title: A narrow machine with what monitors stumble over
state:
  mem: {role: E, width: 2, cells: 4}
  r: {role: E, width: 2, count: 2}
  psr:
    role: E
    width: 2
    fields: {tick: {bits: 0, role: R, kind: time}, flag: 1}
  mode: {role: M, width: 1, values: {supervisor: 0, user: 1}}
  pc: {role: P, width: 1}
  base: {role: R, kind: relocation, width: 2}
  bound: {role: R, kind: bounds, width: 2}
  dev: {role: R, kind: device, width: 1}
  keys: {role: R, kind: resource, width: 1, count: 2}
  stack: {role: R, kind: resource, width: 1}
assume:
  kept: {that: "mode == supervisor || dev == 0", why: a monitor sees to it}
machine:
  modes: [{supervisor: supervisor, user: user, deprivilege: "dev = 0;"}]
  address-width: 3
  address: |
    require a +^ size <= zext(bound, 4) && zext(base, 3) +^ a +^ size <= cells(mem) else trap(memory);
    return phys[zext(base, 3) +^ a];
  traps:
    memory: {kind: memory, saves: this, code: 0}
    privileged: {kind: privilege, saves: this, code: 1}
    svc: {kind: program, saves: next, code: 2}
    odd: {kind: program, saves: next, code: 3}
  trap-argument: 1
  on-trap: |
    if code == 3 { r[1] = zext(arg, 2); }
    phys[0] = mode :: pc;
    psr.flag = 0;
    mode = supervisor;
  trap-cells: {old: "0..1"}
instructions:
  move: {semantics: "r[0] = r[1];"}
  load: {semantics: "r[0] = mem[zext(r[1], 3)];"}
  store: {semantics: "mem[zext(r[1], 3)] = r[0];"}
  store-zero: {semantics: "mem[0u3] = ~mem[0u3];"}
  spill: {semantics: "if mode == user { phys[0] = ~phys[0]; }"}
  peek: {semantics: "r[0] = phys[1];"}
  direct: {semantics: "phys[zext(r[1], 3)] = r[0];"}
  jump: {semantics: "pc = ~pc;"}
  read-flag: {semantics: "r[0] = zext(psr.flag, 2);"}
  set-flag: {semantics: "psr.flag = 1;"}
  read-tick: {semantics: "r[0] = zext(psr.tick, 2);"}
  set-tick: {semantics: "psr.tick = 1;"}
  read-key: {semantics: "r[0] = zext(keys[r[1][0]], 2);"}
  set-key: {semantics: "keys[r[1][0]] = r[0][0];"}
  read-mode: {semantics: "r[0] = zext(mode, 2);"}
  set-mode: {semantics: "mode = user;"}
  read-base: {semantics: "r[0] = base;"}
  set-base: {semantics: "base = r[0];"}
  read-bound: {semantics: "r[0] = bound;"}
  set-bound: {semantics: "bound = r[0];"}
  shift: {semantics: "if mode == supervisor && (base == 1 || base == 2) { base = ~base; }"}
  halve: {semantics: "bound = bound >> 1;"}
  set-dev: {semantics: "if mode == supervisor { dev = 1; } else { dev = r[0][0]; }"}
  call: {semantics: "trap(svc, r[0][0]);"}
  odd: {semantics: "trap(odd, 1);"}
  long-odd: {length: 2, semantics: "trap(odd, 1);"}
  either: {semantics: "if mode == supervisor { trap(svc, 0); } trap(svc, 1);"}
  odd-argument: {semantics: "if mode == supervisor { trap(odd, 0); } trap(odd, 1);"}
  odd-base: {semantics: "trap(odd, base[0]);"}
  odd-or-none: {semantics: "if mode == supervisor { trap(odd); } trap(odd, 1);"}
  odd-trap: {semantics: "if mode == supervisor { trap(svc); } trap(odd);"}
  odd-key: {semantics: "if mode == supervisor { keys[0u1] = 1; commit; } trap(odd);"}
  odd-register: {semantics: "if mode == supervisor { r[0] = 1; commit; } trap(odd);"}
  odd-cell: {semantics: "if mode == supervisor { mem[0u3] = 1; commit; } trap(odd);"}
  keeps: {semantics: "r[0] = r[0] + 1; commit; trap(svc);"}
  keeps-key: {semantics: "keys[0u1] = 1; commit; trap(svc);"}
  keeps-cell: {semantics: "mem[0u3] = 1; commit; trap(svc);"}
  late: {semantics: "r[0] = base; commit; require mode == supervisor else trap(privileged);"}
  late-tick: {semantics: "psr.tick = 1; commit; require mode == supervisor else trap(privileged);"}
  guarded: {semantics: "require mode == supervisor else trap(privileged); r[0] = base;"}
  other: {semantics: "require mode == supervisor else trap(svc); r[0] = bound;"}
  masked: {semantics: "require mode == user else trap(svc);"}
  vague: {semantics: "r[0] = undefined(2); if r[1] == 0 { unpredictable; }"}
"#;

#[test]
fn judges_and_formulas_agree_on_troubles() {
    let isa = written(TROUBLED);
    for profile in PROFILES {
        compare(&isa, profile, &|_| true);
    }
}

/// Machines whose map, traps or window are wrong: what holds of all others fails here.
#[test]
fn judges_and_formulas_agree_on_wrong_machines() {
    for (from, to) in [
        ("trap-cells: {old: \"0..1\"}", "trap-cells: {old: \"0..1\", new: \"1..2\"}"),
        (
            "  traps:\n",
            "  window: {base: \"zext(base, 4)\", size: \"zext(bound, 4) + 1\"}\n  traps:\n",
        ),
        (
            "  traps:\n",
            "  window: {base: \"zext(base, 4) + 1\", size: \"zext(bound, 4)\"}\n  traps:\n",
        ),
        ("    psr.flag = 0;\n", "    r[0] = 0;\n"),
        ("    psr.flag = 0;\n", "    base = 0;\n"),
        ("    psr.flag = 0;\n", "    phys[zext(r[0], 3)] = 1;\n"),
        ("    psr.flag = 0;\n", "    phys[zext(stack, 3) + 2] = 1;\n"),
        ("    psr.flag = 0;\n", "    if arg == 1 { unpredictable; }\n"),
    ] {
        assert!(TROUBLED.contains(from), "the machine says {from}");
        let isa = written(&TROUBLED.replace(from, to));
        for profile in [Profile::Refined, Profile::Extended] {
            let some = ["store", "guarded", "peek"];
            compare(&isa, profile, &|class| some.contains(&class.name.as_str()));
        }
    }
}

#[test]
fn where_a_sequence_stores_is_read_off_its_terms() {
    for (statement, expected) in [
        ("", Stores::Fixed),
        ("phys[0] = 1;", Stores::Fixed),
        // The cell behind those that the monitor keeps.
        ("phys[1] = 1;", Stores::Elsewhere),
        ("phys[r[0]] = 1;", Stores::Elsewhere),
        ("phys[phys[0]] = 1;", Stores::Elsewhere),
        ("phys[zext(stack, 2)] = 1;", Stores::Own),
        ("phys[zext(stack, 2) + 1] = 1;", Stores::Own),
        ("phys[zext(arg, 2)] = 1;", Stores::Own),
        ("phys[zext(arg, 2) + r[0]] = 1;", Stores::Elsewhere),
        ("phys[zext(stack, 2)] = 1; phys[r[0]] = 1;", Stores::Elsewhere),
    ] {
        let sequence = format!("    {statement}\n    psr.flag = 0;\n");
        // A specification must name the cells that follow from constants and arguments.
        let named = TROUBLED.replace("{old: \"0..1\"}", "{old: \"0..2\"}");
        let mut isa = written(&named.replace("    psr.flag = 0;\n", &sequence));
        isa.trap_cells.old = 0..1;
        let (class, pair) = (&isa.classes[0], &isa.pairs[0]);
        let svc = isa.traps.iter().position(|t| t.name == "svc").expect("there is such a trap");
        let found =
            sequence::stores(Setting::new(&isa, pair, Profile::Refined), class, TrapId(svc as u32));
        assert_eq!(found, expected, "{statement}");
    }
}

/// Where the real machine does not show the guest's mapping, a step that changes it goes wrong,
/// although nothing else does.
#[test]
fn a_mapping_that_nothing_shows_has_to_stay() {
    let window =
        |base, size| format!("  window: {{base: \"{base}\", size: \"{size}\"}}\n  traps:\n");
    let (base, bound) = ("zext(base, 4)", "zext(bound, 4)");
    for (first, cells, l, b, statement, window) in [
        // l + k does not fit, and the real window is empty.
        (3, 1, 1, 0, "base = 2;", window(base, bound)),
        // The window is elsewhere, or of another size, than the components say, but for these values.
        (1, 1, 0, 1, "base = 1;", window("0u4", bound)),
        (0, 4, 3, 1, "base = 0;", window("3u4", bound)),
        (1, 1, 0, 1, "bound = 0;", window(base, "1u4")),
        (1, 3, 0, 3, "bound = 0;", window(base, "3u4")),
    ] {
        let only = format!("  only: {{semantics: \"if mode == supervisor {{ {statement} }}\"}}\n");
        let isa = written(&(TROUBLED.replace("  traps:\n", &window) + &only));
        let (pair, class) = (&isa.pairs[0], isa.classes.last().expect("there are classes"));
        let mut guest = State::zero(&isa, cells);
        guest.set_part(isa.relocation.expect("there is a mapping"), l);
        guest.set_part(isa.bounds.expect("there is a mapping"), b);
        let map = VmMap::of(&isa).expect("there is a mapping");
        let partition = Partition { first, cells };
        let real = map.apply(&isa, pair, partition, &guest, &State::zero(&isa, 4));
        let setting = Setting::new(&isa, pair, Profile::Refined);
        let replay = Replay::of(setting, class, Default::default(), vec![guest, real], first);
        for guests in [Guests::Paper, Guests::All] {
            assert!(statewise::is_placed(&replay, VirtualMode::Supervisor, guests), "{statement}");
            assert_eq!(
                statewise::broken(&replay, guests),
                ["the guest's mapping changes and the monitor does not learn of it"],
                "{statement}, {guests:?}"
            );
        }
    }
}

#[test]
fn a_supervisor_is_emulated_where_users_take_a_privilege_trap() {
    let isa = written(TROUBLED);
    let emulated = |side| -> Vec<&str> {
        let classes = isa.classes.iter().filter(|c| dispatch::is_emulated(&isa, c, side));
        classes.map(|c| c.name.as_str()).collect()
    };
    assert_eq!(emulated(VirtualMode::Supervisor), ["late", "late-tick", "guarded"]);
    assert!(emulated(VirtualMode::User).is_empty());
}

#[test]
fn a_saved_counter_tells_unless_instructions_of_two_lengths_take_the_trap() {
    let isa = written(TROUBLED);
    let tells = |id| dispatch::counter_tells(&isa, TrapId(id as u32));
    let traps = isa.traps.iter().enumerate().map(|(id, trap)| (trap.name.as_str(), tells(id)));
    assert!(
        traps.eq([("memory", true), ("privileged", true), ("svc", true), ("odd", false)]),
        "`odd` and `long-odd` take one trap"
    );
}
