//! The properties have teeth: wrong control programs are found out, each within 10 000 cases.

use std::fmt::Write as _;

use proptests::Stream;
use proptests::monitor::bugs;
use proptests::monitor::lockstep::Setup;
use proptests::monitor::schedule::Schedules;
use proptests::monitor::seeded::{Bug, Place, Seeded};
use proptests::monitor::shrink::Cases;
use proptests::monitor::tower::Sound;
use proptests::monitor::world::World;
use refvmm::engine::Walk;
use refvmm::vmm::Kind;

const CASES: u64 = 10_000;

/// The list is gone through with cases from these seeds on.
const SEEDS: [u64; 3] = [0, 1_000_000, 2_000_000];

/// Cases until a bug is found.
fn killed(world: &World, bug: &Bug, seeds: u64) -> Option<u64> {
    let shop = Seeded(bug);
    let setup =
        Setup { world, shop: &shop, beside: |s| Box::new(Walk::new(s)), inspects: bug.hidden };
    let kinds = vec![Kind::Vmm];
    let cases = Cases { world, kinds: kinds.clone(), depth: (1, 1) };
    let turns = Schedules { world, kinds };
    (1..=CASES).find_map(|case| {
        let mut stream = Stream::new(seeds + case);
        let found = match bug.place {
            Place::Switch(_) => setup.check_turns(&turns.random(&mut stream)),
            _ => setup.check(&cases.random(&mut stream)).map(|_| ()),
        };
        found.err().map(|_| case)
    })
}

#[test]
fn every_bug_is_found() {
    let world = World::new("g3");
    let mut table = String::new();
    let mut survivors = Vec::new();
    for bug in bugs::all() {
        let cases = SEEDS.map(|seeds| killed(&world, bug, seeds));
        if cases.contains(&None) {
            survivors.push(bug.name);
        }
        for cases in cases {
            let _ = write!(table, "{:>6}", cases.unwrap_or(0));
        }
        let _ = writeln!(table, "  {:<24}{}", bug.name, bug.says);
    }
    assert!(survivors.is_empty(), "not found within {CASES} cases: {survivors:?}\n{table}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seeded.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &table).expect("the table can be written");
    }
    let known = std::fs::read_to_string(path).expect("the table is there");
    assert_eq!(table, known, "cases until each bug is found; UPDATE_EXPECT=1 writes them anew");
}

/// Without a bug nothing is found.
#[test]
fn right_monitors_pass() {
    let world = World::new("g3");
    let beside = |s: &_| -> Box<dyn refvmm::engine::Engine> { Box::new(Walk::new(s)) };
    let setup = Setup { world: &world, shop: &Sound(beside), beside, inspects: true };
    let kinds = vec![Kind::Vmm];
    let cases = Cases { world: &world, kinds: kinds.clone(), depth: (1, 1) };
    let turns = Schedules { world: &world, kinds };
    for case in 1..=CASES {
        assert_eq!(setup.check(&cases.random(&mut Stream::new(case))).err(), None);
        assert_eq!(setup.check_turns(&turns.random(&mut Stream::new(case))).err(), None);
    }
}
