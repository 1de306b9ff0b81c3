//! Micro-ops that compute terms, and the mappings of the storage they read.

#![allow(
    clippy::inconsistent_struct_constructor,
    reason = "operands of micro-ops stand in the order of their meaning"
)]

use super::alu::{Alu, low_bits};
use super::mapping::{Cell, Mapping, Row};
use super::ops::{MicroOp, code, number};
use super::select::{Group, Key, Selector, TEMPORARIES, Unsupported, op};
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
                self.ops.push(MicroOp { d, k: self.target.cells & m, ..op(code::CONST) });
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
        let a = self.place(&key)?;
        let k = if key.0.is_none() { cell.offset - group.least } else { cell.offset };
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

    /// The slot that holds the place where a group starts.
    pub(super) fn place(&mut self, key: &Key) -> Result<u16, Unsupported> {
        if let Some(slot) = self.path.places.get(key) {
            return Ok(*slot);
        }
        let group = self.groups.get(key).copied().ok_or(Unsupported)?;
        let it = self.mapped(key, group)?;
        let d = self.temporary()?;
        self.ops.push(MicroOp { d, ..it.with(code::PLACE) });
        self.path.places.insert(key.clone(), d);
        Ok(d)
    }

    /// The operands of an access through a mapping; the conditions about its address that are
    /// pending are part of the mapping.
    pub(super) fn mapped(&mut self, key: &Key, group: Group) -> Result<MicroOp, Unsupported> {
        let (address, base) = key;
        let (a, k, m) = match *address {
            None => (self.target.zero, group.least, u64::MAX),
            Some(t) => match self.target.terms.kind(t) {
                Kind::Apply(Alu::Add, x, y, _)
                    if !self.path.at.contains_key(&t)
                        && self.target.terms.as_const(y).is_some() =>
                {
                    let k = self.target.terms.as_const(y).unwrap_or(0);
                    (self.term(x)?, k, low_bits(self.target.terms.width(t)))
                }
                _ => (self.term(t)?, 0, u64::MAX),
            },
        };
        let (reach, at) = match address {
            None => (group.most - group.least, group.least),
            Some(_) => (group.most, 0),
        };
        let pending = std::mem::take(&mut self.path.pending);
        let checks = |row: &Option<Row>| row.as_ref().is_some_and(|r| r.address == *address);
        let (mine, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(_, r)| checks(r));
        self.path.pending = others;
        let rows: Vec<&Row> = mine.iter().filter_map(|(_, row)| row.as_ref()).collect();
        let mapping = Mapping::new(&rows, base, reach, at);
        let known = self.target.mappings.iter().position(|m| *m == mapping);
        let c = known.unwrap_or_else(|| {
            self.target.mappings.push(mapping);
            self.target.mappings.len() - 1
        });
        let c = u8::try_from(c).map_err(|_| {
            self.target.mappings.truncate(256);
            Unsupported
        })?;
        Ok(MicroOp { a, k, m, c, ..op(code::LOAD) })
    }
}
