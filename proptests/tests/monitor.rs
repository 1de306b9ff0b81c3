//! Guests cannot tell a virtual machine from a real one: f(e(S)) = e′(f(S)).

use std::sync::Arc;

use model::diagnostic::Sources;
use model::map::Partition;
use model::state::State;
use refvmm::classification::Classification;
use refvmm::engine::{OnTrap, Walk};
use refvmm::machine::{self, Bare, Machine};
use refvmm::shape::Shape;
use refvmm::vmm::{Kind, Vmm};

fn load(name: &str) -> (Arc<Shape>, Classification) {
    let path = format!("{}/../isa-specs/{name}", env!("CARGO_MANIFEST_DIR"));
    let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
    let mut sources = Sources::default();
    let loaded = model::load(&format!("{path}.yaml"), &open, &mut sources).expect("a machine");
    let text = open(&format!("{path}.classification.json")).expect("a classification");
    let known = Classification::read(&text, &sources).expect("a classification");
    (Shape::new(loaded.isa).expect("it runs"), known)
}

fn bare(shape: &Arc<Shape>, cells: usize) -> Box<dyn Machine> {
    Box::new(Bare::new(shape, cells, Box::new(Walk::new(shape))))
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn smoke() {
    for name in ["g3", "m68010"] {
        let (shape, known) = load(name);
        let w = if name == "m68010" { 2048u128 } else { 40 };
        let k = shape.isa.least_cells() + 3;
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        let mut total = [0u64; 3];
        for case in 0..3000 {
            let mut state = State::zero(&shape.isa, w);
            for (register, values) in shape.isa.registers.iter().zip(&mut state.registers) {
                for value in values {
                    let r = random(&mut seed);
                    let small = [0, 1, 2, 8, 9, w as u64, w as u64 - 1, r % 64, r, r, u64::MAX];
                    let pick = small[(r >> 32) as usize % small.len()];
                    *value = u128::from(pick) & model::bits::mask(register.width);
                }
            }
            for cell in 0..w {
                let r = random(&mut seed);
                let classes: Vec<_> =
                    shape.isa.classes.iter().filter(|c| c.pattern.is_some()).collect();
                let class = classes[(r >> 20) as usize % classes.len()];
                let operands: Vec<u128> = class
                    .operands
                    .iter()
                    .map(|o| u128::from(random(&mut seed)) & model::bits::mask(o.width))
                    .collect();
                let word = refvmm::decode::encode(class, &operands).expect("a word");
                let value = if name == "m68010" { word >> (8 * (cell % 2)) } else { word };
                state.store(cell, value & model::bits::mask(shape.isa.storage.width));
            }
            let depth = 1 + case % 3;
            let kind = if case % 5 == 0 { Kind::Hybrid } else { Kind::Vmm };
            let mut real = bare(&shape, w as usize);
            let q = w + k * depth as u128;
            let mut virt = bare(&shape, q as usize);
            for level in 0..depth {
                let cells = q - k * (level as u128 + 1);
                let partitions = [Partition { first: k, cells }];
                virt =
                    Box::new(Vmm::construct(virt, kind, &known, &partitions).expect("a monitor"));
            }
            machine::set_state(&mut real, &state);
            machine::set_state(&mut virt, &state);
            for step in 0..20 {
                let a = real.run(1, OnTrap::Deliver);
                let b = virt.run(1, OnTrap::Deliver);
                let (x, y) = (machine::state(&mut real), machine::state(&mut virt));
                if x != y || a != b {
                    for row in State::table(&shape.isa, &[&state, &x, &y]) {
                        if row.differs() {
                            println!("{} {:?}", row.name, row.values);
                        }
                    }
                    panic!("{name} case {case} depth {depth} {kind:?} step {step}: {a:?} {b:?}");
                }
                total[0] += a.steps;
                if a.steps == 0 {
                    break;
                }
            }
            total[1] += machine::taken(&mut real).iter().sum::<u64>();
            assert_eq!(machine::taken(&mut real), machine::taken(&mut virt));
            assert_eq!(machine::output(&mut real), machine::output(&mut virt));
        }
        println!("{name} {total:?}");
    }
}
