//! How many one-step cases a second: in batches from one seed, and one by one as they shrink; on all cores.
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

const WALK: MakeEngine = |layout| Box::new(Walk::new(layout));
const THREADED: MakeEngine = |layout| Box::new(Threaded::new(layout));
const IDLE: MakeEngine = |_| Box::new(Idle);

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(2);
    let time = Duration::from_secs(seconds);
    for name in ["g3", "m68010", "pdp10"] {
        let world = World::new(name);
        let kind = world.kinds()[0];
        let new = |engine| Batch::new(&world, kind, engine, 24).expect("the monitor is admitted");
        let batches = |engine: MakeEngine| {
            rate(time, || {
                let mut batch = new(engine);
                move |seed| {
                    batch.run(seed, CASES.into()).expect("the property holds");
                    CASES
                }
            })
        };
        let [threaded, walked, around] = [THREADED, WALK, IDLE].map(batches);
        let single = rate(time, || {
            let (world, mut batch) = (&world, new(THREADED));
            move |seed| {
                let guest = Guest::random(world, &mut Stream::new(seed));
                batch.check(&guest).expect("the property holds");
                1
            }
        });
        let made = rate(time, || {
            |seed| {
                std::hint::black_box(Guest::random(&world, &mut Stream::new(seed)));
                1
            }
        });
        println!(
            "{name}: {threaded:.2} M/s in batches ({walked:.2} M/s walked, {around:.2} M/s without an engine), \
             {single:.2} M/s one by one, {made:.2} M/s only made"
        );
    }
}

/// Million cases a second, by all cores.
fn rate<F: FnMut(u64) -> u32>(time: Duration, cases: impl Fn() -> F + Sync) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let one = |core: u64| {
        let mut cases = cases();
        let start = Instant::now();
        let mut done = 0u32;
        for round in 0.. {
            done += cases(round * cores + core);
            if start.elapsed() > time {
                break;
            }
        }
        f64::from(done) / start.elapsed().as_secs_f64() / 1e6
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn({
                    let one = &one;
                    move || one(core)
                })
            })
            .collect();
        all.into_iter().map(|it| it.join().expect("it ends")).sum()
    })
}
