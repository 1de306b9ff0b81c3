//! Random machines: whole specifications of tiny width, well typed by construction.
//!
//! A machine is generated as a tree and written as YAML, so a failing one shrinks to few and short
//! instructions. Every value is computed in words and made to fit where it is used.

mod text;

use proptest::collection::vec;
use proptest::prelude::*;

/// A machine: its layout and its instructions.
#[derive(Clone)]
pub struct Machine {
    layout: MachineLayout,
    instructions: Vec<Instruction>,
}

/// What machines may have on which the analyzer was found wrong once.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each trouble is there or not")]
pub struct Troubles {
    /// A component of E that a trap clears.
    pub flag: bool,
    /// Relocation or bounds of a single bit.
    pub narrow_mapping: bool,
    /// An address function whose sums wrap, so that it leaves its linear window.
    pub wrapping: bool,
    /// Instructions that set the clock.
    pub clock_writes: bool,
    /// Sums: one with a constant of half the range or more may be misread.
    pub sums: bool,
}

#[derive(Debug, Clone)]
struct Instruction {
    /// One class for each value of the operand.
    cases: bool,
    body: Vec<Stmt>,
}

/// What the instructions run on.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each part is there or not")]
struct MachineLayout {
    /// Bits of a cell and of a register.
    word: u32,
    /// A mode that is neither of the pair.
    third: bool,
    /// A bit of M that traps set to the mode they come from, and de-privileging to 1.
    previous: bool,
    /// A component `en` of kind resource.
    enable: bool,
    /// An instruction leads to user mode, and another sets `en`.
    returns: bool,
    /// Where traps lead.
    lead: Lead,
    /// Traps give the supervisor all storage.
    opens: bool,
    cells: u32,
    relocation: u32,
    bounds: u32,
    mapping: Mapping,
    sequence: Sequence,
    /// Kind of the component `res`.
    resource: &'static str,
    /// A component of kind time.
    clock: bool,
    /// Instructions may set it; else they set `res`.
    clock_writes: bool,
    /// Words may be added; else `^` stands for it.
    sums: bool,
    /// A bit of M that follows the mode.
    follower: bool,
    /// A register that a trap clears.
    flag: bool,
}

/// Address functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mapping {
    /// The paper's.
    Checked,
    /// Only the bound is checked: beyond storage there is nothing.
    BoundOnly,
    /// The sum of base and address wraps.
    Wrapping,
    /// The supervisor's addresses are physical.
    Bypassed,
}

/// Trap sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    /// To supervisor mode, without storage.
    Plain,
    /// Cell 0 keeps P, and P comes from cell 1.
    Vector,
    /// M and P are exchanged with cell 0, or 0 and 1.
    Exchange,
}

/// The mode behind a trap sequence that does not exchange it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Supervisor,
    /// The one before.
    Same,
    /// The supervisor's if a component of R says so.
    Told,
    /// The supervisor's if a register says so.
    Asked,
    /// The third one, where there is one.
    Third,
}

/// A word.
#[derive(Debug, Clone)]
enum Word {
    Number(u32),
    Component(Component),
    Register(bool),
    Operand,
    Undefined,
    Arbitrary,
    Storage(Box<Word>),
    Pair(Box<Word>),
    Physical(Box<Word>),
    Operator(&'static str, Box<Word>, Box<Word>),
    Choice(Box<Test>, Box<Word>, Box<Word>),
}

/// Registers that are no general ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Mode,
    Counter,
    Relocation,
    Bounds,
    Resource,
    Clock,
    Follower,
    Flag,
    Previous,
    Enable,
}

