//! Guests cannot tell a virtual machine from a real one, whatever they do and however deep they are.

use proptest::test_runner::TestError;
use proptests::monitor::lockstep::Setup;
use proptests::monitor::schedule::Schedules;
use proptests::monitor::shrink::Cases;
use proptests::monitor::tower::{MakeEngine, Sound};
use proptests::monitor::world::World;
use proptests::runner;
use proptest::test_runner::TestCaseError;
use refvmm::engine::{Interpreter, Walk};

const WALK: MakeEngine = |shape| Box::new(Walk::new(shape));
const INTERPRETER: MakeEngine = |shape| Box::new(Interpreter::new(shape));

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
        let failed = runner(cases).run(&strategy, |case| {
            setup.check(&case).map(|_| ()).map_err(TestCaseError::fail)
        });
        if let Err(TestError::Fail(why, case)) = failed {
            panic!("{}: {why}\n{case:#?}", world.name);
        }
    }
}

#[test]
fn one_monitor() {
    towers(2000, (1, 1), WALK, WALK);
}

#[test]
fn nested_to_depth_six() {
    towers(500, (2, 6), WALK, WALK);
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
        let setup = Setup { world: &world, shop: &Sound(WALK), beside: WALK, inspects: true };
        let strategy = Schedules { world: &world, kinds: world.kinds() };
        let failed = runner(500).run(&strategy, |turns| {
            setup.check_turns(&turns).map_err(TestCaseError::fail)
        });
        if let Err(TestError::Fail(why, case)) = failed {
            panic!("{}: {why}\n{case:#?}", world.name);
        }
    }
}
