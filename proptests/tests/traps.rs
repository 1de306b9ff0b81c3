//! The table of traps beside every state there is, executed in the interpreter.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::Path;

use analyzer::Options;
use analyzer::traps::{InstructionTraps, ModeTraps, trap_table};
use model::bits::mask;
use model::diagnostic::Sources;
use model::interp::{self, Access, Outcome, Place};
use model::isa::{Class, Isa, Profile, TrapId, TrapKind};
use model::state::State;
use proptest::prelude::*;
use proptests::machines::{Troubles, machine};
use proptests::settings;

/// Everything that random machines may have.
const ALL: Troubles =
    Troubles { flag: true, narrow_mapping: true, wrapping: true, clock_writes: true, sums: true };

/// One way an instruction can go: from all states that agree on what was looked at.
struct Way {
    state: State,
    operands: Vec<u128>,
    end: String,
    memory: bool,
}

/// How an instruction ends, and the first place it looked at before that was not `known`.
fn run(
    isa: &Isa,
    class: &Class,
    (state, operands, choices): (&State, &[u128], &[u128]),
    known: &BTreeSet<Place>,
) -> (Option<Place>, Option<TrapId>, Outcome) {
    let (missing, trap) = (Cell::new(None), Cell::new(None));
    let written = RefCell::new(BTreeSet::new());
    let observer = |access: Access| match access {
        _ if trap.get().is_some() => {}
        Access::Trap(id) => trap.set(Some(id)),
        Access::Write(place) => drop(written.borrow_mut().insert(place)),
        Access::Read(place) => {
            if !known.contains(&place) && missing.get().is_none() {
                missing.set(Some(place));
            }
        }
    };
    let choice = |id: model::isa::ChoiceId| choices[id.index()];
    let outcome = interp::observed_step(isa, class, operands, state, &choice, &observer);
    (missing.get(), trap.get(), outcome)
}

/// Every way of a class: all operands, sizes and values of what it looks at, and of the registers that the
/// conditions of the table name or the machine assumes something of.
fn ways(isa: &Isa, class: &Class, named: &BTreeSet<Place>) -> Vec<Way> {
    let mut all = Vec::new();
    let tuples = |widths: &[u32]| {
        widths.iter().fold(vec![Vec::new()], |all: Vec<Vec<u128>>, width| {
            let longer = |t: &Vec<u128>| -> Vec<Vec<u128>> {
                (0..1u128 << width).map(|v| t.iter().copied().chain([v]).collect()).collect()
            };
            all.iter().flat_map(longer).collect()
        })
    };
    let widths: Vec<u32> = class.operands.iter().map(|o| o.width).collect();
    let choices: Vec<u32> = class.body.choices.iter().map(|c| c.width).collect();
    for operands in tuples(&widths) {
        let fixed = class.operands.iter().zip(&operands);
        if fixed.clone().any(|(o, v)| o.fixed.is_some_and(|it| it != *v))
            || class.when.as_ref().is_some_and(|w| !interp::operand_condition(w, &operands))
        {
            continue;
        }
        for choices in tuples(&choices) {
            for cells in isa.least_cells()..=isa.storage.cells {
                let mut open = vec![(State::zero(isa, cells), BTreeSet::new())];
                while let Some((state, known)) = open.pop() {
                    let (missing, trap, outcome) =
                        run(isa, class, (&state, &operands, &choices), &known);
                    let missing = named.iter().find(|p| !known.contains(p)).copied().or(missing);
                    if let Some(place) = missing {
                        let width = match place {
                            Place::Register(id, _) => isa.register(id).width,
                            Place::Cell(_) => isa.storage.width,
                        };
                        let mut known = known;
                        known.insert(place);
                        for value in 0..=mask(width) {
                            let mut state = state.clone();
                            match place {
                                Place::Register(id, i) => state.set_element(id, i, value),
                                Place::Cell(cell) => state.store(cell, value),
                            }
                            open.push((state, known.clone()));
                        }
                        continue;
                    }
                    if !isa.assumptions.iter().all(|a| interp::value(&a.that, &state).is_true()) {
                        continue;
                    }
                    let end = match (trap, outcome) {
                        (Some(id), _) => format!("traps ({})", isa.trap(id).name),
                        (None, Outcome::Step(_)) => "completes".to_owned(),
                        (None, Outcome::Unpredictable) => "unpredictable".to_owned(),
                        (None, Outcome::Unknown) => "unknown".to_owned(),
                        (None, Outcome::Trap(..)) => panic!("a trap that nobody was told of"),
                    };
                    let memory = trap.is_some_and(|id| isa.trap(id).kind == TrapKind::Memory);
                    all.push(Way { state, operands: operands.clone(), end, memory });
                }
            }
        }
    }
    all
}