/// A condition.
#[derive(Debug, Clone)]
enum Test {
    Supervisor,
    /// In supervisor mode, or `en` is set.
    Enabled,
    Compare(&'static str, Word, Word),
}

#[derive(Debug, Clone)]
enum Stmt {
    Register(bool, Word),
    Component(Component, Word),
    Storage(Word, Word),
    Physical(Word, Word),
    If(Test, Vec<Stmt>, Vec<Stmt>),
    Require(Test, &'static str),
    Trap(&'static str),
    Commit,
    Unpredictable,
}

fn component() -> impl Strategy<Value = Component> {
    use Component::{
        Bounds, Clock, Counter, Enable, Flag, Follower, Mode, Previous, Relocation, Resource,
    };
    prop_oneof![
        2 => Just(Counter),
        2 => Just(Mode),
        2 => Just(Relocation),
        2 => Just(Bounds),
        2 => Just(Resource),
        1 => Just(Clock),
        1 => Just(Follower),
        1 => Just(Flag),
        1 => Just(Previous),
        1 => Just(Enable),
    ]
}

fn word() -> impl Strategy<Value = Word> {
    let leaf = prop_oneof![
        3 => (0..4u32).prop_map(Word::Number),
        4 => any::<bool>().prop_map(Word::Register),
        4 => component().prop_map(Word::Component),
        1 => Just(Word::Operand),
        1 => Just(Word::Undefined),
        1 => Just(Word::Arbitrary),
    ];
    leaf.prop_recursive(1, 3, 2, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "&", "|", "^"]);
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            4 => boxed().prop_map(Word::Storage),
            1 => boxed().prop_map(Word::Pair),
            1 => boxed().prop_map(Word::Physical),
            3 => (operator, boxed(), boxed()).prop_map(|(o, a, b)| Word::Operator(o, a, b)),
            1 => (test_of(inner.clone()).prop_map(Box::new), boxed(), boxed())
                .prop_map(|(c, a, b)| Word::Choice(c, a, b)),
        ]
    })
}

fn test_of(word: impl Strategy<Value = Word> + Clone) -> impl Strategy<Value = Test> {
    let compare = prop::sample::select(vec!["==", "!=", "<", "<="]);
    prop_oneof![
        2 => Just(Test::Supervisor),
        1 => Just(Test::Enabled),
        2 => (compare, word.clone(), word).prop_map(|(o, a, b)| Test::Compare(o, a, b)),
    ]
}

fn statement() -> impl Strategy<Value = Stmt> {
    let test = || test_of(word().boxed());
    let trap = || prop::sample::select(vec!["privileged", "svc", "memory"]);
    let leaf = prop_oneof![
        6 => (any::<bool>(), word()).prop_map(|(r, w)| Stmt::Register(r, w)),
        5 => (component(), word()).prop_map(|(c, w)| Stmt::Component(c, w)),
        4 => (word(), word()).prop_map(|(a, w)| Stmt::Storage(a, w)),
        1 => (word(), word()).prop_map(|(a, w)| Stmt::Physical(a, w)),
        3 => Just(Stmt::Require(Test::Supervisor, "privileged")),
        2 => (test(), trap()).prop_map(|(c, t)| Stmt::Require(c, t)),
        1 => trap().prop_map(Stmt::Trap),
        1 => Just(Stmt::Require(Test::Enabled, "privileged")),
        1 => Just(Stmt::Commit),
        1 => Just(Stmt::Unpredictable),
        1 => Just(Stmt::If(Test::Supervisor, vec![Stmt::Unpredictable], Vec::new())),
        1 => Just(Stmt::Require(Test::Supervisor, "unpredictable")),
    ];
    leaf.prop_recursive(1, 4, 2, move |inner| {
        let list = || vec(inner.clone(), 0..2);
        (test_of(word().boxed()), vec(inner.clone(), 1..3), list())
            .prop_map(|(c, a, b)| Stmt::If(c, a, b))
    })
}

