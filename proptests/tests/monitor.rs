//! Guests cannot tell a virtual machine from a real one, whatever they do and however deep they are.

use std::collections::BTreeSet;

use proptest::test_runner::{TestCaseError, TestError};
use proptests::monitor::batch::Batch;
use proptests::monitor::guests::Guest;
use proptests::monitor::lockstep::Setup;
use proptests::monitor::schedule::Schedules;
use proptests::monitor::shrink::Cases;
use proptests::monitor::tower::{Floor, MakeEngine, Sound, Tower};
use proptests::monitor::world::World;
use proptests::{Stream, runner, settings};
use refvmm::engine::{Dispatch, Interpreter, Threaded, Walk};
use refvmm::machine;
use refvmm::vmm::{Counts, Kind};

const THREADED: MakeEngine = |layout| Box::new(Threaded::with(layout, Dispatch::Loop));
const DEFAULT: MakeEngine = |layout| Box::new(Threaded::new(layout));
const WALK: MakeEngine = |layout| Box::new(Walk::new(layout));
const INTERPRETER: MakeEngine = |layout| Box::new(Interpreter::new(layout));

/// Every specification that admits a monitor, with guests as it assumes them.
fn worlds() -> Vec<World> {
    let names =
        ["g3", "g3-jrst1", "g3-popf", "g3-smode", "m68010", "pdp10", "pdp10-ka10"].map(World::new);
    // These show the bound, which a monitor clips: the paper's assumption is needed.
    let within = ["g3-shrink", "g3-stb"].map(|name| World::new(name).within());
    names.into_iter().chain(within).collect()
}

fn towers(cases: u32, depth: (u64, u64), real: MakeEngine, beside: MakeEngine) {
    for world in worlds() {
        let setup = Setup { world: &world, shop: &Sound(real), beside, inspects: true };
        let strategy = Cases { world: &world, kinds: world.kinds(), depth };
        let failed = runner(cases)
            .run(&strategy, |case| setup.check(&case).map(|_| ()).map_err(TestCaseError::fail));
        if let Err(TestError::Fail(why, case)) = failed {
            panic!("{}: {why}\n{case:#?}", world.name);
        }
    }
}

#[test]
fn one_monitor() {
    towers(1500, (1, 1), DEFAULT, WALK);
    towers(500, (1, 1), THREADED, WALK);
}

#[test]
fn nested_to_depth_six() {
    towers(300, (2, 6), DEFAULT, WALK);
    towers(200, (2, 6), THREADED, WALK);
}

#[test]
fn walked_below() {
    towers(150, (1, 3), WALK, THREADED);
}

#[test]
fn interpreted_below() {
    towers(150, (1, 2), INTERPRETER, WALK);
}

#[test]
fn interpreted_beside() {
    towers(150, (1, 2), WALK, INTERPRETER);
}

#[test]
fn neighbours() {
    for world in worlds() {
        let setup = Setup { world: &world, shop: &Sound(DEFAULT), beside: WALK, inspects: true };
        let strategy = Schedules { world: &world, kinds: world.kinds() };
        let failed = runner(500)
            .run(&strategy, |turns| setup.check_turns(&turns).map_err(TestCaseError::fail));
        if let Err(TestError::Fail(why, case)) = failed {
            panic!("{}: {why}\n{case:#?}", world.name);
        }
    }
}

/// Found by [`neighbours`]: switching to the guest that runs took registers that it had not saved.
#[test]
fn switching_to_the_running_guest_changes_nothing() {
    let world = World::new("g3");
    let cells = 24;
    let floors = [Floor { behind: Some(0), ..Floor::plain(Kind::Vmm) }];
    let mut tower = Tower::new(&world, &Sound(DEFAULT), &floors, cells, 0);
    let guest = Guest::random(&world, &mut Stream::new(0));
    let state = Guest { spare: cells - 8, ..guest }.state(&world);
    machine::set_state(&mut tower.top, &state);
    for guest in [0, 0, 1, 1, 0, 0] {
        tower.monitor().switch(guest);
    }
    assert_eq!(machine::state(&mut tower.top), state);
}

/// Single steps, many of them.
#[test]
fn batches() {
    for world in worlds() {
        for kind in world.kinds() {
            let mut batch = Batch::new(&world, kind, DEFAULT, 24).expect("the monitor is admitted");
            let seeds = settings(50).cases.into();
            let result = (0..seeds).try_for_each(|seed| batch.run(seed, 200));
            assert_eq!(result, Ok(()), "{} {kind:?}", world.name);
        }
    }
}

/// Guests reach every instruction, every trap and every way an instruction can go.
#[test]
fn guests_reach_everything() {
    for world in worlds() {
        let setup = Setup { world: &world, shop: &Sound(DEFAULT), beside: WALK, inspects: true };
        let cases = Cases { world: &world, kinds: world.kinds(), depth: (1, 1) };
        let isa = &world.layout.isa;
        let mut classes: BTreeSet<usize> = world.encoded.iter().copied().collect();
        let mut traps: BTreeSet<usize> = (0..isa.traps.len()).collect();
        let mut ways = [0; 4];
        for seed in 0..4000 {
            let case = cases.random(&mut Stream::new(seed));
            let tally = setup.check(&case).expect("the property holds");
            classes.retain(|class| !tally.classes.contains(class));
            traps.retain(|trap| tally.taken[*trap] == 0);
            let Counts { direct, emulated, reflected, interpreted, .. } = tally.counts;
            for (all, one) in ways.iter_mut().zip([direct, reflected, emulated, interpreted]) {
                *all += one;
            }
        }
        let missing: Vec<&str> = classes.iter().map(|c| isa.classes[*c].name.as_str()).collect();
        assert!(missing.is_empty(), "{}: {missing:?} never run", world.name);
        let missing: Vec<&str> = traps.iter().map(|t| isa.traps[*t].name.as_str()).collect();
        assert!(missing.is_empty(), "{}: {missing:?} never taken", world.name);
        assert!(ways[0] > 0 && ways[1] > 0, "{}: {ways:?}", world.name);
        for kind in world.kinds() {
            let way = if kind == Kind::Vmm { ways[2] } else { ways[3] };
            assert!(way > 0, "{}: {ways:?}", world.name);
        }
    }
}
