//! Where a theorem is refuted, the guest can tell: the property fails, and shrinks to one step.

use proptest::test_runner::{TestCaseError, TestError};
use proptests::monitor::lockstep::Setup;
use proptests::monitor::shrink::{Case, Cases};
use proptests::monitor::tower::Anyway;
use proptests::monitor::world::World;
use proptests::runner;
use refvmm::engine::Walk;
use refvmm::vmm::Kind;

/// The smallest case found on which a control program is not what it should be.
fn refutation(world: &World, kind: Kind) -> (String, Case) {
    let beside = |s: &_| -> Box<dyn refvmm::engine::Engine> { Box::new(Walk::new(s)) };
    let setup = Setup { world, shop: &Anyway(beside), beside, inspects: true };
    let strategy = Cases { world, kinds: vec![kind], depth: (1, 1) };
    let run = runner(10_000)
        .run(&strategy, |case| setup.check(&case).map(|_| ()).map_err(TestCaseError::fail));
    match run {
        Err(TestError::Fail(why, case)) => (why.to_string(), case),
        other => panic!("{}: {kind:?}: no refutation: {other:?}", world.name),
    }
}

/// What the smallest case is and says.
fn shows(world: &World, kind: Kind, class: &str, what: &str) {
    let (why, case) = refutation(world, kind);
    let context = format!("{}: {kind:?}: {why}\n{case:#?}", world.name);
    assert!(why.contains(what), "{context}");
    assert!(case.guest.steps <= 2 && case.floors.len() == 1, "{context}");
    // Sometimes what a trap stores is the instruction, or a trap leads to one among others: then none can be left out.
    if let [only] = case.guest.program.as_slice() {
        assert_eq!(&*only.name, class, "{context}");
    }
    assert!(case.guest.handler.is_empty(), "{context}");
}

#[test]
fn jrst1() {
    shows(&World::new("g3-jrst1"), Kind::Vmm, "jrst1", "mode");
}

#[test]
fn popf() {
    shows(&World::new("g3-popf"), Kind::Vmm, "popf", "b");
}

#[test]
fn smode() {
    shows(&World::new("g3-smode"), Kind::Vmm, "smode", "r[");
}

#[test]
fn lra() {
    shows(&World::new("g3-lra"), Kind::Vmm, "lra", "r[");
    shows(&World::new("g3-lra"), Kind::Hybrid, "lra", "r[");
}

#[test]
fn pdp10() {
    shows(&World::new("pdp10"), Kind::Vmm, "jrst[1]", "mode");
}

#[test]
fn ka10() {
    refutation(&World::new("pdp10-ka10"), Kind::Vmm);
}

/// A user program with USERIO on does I/O on the real machine.
#[test]
fn ka10_without_its_assumption() {
    refutation(&World::new("pdp10-ka10").anything(), Kind::Hybrid);
}

#[test]
fn m68000() {
    shows(&World::new("m68000"), Kind::Vmm, "move_from_sr", "dn[");
    shows(&World::new("m68000"), Kind::Hybrid, "move_from_sr", "dn[");
}

/// The bound that a guest sees or shrinks is clipped where it does not keep l + b ≤ w.
#[test]
fn clipped_bounds() {
    for kind in [Kind::Vmm, Kind::Hybrid] {
        shows(&World::new("g3-stb"), kind, "stb", "r[");
        shows(&World::new("g3-shrink"), kind, "shrink", "b");
    }
}