fn layout(troubles: Troubles) -> impl Strategy<Value = MachineLayout> {
    let mapping = prop_oneof![
        4 => Just(Mapping::Checked),
        1 => Just(Mapping::BoundOnly),
        u32::from(troubles.wrapping) => Just(Mapping::Wrapping),
        2 => Just(Mapping::Bypassed),
    ];
    let sequence =
        prop::sample::select(vec![Sequence::Plain, Sequence::Vector, Sequence::Exchange]);
    let resource = prop::sample::select(vec!["resource", "trap-vector", "identity", "device"]);
    let flag = if troubles.flag { 1.0 } else { 0.0 };
    let flags = [0.5, 0.1, flag, 0.25, 0.25, 0.4, 0.6].map(prop::bool::weighted);
    let flags = (flags, prop::bool::weighted(0.8));
    let lead = prop_oneof![
        6 => Just(Lead::Supervisor),
        1 => Just(Lead::Same),
        2 => Just(Lead::Told),
        1 => Just(Lead::Asked),
        1 => Just(Lead::Third),
    ];
    let narrow = if troubles.narrow_mapping { 1 } else { 2 };
    let mapping = (mapping, sequence, lead);
    (1..=2u32, 2..=4u32, narrow..=2u32, narrow..=2u32, mapping, resource, flags).prop_map(
        move |(
            word,
            cells,
            relocation,
            bounds,
            (mapping, sequence, lead),
            resource,
            ([clock, follower, flag, third, previous, enable, opens], returns),
        )| {
            // What is exchanged with cells has to fit them.
            let third = third && sequence != Sequence::Exchange;
            let follower = follower && !third;
            MachineLayout {
                third,
                previous,
                enable,
                returns,
                lead,
                opens,
                word,
                cells,
                relocation,
                bounds,
                mapping,
                sequence,
                resource,
                clock,
                clock_writes: troubles.clock_writes,
                sums: troubles.sums,
                follower,
                flag,
            }
        },
    )
}

/// A machine of up to five instructions.
pub fn machine(troubles: Troubles) -> impl Strategy<Value = Machine> {
    let instruction = (prop::bool::weighted(0.1), vec(statement(), 1..=2))
        .prop_map(|(cases, body)| Instruction { cases, body })
        .prop_filter("too many states to look at", |i| Effort::of(&i.body).is_small());
    (layout(troubles), vec(instruction, 1..=5))
        .prop_map(|(layout, instructions)| Machine { layout, instructions })
}

/// What multiplies the states to be looked at.
#[derive(Debug, Default)]
struct Effort {
    accesses: u32,
    open: u32,
    components: u32,
}

impl Effort {
    fn of(body: &[Stmt]) -> Self {
        let mut effort = Self::default();
        effort.statements(body);
        effort
    }

    fn is_small(&self) -> bool {
        self.accesses <= 2 && self.open <= 1 && self.accesses + self.components <= 5
    }

    fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            match statement {
                Stmt::Register(_, w) => self.word(w),
                Stmt::Component(_, w) => {
                    self.components += 1;
                    self.word(w);
                }
                Stmt::Storage(a, w) | Stmt::Physical(a, w) => {
                    self.accesses += 1;
                    self.word(a);
                    self.word(w);
                }
                Stmt::If(c, yes, no) => {
                    self.test(c);
                    self.statements(yes);
                    self.statements(no);
                }
                Stmt::Require(c, _) => self.test(c),
                Stmt::Trap(_) | Stmt::Commit | Stmt::Unpredictable => {}
            }
        }
    }

    fn word(&mut self, word: &Word) {
        match word {
            Word::Number(_) | Word::Operand => {}
            Word::Undefined | Word::Arbitrary => self.open += 1,
            Word::Component(_) | Word::Register(_) => self.components += 1,
            Word::Storage(a) | Word::Physical(a) => {
                self.accesses += 1;
                self.word(a);
            }
            Word::Pair(a) => {
                self.accesses += 2;
                self.word(a);
            }
            Word::Operator(_, a, b) => {
                self.word(a);
                self.word(b);
            }
            Word::Choice(c, a, b) => {
                self.test(c);
                self.word(a);
                self.word(b);
            }
        }
    }

    fn test(&mut self, test: &Test) {
        if let Test::Compare(_, a, b) = test {
            self.word(a);
            self.word(b);
        }
    }
}
