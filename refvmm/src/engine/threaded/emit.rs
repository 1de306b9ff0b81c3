//! Micro-ops that compute terms, and the mappings of the storage they read.

#![allow(
    clippy::inconsistent_struct_constructor,
    reason = "operands of micro-ops stand in the order of their meaning"
)]

use super::alu::{Alu, low_bits};
use super::mapping::{Cell, Row, limits};
use super::ops::{Access, MicroOp, code, number};
use super::select::{Group, Key, Selector, TEMPORARIES, Target, Unsupported, op, walk};
use super::terms::{Kind, Term};

impl Selector<'_, '_> {
    pub(super) fn temporary(&mut self) -> Result<u16, Unsupported> {
        if self.next > TEMPORARIES + self.target.operands {
            return Err(Unsupported);
        }
        self.next += 1;
        Ok(self.target.zero + self.next - 1)
    }

    /// The slot that holds a term.
    pub(super) fn term(&mut self, term: Term) -> Result<u16, Unsupported> {
        if let Some(slot) = self.path.at.get(&term) {
            return Ok(*slot);
        }
        match self.target.terms.kind(term) {
            Kind::Slot(slot) if self.path.overwritten.contains(&slot) => Err(Unsupported),
            Kind::Slot(slot) => Ok(slot),
            Kind::Const(0) => Ok(self.target.zero),
            _ => {
                let d = self.temporary()?;
                self.term_to(term, d)?;
                Ok(d)
            }
        }
    }

    /// A temporary that holds a term.
    pub(super) fn saved(&mut self, term: Term) -> Result<u16, Unsupported> {
        let slot = self.term(term)?;
        if slot >= self.target.zero {
            return Ok(slot);
        }
        let d = self.temporary()?;
        self.ops.push(MicroOp { d, a: slot, ..op(code::MOVE) });
        self.path.at.insert(term, d);
        Ok(d)
    }

    /// Puts a term into a slot.
    pub(super) fn term_to(&mut self, term: Term, d: u16) -> Result<(), Unsupported> {
        if let Some(a) = self.path.at.get(&term) {
            let a = *a;
            self.ops.push(MicroOp { d, a, ..op(code::MOVE) });
            return Ok(());
        }
        let m = low_bits(self.target.terms.width(term));
        match self.target.terms.kind(term) {
            Kind::Const(k) => self.ops.push(MicroOp { d, k, ..op(code::CONST) }),
            Kind::Cells => {
                self.ops.push(MicroOp { d, k: self.target.cpu.cells() & m, ..op(code::CONST) });
            }
            Kind::Slot(_) => {
                let a = self.term(term)?;
                self.ops.push(MicroOp { d, a, ..op(code::MOVE) });
                return Ok(());
            }
            Kind::Element { first, len, index } => {
                let file = first..first + len;
                if self.path.overwritten.iter().any(|slot| file.contains(slot)) {
                    return Err(Unsupported);
                }
                let a = self.term(index)?;
                let (k, m) = (u64::from(first), u64::from(len));
                self.ops.push(MicroOp { d, a, k, m, ..op(code::ELEMENT) });
            }
            Kind::Load(place) => self.load(place, d)?,
            Kind::Apply(kind, x, y, c) => {
                let a = self.term(x)?;
                let it = match self.target.terms.as_const(y) {
                    Some(k) => MicroOp { k, ..op(code::IMMEDIATE + number(kind)) },
                    None => MicroOp { b: self.term(y)?, ..op(code::REGISTERS + number(kind)) },
                };
                self.ops.push(MicroOp { d, a, c, m, ..it });
            }
            Kind::Select(condition, x, y) => {
                let a = self.term(condition)?;
                let (b, k) = (self.term(x)?, u64::from(self.term(y)?));
                self.ops.push(MicroOp { d, a, b, k, ..op(code::SELECT) });
            }
        }
        self.path.at.insert(term, d);
        Ok(())
    }

