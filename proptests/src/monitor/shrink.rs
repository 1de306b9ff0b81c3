//! Cases as a strategy: random from one seed, and made smaller piece by piece.

use proptest::prelude::Rng;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use refvmm::vmm::Kind;

use super::guests::{Guest, Instruction, Psw, Vector};
use super::tower::Floor;
use super::value::Value;
use super::world::World;
use crate::Stream;

/// A guest in a tower of control programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The guest.
    pub guest: Guest,
    /// The control programs, lowest first.
    pub floors: Vec<Floor>,
    /// What the lowest control program finds in the real machine.
    pub found: u64,
}

/// What has smaller things of its kind.
pub trait Smaller: Sized + Clone {
    /// Some of them, the smallest first.
    fn smaller(&self) -> Vec<Self>;
}

/// Random cases for a machine.
#[derive(Clone)]
pub struct Cases<'w> {
    /// The machine.
    pub world: &'w World,
    /// Kinds of control programs.
    pub kinds: Vec<Kind>,
    /// Fewest and most floors.
    pub depth: (u64, u64),
}

impl Cases<'_> {
    /// A case from a stream of numbers.
    pub fn random(&self, stream: &mut Stream) -> Case {
        let depth = self.depth.0 + stream.below(self.depth.1 - self.depth.0 + 1);
        let floors = (0..depth).map(|_| Floor::random(&self.kinds, stream)).collect();
        Case { guest: Guest::random(self.world, stream), floors, found: stream.bits() }
    }
}

impl std::fmt::Debug for Cases<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cases of {} to {} floors on {}", self.depth.0, self.depth.1, self.world.name)
    }
}

impl Strategy for Cases<'_> {
    type Tree = Tree<Case>;
    type Value = Case;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        Ok(Tree::new(self.random(&mut stream(runner))))
    }
}

/// The stream of numbers that a case comes from.
pub fn stream(runner: &mut TestRunner) -> Stream {
    Stream::new(Rng::next_u64(runner.rng()))
}

/// A failing value, and the smaller ones that are tried in its place.
#[derive(Debug, Clone)]
pub struct Tree<T> {
    best: T,
    tried: Option<T>,
    /// Smaller than the best.
    rest: Option<Vec<T>>,
    /// How many of them were tried, or those of a larger one in their place.
    place: usize,
    /// Whether something was found since the first of them was tried.
    found: bool,
}

impl<T: Smaller> Tree<T> {
    /// Nothing tried yet.
    pub fn new(best: T) -> Self {
        Self { best, tried: None, rest: None, place: 0, found: false }
    }

    /// Goes on where the last one was found, and round again as long as that leads to something.
    fn next(&mut self) -> bool {
        let best = &self.best;
        let rest = self.rest.get_or_insert_with(|| best.smaller());
        if self.place >= rest.len() && self.found {
            (self.place, self.found) = (0, false);
        }
        self.tried = rest.get(self.place).cloned();
        self.place += 1;
        self.tried.is_some()
    }
}

impl<T: Smaller + std::fmt::Debug> ValueTree for Tree<T> {
    type Value = T;

    fn current(&self) -> T {
        self.tried.as_ref().unwrap_or(&self.best).clone()
    }

    fn simplify(&mut self) -> bool {
        if let Some(tried) = self.tried.take() {
            self.best = tried;
            self.rest = None;
            self.found = true;
            self.place = self.place.saturating_sub(1);
        }
        self.next()
    }

    fn complicate(&mut self) -> bool {
        self.next()
    }
}

impl<T: Smaller> Smaller for Vec<T> {
    fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.len() > 1 {
            all.push(Vec::new());
        }
        for i in 0..self.len() {
            let mut fewer = self.clone();
            fewer.remove(i);
            all.push(fewer);
        }
        for (i, it) in self.iter().enumerate() {
            for less in it.smaller() {
                let mut other = self.clone();
                other[i] = less;
                all.push(other);
            }
        }
        all
    }
}

impl Smaller for Value {
    fn smaller(&self) -> Vec<Self> {
        match *self {
            Self::Number(0) => Vec::new(),
            Self::Number(n) => {
                let mut all = vec![0, 1, n >> 32, n >> 8, n / 2, n - 1];
                all.retain(|m| *m < n);
                all.dedup();
                all.into_iter().map(Self::Number).collect()
            }
            Self::Storage(0)
            | Self::Room(0)
            | Self::Bound(0)
            | Self::Sign(0)
            | Self::Top(0)
            | Self::Code(_)
            | Self::Frame(_)
            | Self::Handler => vec![Self::Number(0)],
            Self::Storage(_) => vec![Self::Number(0), Self::Storage(0)],
            Self::Room(_) => vec![Self::Number(0), Self::Room(0)],
            Self::Bound(_) => vec![Self::Number(0), Self::Bound(0)],
            Self::Sign(_) => vec![Self::Number(0), Self::Sign(0)],
            Self::Top(_) => vec![Self::Number(0), Self::Top(0)],
        }
    }
}

