//! Two machines that ought to do the same, side by side: where a guest can tell them apart.

use model::state::State;

use crate::computer::{Computer, Progress};
use crate::engine::Why;
use crate::machine;

/// The first instruction after which the guest's states differ: the square that does not commute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Square {
    /// Instructions before it.
    pub steps: u64,
    /// S, the same on both.
    pub before: State,
    /// f(S): the whole of the second installation as it is before the instruction.
    pub image: State,
    /// i(S), on the first machine.
    pub first: State,
    /// The guest of the second machine after the same instruction.
    pub second: State,
    /// The whole of the second installation then.
    pub image_after: State,
    /// Why each of them stopped.
    pub stops: [Why; 2],
}

/// Where a machine's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How far it came.
    pub progress: Progress,
    /// The guest's state.
    pub state: State,
    /// What it wrote to its console.
    pub output: Vec<u64>,
}

/// What came of running the same guest on two machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Where they part, if they do.
    pub square: Option<Square>,
    /// How each of them ended.
    pub ends: [End; 2],
}

/// Most instructions between two comparisons.
const LONGEST: u64 = 1 << 16;

/// Runs the same guest on two machines for at most `limit` instructions from its start. `boot`
/// makes both, with the guest in place, and is asked for them twice where they part: differences
/// are looked for after 1, 3, 7, … instructions, and then step by step.
pub fn compare(boot: impl Fn() -> [Computer; 2], limit: u64) -> Comparison {
    let mut pair = boot();
    let start = pair[0].progress()[0].steps;
    let limit = limit.saturating_sub(start);
    let (mut equal, mut chunk) = (0, 1);
    let mut square = None;
    let mut outputs = [Vec::new(), Vec::new()];
    while equal < limit {
        let fuel = chunk.min(limit - equal);
        let [a, b] = pair.each_mut().map(|it| (it.advance(fuel), it.state()));
        collect(&mut pair, &mut outputs);
        if a != b || outputs[0] != outputs[1] {
            square = locate(boot(), equal, fuel);
            if let Some(square) = &mut square {
                square.steps += start;
            }
            break;
        }
        equal += a.0.steps;
        if a.0.why != Why::Fuel {
            break;
        }
        chunk = (chunk * 2).min(LONGEST);
    }
    for it in &mut pair {
        let Progress { steps, why } = it.progress()[0];
        if why == Why::Fuel {
            it.advance((start + limit).saturating_sub(steps));
        }
    }
    collect(&mut pair, &mut outputs);
    let [first, second] = pair.each_mut().map(|it| (it.progress()[0], it.state()));
    let [a, b] = outputs;
    let end = |(progress, state), output| End { progress, state, output };
    Comparison { square, ends: [end(first, a), end(second, b)] }
}

/// The first instruction after `equal` that tells the machines apart, among the next few.
fn locate(mut pair: [Computer; 2], equal: u64, few: u64) -> Option<Square> {
    for it in &mut pair {
        it.advance(equal);
        machine::output(it.machine());
    }
    for steps in equal..equal + few {
        let (before, image) = (pair[0].state(), pair[1].installation());
        let [a, b] = pair.each_mut().map(|it| {
            let stop = it.advance(1);
            (stop, it.state(), machine::output(it.machine()))
        });
        if matches!(b.0.why, Why::Broken(_)) {
            // That is no difference: the guest is not one that the machine was made for.
            return None;
        }
        if a != b {
            let stops = [a.0.why, b.0.why];
            let image_after = pair[1].installation();
            return Some(Square {
                steps,
                before,
                image,
                first: a.1,
                second: b.1,
                image_after,
                stops,
            });
        }
    }
    None
}

fn collect(pair: &mut [Computer; 2], outputs: &mut [Vec<u64>; 2]) {
    for (it, output) in pair.iter_mut().zip(outputs) {
        output.extend(machine::output(it.machine()));
    }
}