    pub(super) fn load(&mut self, place: Term, d: u16) -> Result<(), Unsupported> {
        let cell = Cell::of(self.target.terms, place);
        let key = (cell.address, cell.base);
        let group = self.groups.get(&key).copied().ok_or(Unsupported)?;
        if self.is_single(&key, cell.offset) {
            let it = self.mapped(&key, group)?;
            self.ops.push(MicroOp { d, ..it.with(code::LOAD) });
            return Ok(());
        }
        let (a, start) = self.place(&key)?;
        let k = start + cell.offset - if key.0.is_none() { group.least } else { 0 };
        self.ops.push(MicroOp { d, a, k, ..op(code::LOAD_AT) });
        self.fuse(code::LOAD_AT);
        Ok(())
    }

    /// Checks everything but what a load checks itself.
    pub(super) fn before_load(&mut self, place: Term) -> Result<(), Unsupported> {
        self.loads_of(place)?;
        let cell = Cell::of(self.target.terms, place);
        let key = (cell.address, cell.base);
        if self.is_single(&key, cell.offset) {
            return self.flush(Some(&key));
        }
        self.place(&key)?;
        self.flush(None)
    }

    /// Whether an access is the only one of its group, and so needs no place.
    pub(super) fn is_single(&self, key: &Key, offset: u64) -> bool {
        let single = |g: &Group| g.least == g.most && (g.stores.is_none() || g.count == 1);
        let fresh = !self.path.places.contains_key(key);
        fresh && self.groups.get(key).is_some_and(single) && (key.0.is_none() || offset == 0)
    }

    /// Where a group starts: a slot that holds a place, and what is added to it.
    pub(super) fn place(&mut self, key: &Key) -> Result<(u16, u64), Unsupported> {
        if let Some(place) = self.path.places.get(key) {
            return Ok(*place);
        }
        let group = self.groups.get(key).copied().ok_or(Unsupported)?;
        let it = self.mapped(key, group)?;
        let place = if key.0.is_none() {
            // It is known where that is.
            let Access { offset, limits, .. } = it.access();
            if offset >= limits.limit {
                self.ops.push(walk());
            }
            (self.target.zero, u64::from(limits.base) + u64::from(offset))
        } else {
            let d = self.temporary()?;
            self.ops.push(MicroOp { d, ..it.with(code::PLACE) });
            (d, 0)
        };
        self.path.places.insert(key.clone(), place);
        Ok(place)
    }

    /// The operands of an access through a mapping; the conditions about its address that are
    /// pending are part of the mapping.
    pub(super) fn mapped(&mut self, key: &Key, group: Group) -> Result<MicroOp, Unsupported> {
        let (address, base) = key;
        let (a, offset, width) = match *address {
            None => (self.target.zero, group.least, 32),
            Some(t) => {
                let width = self.target.terms.width(t);
                match self.target.terms.kind(t) {
                    Kind::Apply(Alu::Add, x, y, _)
                        if !self.path.at.contains_key(&t)
                            && width <= 32
                            && self.target.terms.as_const(y).is_some() =>
                    {
                        (self.term(x)?, self.target.terms.as_const(y).unwrap_or(0), width)
                    }
                    _ => (self.term(t)?, 0, width),
                }
            }
        };
        let offset = u32::try_from(offset).map_err(|_| Unsupported)?;
        if width > 32 {
            // Where a place may be is told by 32 bits.
            let d = self.temporary()?;
            let below = code::IMMEDIATE + number(Alu::Ult);
            self.ops.push(MicroOp { d, a, c: width as u8, k: 1 << 32, m: 1, ..op(below) });
            self.ops.push(MicroOp { a: d, ..op(code::TEST) });
        }
        let (reach, at) = match address {
            None => (group.most - group.least, group.least),
            Some(_) => (group.most, 0),
        };
        let pending = std::mem::take(&mut self.path.pending);
        let checks = |row: &Option<Row>| row.as_ref().is_some_and(|r| r.address == *address);
        let (mine, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(_, r)| checks(r));
        self.path.pending = others;
        let rows: Vec<&Row> = mine.iter().filter_map(|(_, row)| row.as_ref()).collect();
        let Target { terms, cpu, .. } = &self.target;
        let limits = limits(terms, cpu, &rows, base, reach, at);
        let mask = low_bits(width.min(32)) as u32;
        Ok(MicroOp { a, ..op(code::LOAD) }.with_access(Access { offset, mask, limits }))
    }
}
