//! Strategies for states and instructions of any machine; the properties stand in `tests/`.

pub mod machines;
pub mod monitor;
pub mod oracle;
pub mod small;

use model::bits::mask;
use model::diagnostic::Sources;
use model::interp::operand_condition;
use model::isa::{Class, Isa, Role};
use model::state::State;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{TestRng, TestRunner};

/// Settings of a property: `PROPTEST_CASES` raises the number of cases.
pub fn settings(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A runner that makes the same cases each time: `PROPTEST_CASES` raises their number.
pub fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { max_shrink_iters: 20_000, ..settings(cases) };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng)
}

/// The bundled specifications, by file name, in order.
pub fn bundled() -> Vec<(String, Isa)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../isa-specs");
    let entries = std::fs::read_dir(folder).expect("the folder of specifications exists");
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
            let mut sources = Sources::default();
            let loaded = model::load(&path.to_string_lossy(), &open, &mut sources);
            let name =
                path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            (name, loaded.expect("bundled specifications load").isa)
        })
        .collect()
}

/// A stream of numbers from one seed: a case shrinks by its seed.
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// Starts a stream.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit.max(1)
    }

    /// A value of some width: often at an edge, often small, sometimes anything.
    pub fn value(&mut self, width: u32) -> u128 {
        let all = mask(width);
        let any = u128::from(self.bits()) << 64 | u128::from(self.bits());
        let value = match self.below(8) {
            0 => 0,
            1 => all,
            2 => 1 << (width - 1),
            3 => all >> 1,
            4 | 5 => u128::from(self.below(40)),
            6 => all - u128::from(self.below(8)).min(all),
            _ => any,
        };
        value & all
    }
}

/// A state: edge-aware registers, a few cells, and bounds that often leave room.
pub fn state(isa: &Isa, stream: &mut Stream) -> State {
    let most = isa.storage.cells;
    let least = isa.least_cells();
    let cells = match stream.below(3) {
        0 => least + u128::from(stream.below(64)),
        1 => most,
        _ => least + u128::from(stream.bits()) % (most - least + 1),
    };
    let mut state = State::zero(isa, cells.clamp(least, most));
    for (id, register) in isa.register_ids() {
        for i in 0..register.len() {
            let value = stream.value(register.width);
            state.set_element(id, u128::from(i), value);
        }
    }
    if stream.below(2) == 0 {
        if let Some(bounds) = isa.bounds {
            state.set_part(bounds, state.cells.min(mask(bounds.width)));
        }
        if let Some(relocation) = isa.relocation {
            state.set_part(relocation, u128::from(stream.below(16)));
        }
    }
    if let Some(mode) = isa.mode
        && let Some(pair) = isa.pairs.first()
    {
        let value = if stream.below(2) == 0 { pair.supervisor.1 } else { pair.user.1 };
        state.set_part(mode, value);
    }
    for _ in 0..stream.below(12) {
        let cell = u128::from(stream.below(80)).min(state.cells - 1);
        let value = stream.value(isa.storage.width);
        state.store(cell, value);
    }
    // Some registers point at cells that hold something.
    let pointers: Vec<u128> = state.storage.keys().copied().collect();
    for (id, register) in isa.register_ids() {
        if register.slices.iter().all(|s| s.role == Role::E) && !pointers.is_empty() {
            for i in 0..register.len() {
                if stream.below(4) == 0 {
                    let target = pointers[stream.below(pointers.len() as u64) as usize];
                    state.set_element(id, u128::from(i), target & mask(register.width));
                }
            }
        }
    }
    state
}

/// Operands of a class; `None` if none were found that its condition admits.
pub fn operands(class: &Class, stream: &mut Stream) -> Option<Vec<u128>> {
    (0..200).find_map(|_| {
        let values: Vec<u128> = class
            .operands
            .iter()
            .map(|o| o.fixed.unwrap_or_else(|| stream.value(o.width)))
            .collect();
        class.when.as_ref().is_none_or(|w| operand_condition(w, &values)).then_some(values)
    })
}

/// Values for what the architecture leaves open.
pub fn choices(class: &Class, stream: &mut Stream) -> Vec<u128> {
    class.body.choices.iter().map(|c| stream.value(c.width)).collect()
}
