//! Symbolic states: registers as terms, files and storage as arrays with guarded writes.

use std::rc::Rc;

use model::isa::{Isa, Part, RegisterId};

use super::facts::Facts;
use super::term::{Array, Term, Terms};

/// A guarded write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) guard: Term,
    pub(crate) index: Term,
    pub(crate) value: Term,
}

/// A stretch of physical storage backed by an array: cell p holds `array[p − base]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    pub(crate) base: Term,
    pub(crate) size: Term,
    pub(crate) array: Array,
}

/// How the initial storage is made up: the first region that contains a cell holds it.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) regions: Vec<Region>,
    /// Cells outside every region, by physical address.
    pub(crate) rest: Array,
    /// Number of cells.
    pub(crate) cells: Term,
}

impl Layout {
    /// Initial contents of a physical cell.
    pub(crate) fn read(&self, terms: &mut Terms, facts: &Facts, cell: Term) -> Term {
        let mut value = None;
        for region in self.regions.iter().rev() {
            let index = terms.sub(cell, region.base);
            let inside = facts.below(terms, index, region.size);
            if terms.is_false(inside) {
                continue;
            }
            let here = terms.select(region.array, index);
            value = Some(if terms.is_true(inside) {
                here
            } else {
                let other = value.unwrap_or_else(|| terms.select(self.rest, cell));
                terms.ite(inside, here, other)
            });
        }
        value.unwrap_or_else(|| terms.select(self.rest, cell))
    }
}

/// The contents of a register or register file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Register {
    Single(Term),
    File(Array, Vec<Write>),
}

/// Registers and storage.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) registers: Vec<Register>,
    pub(crate) layout: Rc<Layout>,
    pub(crate) writes: Vec<Write>,
}

impl State {
    pub(crate) fn single(&self, id: RegisterId) -> Term {
        match &self.registers[id.index()] {
            Register::Single(t) => *t,
            Register::File(..) => {
                unreachable!("the checker keeps single registers and files apart")
            }
        }
    }

    /// Bits of a single register.
    pub(crate) fn part(&self, terms: &mut Terms, part: Part) -> Term {
        terms.extract(self.single(part.register), part.low, part.width)
    }

    /// Replaces bits of a single register.
    pub(crate) fn set_part(&mut self, terms: &mut Terms, part: Part, value: Term) {
        let old = self.single(part.register);
        let width = terms.width(old);
        let mut new = value;
        if part.low > 0 {
            let low = terms.extract(old, 0, part.low);
            new = terms.concat(new, low);
        }
        let top = part.low + part.width;
        if top < width {
            let high = terms.extract(old, top, width - top);
            new = terms.concat(high, new);
        }
        self.registers[part.register.index()] = Register::Single(new);
    }

    /// A register of a file; past its end 0.
    pub(crate) fn element(
        &self,
        terms: &mut Terms,
        isa: &Isa,
        id: RegisterId,
        index: Term,
    ) -> Term {
        let Register::File(array, writes) = &self.registers[id.index()] else {
            return self.single(id);
        };
        let (index, inside) = file_index(terms, isa, id, index);
        let initial = terms.select(*array, index);
        let value = apply_writes(terms, &Facts::default(), writes, index, initial);
        let zero = terms.constant(0, isa.register(id).width);
        terms.ite(inside, value, zero)
    }

    /// A physical cell; past the end of storage 0.
    pub(crate) fn load(&self, terms: &mut Terms, facts: &Facts, cell: Term) -> Term {
        let exists = facts.below(terms, cell, self.layout.cells);
        if terms.is_false(exists) {
            let width = terms.array_width(self.layout.rest);
            return terms.constant(0, width);
        }
        let initial = self.layout.read(terms, facts, cell);
        let value = apply_writes(terms, facts, &self.writes, cell, initial);
        let width = terms.width(value);
        let zero = terms.constant(0, width);
        terms.ite(exists, value, zero)
    }
}

/// Notes where in the window a cell lies: two runs agree there sooner than about the cell.
pub(crate) fn pass_offset<T>(terms: &mut Terms, place: &T, live: Term, state: &State, cell: Term) {
    if terms.is_plain()
        && let Some(region) = state.layout.regions.last()
    {
        let offset = terms.sub(cell, region.base);
        terms.pass(place, live, offset);
    }
}

/// Notes which writes of two runs hit a cell, where both come to their end: a write hits it in both or
/// in neither, as a rule; and where in the windows it lies.
pub(crate) fn pass_hits(terms: &mut Terms, [a, b]: [(&State, Term, Term); 2]) {
    if !terms.is_plain() {
        return;
    }
    for (place, other) in a.0.writes.iter().zip(&b.0.writes) {
        for (write, (_, cell, ends)) in [(place, a), (other, b)] {
            let hit = terms.eq(write.index, cell);
            let live = terms.and(ends, write.guard);
            terms.pass(place, live, hit);
        }
    }
    for (state, cell, ends) in [a, b] {
        pass_offset(terms, a.0, ends, state, cell);
    }
}

/// An index of a file at its canonical width, and whether it is within.
pub(crate) fn file_index(
    terms: &mut Terms,
    isa: &Isa,
    id: RegisterId,
    index: Term,
) -> (Term, Term) {
    let count = isa.register(id).len() as u128;
    let width = model::bits::bits_for(count - 1);
    let from = terms.width(index);
    let wide = terms.zext(index, from.max(width) + 1);
    let limit = terms.constant(count, from.max(width) + 1);
    let inside = terms.ult(wide, limit);
    (terms.extract(wide, 0, width), inside)
}

/// The value at an index after guarded writes.
fn apply_writes(
    terms: &mut Terms,
    facts: &Facts,
    writes: &[Write],
    index: Term,
    initial: Term,
) -> Term {
    let mut value = initial;
    let number = terms.value(index);
    for write in writes {
        // Most writes of a long list are to other numbers.
        if number.is_some_and(|n| terms.value(write.index).is_some_and(|other| other != n)) {
            continue;
        }
        let same = terms.eq(write.index, index);
        let same = facts.decide(terms, same).map_or(same, |known| terms.bool(known));
        let hit = terms.and(write.guard, same);
        value = terms.ite(hit, write.value, value);
    }
    value
}
