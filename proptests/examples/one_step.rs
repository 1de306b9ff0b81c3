//! How many one-step cases a second: in batches from one seed, and one by one as they shrink.
//!
//! `cargo run --release -p proptests --example one_step [seconds]`

#![expect(clippy::print_stdout, reason = "this is a program that prints")]

use std::time::{Duration, Instant};

use proptests::Stream;
use proptests::monitor::batch::Batch;
use proptests::monitor::guests::Guest;
use proptests::monitor::tower::MakeEngine;
use proptests::monitor::world::World;
use refvmm::cpu::Cpu;
use refvmm::engine::{Engine, OnTrap, Stop, Threaded, Walk, Why};

/// Cases from one seed.
const CASES: u32 = 8192;

/// An engine that says that the machine has halted, to see what everything else takes.
struct Idle;

impl Engine for Idle {
    fn run(&mut self, _: &mut Cpu, _: u64, _: OnTrap) -> Stop {
        Stop { steps: 0, why: Why::Halted }
    }
}

const WALK: MakeEngine = |shape| Box::new(Walk::new(shape));
const THREADED: MakeEngine = |shape| Box::new(Threaded::new(shape));
const IDLE: MakeEngine = |_| Box::new(Idle);

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(2);
    let time = Duration::from_secs(seconds);
    for name in ["g3", "m68010", "pdp10"] {
        let world = World::new(name);
        let kind = world.kinds()[0];
        let new = |engine| Batch::new(&world, kind, engine, 24).expect("the monitor is admitted");
        let mut batch = new(THREADED);
        let (mut walked, mut idle) = (new(WALK), new(IDLE));
        let [batches, walks, around] = [&mut batch, &mut walked, &mut idle].map(|batch| {
            rate(time, |seed| {
                batch.run(seed, CASES.into()).expect("the property holds");
                CASES
            })
        });
        let single = rate(time, |seed| {
            let guest = Guest::random(&world, &mut Stream::new(seed));
            batch.check(&guest).expect("the property holds");
            1
        });
        let made = rate(time, |seed| {
            std::hint::black_box(Guest::random(&world, &mut Stream::new(seed)));
            1
        });
        println!(
            "{name}: {batches:.2} M/s in batches ({walks:.2} M/s walked, {around:.2} M/s without an engine), \
             {single:.2} M/s one by one, {made:.2} M/s only made"
        );
    }
}

/// Million cases a second.
fn rate(time: Duration, mut cases: impl FnMut(u64) -> u32) -> f64 {
    let start = Instant::now();
    let mut done = 0u32;
    for seed in 0.. {
        done += cases(seed);
        if start.elapsed() > time {
            break;
        }
    }
    f64::from(done) / start.elapsed().as_secs_f64() / 1e6
}