/// Register numbers and addresses stay, values shrink.
impl<I: Copy> Smaller for (I, Value) {
    fn smaller(&self) -> Vec<Self> {
        self.1.smaller().into_iter().map(|value| (self.0, value)).collect()
    }
}

impl Smaller for Instruction {
    fn smaller(&self) -> Vec<Self> {
        let with = |i: usize, value: Value| {
            let mut other = self.clone();
            other.operands[i] = value;
            other
        };
        let of = |(i, value): (usize, &Value)| -> Vec<Self> {
            value.smaller().into_iter().map(|less| with(i, less)).collect()
        };
        self.operands.iter().enumerate().flat_map(of).collect()
    }
}

impl Smaller for Psw {
    fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        if self.user {
            all.push(Self { user: false, ..*self });
        }
        all.extend(self.relocation.smaller().into_iter().map(|l| Self { relocation: l, ..*self }));
        // All of storage is the plainest window, though not the smallest.
        if self.bounds != Value::Storage(0) {
            all.push(Self { bounds: Value::Storage(0), ..*self });
            let less = self.bounds.smaller().into_iter();
            all.extend(less.map(|bounds| Self { bounds, ..*self }));
        }
        all.extend(self.counter.smaller().into_iter().map(|p| Self { counter: p, ..*self }));
        all
    }
}

impl Smaller for Guest {
    fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let fewer = [1, self.steps / 2, self.steps.saturating_sub(1)];
        all.extend(
            fewer
                .into_iter()
                .filter(|n| 0 < *n && *n < self.steps)
                .map(|steps| Self { steps, ..self.clone() }),
        );
        if let Vector::Psw(psw) = &self.vector {
            all.push(Self { vector: Vector::Zero, ..self.clone() });
            let less = psw.smaller().into_iter().map(Vector::Psw);
            all.extend(less.map(|vector| Self { vector, ..self.clone() }));
        }
        // What stands behind the program becomes all of it, there or farther on: near the trap cells
        // addresses may mean something else.
        if let (Vector::Psw(psw), false) = (self.vector, self.handler.is_empty()) {
            let psw = Psw { counter: Value::Code(0), ..psw };
            let (program, handler) = (self.handler.clone(), Vec::new());
            let alone = Self { psw, program, handler, steps: 1, ..self.clone() };
            let (place, spare) = (self.place + 16, self.spare + 64);
            all.push(Self { spare, place, ..alone.clone() });
            all.push(alone);
        }
        if !self.handler.is_empty() {
            let program = [self.program.clone(), self.handler.clone()].concat();
            all.push(Self { program, handler: Vec::new(), ..self.clone() });
        }
        all.extend(
            self.handler.smaller().into_iter().map(|handler| Self { handler, ..self.clone() }),
        );
        all.extend(self.frames.smaller().into_iter().map(|frames| Self { frames, ..self.clone() }));
        all.extend(self.data.smaller().into_iter().map(|data| Self { data, ..self.clone() }));
        all.extend(
            self.program.smaller().into_iter().map(|program| Self { program, ..self.clone() }),
        );
        let fewer = self.resources.smaller().into_iter();
        all.extend(fewer.map(|resources| Self { resources, ..self.clone() }));
        let fewer = self.registers.smaller().into_iter();
        all.extend(fewer.map(|registers| Self { registers, ..self.clone() }));
        all.extend(self.psw.smaller().into_iter().map(|psw| Self { psw, ..self.clone() }));
        if self.filler.is_some() {
            all.push(Self { filler: None, ..self.clone() });
        }
        let nearer = [0, self.place / 2, self.place.saturating_sub(1)].into_iter();
        let nearer = nearer.filter(|place| *place < self.place);
        all.extend(nearer.map(|place| Self { place, ..self.clone() }));
        let fewer = [16, 32, 64].into_iter().filter(|spare| *spare < self.spare);
        all.extend(fewer.map(|spare| Self { spare, ..self.clone() }));
        all
    }
}

impl Smaller for Floor {
    fn smaller(&self) -> Vec<Self> {
        let mut all = vec![
            Self::plain(self.kind),
            Self { own: 0, ..*self },
            Self { before: None, ..*self },
            Self { behind: None, ..*self },
            Self { slack: 0, ..*self },
        ];
        all.retain(|it| it != self);
        all
    }
}

impl Smaller for Case {
    fn smaller(&self) -> Vec<Self> {
        let floors = self.floors.smaller().into_iter().filter(|all| !all.is_empty());
        let mut all: Vec<Self> = floors.map(|floors| Self { floors, ..self.clone() }).collect();
        all.extend(self.guest.smaller().into_iter().map(|guest| Self { guest, ..self.clone() }));
        if self.found != 0 {
            all.push(Self { found: 0, ..self.clone() });
        }
        all
    }
}