/// A component's bits, `mstatus.mpp` or `en[3:1]`; or those of an operand.
fn bits(isa: &Isa, class: &Class, name: &str) -> (Option<model::isa::RegisterId>, usize, u32, u32) {
    let (base, range) = match name.split_once('[') {
        Some((base, range)) => (base, Some(range.trim_end_matches(']'))),
        None => (name, None),
    };
    let (base, field) = match base.split_once('.') {
        Some((base, field)) => (base, Some(field)),
        None => (base, None),
    };
    let register = isa.register_ids().find(|(_, r)| r.name == base);
    let operand = class.operands.iter().position(|o| o.name == base);
    let width = register.map_or_else(
        || class.operands[operand.expect("a register or an operand")].width,
        |(_, r)| r.width,
    );
    let number = |text: &str| text.parse::<u32>().expect("the number of a bit");
    let (low, width) = match (field, range) {
        (Some(field), _) => {
            let fields = &register.expect("it has fields").1.fields;
            let it = fields.iter().find(|f| f.name == field).expect("a field");
            (it.low, it.width)
        }
        (None, Some(range)) => match range.split_once(':') {
            Some((high, low)) => (number(low), number(high) - number(low) + 1),
            None => (number(range), 1),
        },
        (None, None) => (0, width),
    };
    (register.map(|(id, _)| id), operand.unwrap_or(0), low, width)
}

/// Whether a condition of the table, `a == 1`, `(a == 1 || a == 3)` or `a >= 1 && a <= 2`, is true of a way.
fn holds(isa: &Isa, class: &Class, way: &Way, condition: &str) -> bool {
    let test = |one: &str| {
        let parts: Vec<&str> = one.split(' ').collect();
        let [name, operator, value] = parts[..] else { panic!("`{one}` is no comparison") };
        let (register, operand, low, width) = bits(isa, class, name);
        let whole = register.map_or_else(|| way.operands[operand], |id| way.state.register(id));
        let found = whole >> low & mask(width);
        let named = |(n, v): &(String, u128)| (n == value).then_some(*v);
        let value = match value.strip_prefix("0x") {
            Some(digits) => u128::from_str_radix(digits, 16).ok(),
            None => value.parse().ok(),
        };
        let value = value.unwrap_or_else(|| {
            let it = isa.register(register.expect("only registers have names for values"));
            let fields = it.fields.iter().filter(|f| (f.low, f.width) == (low, width));
            let mut names = fields.flat_map(|f| &f.values).chain(&it.values);
            names.find_map(named).expect("a value")
        });
        match operator {
            "==" => found == value,
            "!=" => found != value,
            "<=" => found <= value,
            ">=" => found >= value,
            _ => panic!("`{operator}` is no comparison"),
        }
    };
    let all = |text: &str| text.split(" && ").all(test);
    match condition.strip_prefix('(') {
        Some(rest) => rest.trim_end_matches(')').split(" || ").any(test),
        None => all(condition),
    }
}

/// The registers that conditions name.
fn named(isa: &Isa, class: &Class, it: &InstructionTraps) -> BTreeSet<Place> {
    let cases = it.modes.iter().flat_map(|mode| &mode.cases);
    let names = cases.flat_map(|case| &case.depends_on);
    let registers = names.filter_map(|name| bits(isa, class, name).0);
    let mut all: BTreeSet<Place> = registers.map(|id| Place::Register(id, 0)).collect();
    if let Some(mode) = isa.mode {
        all.insert(Place::Register(mode.register, 0));
    }
    let mut assumed = BTreeSet::new();
    isa.assumptions.iter().for_each(|a| a.that.registers(&mut assumed));
    for id in assumed {
        all.extend((0..isa.register(id).len()).map(|i| Place::Register(id, i.into())));
    }
    all
}

/// What is wrong about one mode.
fn wrong(isa: &Isa, class: &Class, table: &ModeTraps, ways: &[&Way]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut found: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); table.cases.len()];
    let mut memory = BTreeSet::new();
    for way in ways {
        let matches = |case: &&analyzer::traps::Case| {
            let when = case.when.as_ref().expect("small machines have few alternatives");
            when.iter().any(|all| all.iter().all(|one| holds(isa, class, way, one)))
        };
        let own: Vec<usize> =
            (0..table.cases.len()).filter(|i| matches(&&table.cases[*i])).collect();
        let [own] = own[..] else {
            lines.push(format!("{} cases for {:?}", own.len(), way.state));
            continue;
        };
        if way.memory {
            memory.insert(way.end.as_str());
        } else {
            found[own].insert(&way.end);
        }
    }
    for (case, found) in table.cases.iter().zip(found) {
        let said: BTreeSet<&str> = case.outcomes.iter().map(String::as_str).collect();
        if said != found || !case.undecided.is_empty() {
            lines.push(format!("{:?}: {said:?}, executed: {found:?}", case.when));
        }
    }
    let said: BTreeSet<String> =
        table.memory_traps.iter().map(|name| format!("traps ({name})")).collect();
    if said.iter().map(String::as_str).collect::<BTreeSet<_>>() != memory {
        lines.push(format!("memory traps {said:?}, executed: {memory:?}"));
    }
    lines
}

/// Everything that the table says otherwise than the states of a machine.
fn disagreements(isa: &Isa) -> Vec<String> {
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let table = trap_table(isa, &[], &options, &|_, _| {});
    let mut all = Vec::new();
    for (class, it) in isa.classes.iter().zip(&table.instructions) {
        let ways = ways(isa, class, &named(isa, class, it));
        let modes = isa.modes();
        for mode in &it.modes {
            let value = modes.iter().find(|(name, _)| *name == mode.mode).map(|(_, value)| *value);
            let is_in = |way: &&Way| {
                let found = isa.mode.map(|part| way.state.part(part));
                match value {
                    Some(value) => found == Some(value),
                    None => modes.iter().all(|(_, v)| found != Some(*v)),
                }
            };
            let own: Vec<&Way> = ways.iter().filter(is_in).collect();
            let lines = wrong(isa, class, mode, &own);
            all.extend(lines.iter().map(|line| format!("{} in {}: {line}", it.name, mode.mode)));
        }
    }
    all
}

#[test]
fn every_state_of_the_small_machines() {
    for name in ["g3-small", "previous", "enable", "reservation", "argument", "g3-small-shrink"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("small").join(format!("{name}.yaml"));
        let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
        let loaded = model::load(&path.to_string_lossy(), &open, &mut Sources::default());
        let found = disagreements(&loaded.expect("the specification loads").isa);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

/// Conditions on several bits, operands and values that are assumed away.
#[test]
fn every_state_of_a_machine_with_control_bits() {
    let found = disagreements(&with_control_bits());
    assert!(found.is_empty(), "{found:#?}");
}

fn with_control_bits() -> Isa {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("small/control-bits.yaml");
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    let loaded = model::load(&path.to_string_lossy(), &open, &mut Sources::default());
    loaded.expect("the specification loads").isa
}

/// The oracle can say no: a table with one cell changed is not the machine's.
#[test]
fn a_wrong_cell_is_found() {
    let isa = with_control_bits();
    let options = Options { profile: Profile::Refined, pair: None, timeout: None };
    let mut table = trap_table(&isa, &["counter"], &options, &|_, _| {});
    let class = isa.class("counter").expect("it is there");
    let ways = ways(&isa, class, &named(&isa, class, &table.instructions[0]));
    let user: Vec<&Way> =
        ways.iter().filter(|way| isa.mode.is_some_and(|part| way.state.part(part) == 1)).collect();
    let mode = &mut table.instructions[0].modes[1];
    assert_eq!(wrong(&isa, class, mode, &user), Vec::<String>::new());
    let when = mode.cases[0].when.as_mut().expect("it has few alternatives");
    when[0].pop();
    assert!(!wrong(&isa, class, mode, &user).is_empty());
}

proptest! {
    #![proptest_config(settings(60))]

    #[test]
    fn every_state_of_random_machines(machine in machine(ALL)) {
        let text = machine.yaml();
        let loaded = model::load("random.yaml", &|_| Ok(text.clone()), &mut Sources::default());
        prop_assert!(loaded.is_ok(), "{:?}", loaded.err());
        if let Ok(loaded) = loaded {
            let found = disagreements(&loaded.isa);
            prop_assert!(found.is_empty(), "{found:#?}");
        }
    }
}
