//! A concrete state of the machine, and the printable difference of two.

use std::collections::{BTreeMap, BTreeSet};

use crate::bits::{Bits, mask};
use crate::isa::{Isa, Part, Register, RegisterId, Role, Site, Slice};

/// A state ⟨e, m, p, r⟩: all components, storage sparse.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// Number of physical cells, q.
    pub cells: u128,
    /// The registers' values, in the order of [`Isa::registers`].
    pub registers: Vec<Vec<u128>>,
    /// The cells that are not zero, by physical address.
    pub storage: BTreeMap<u128, u128>,
}

impl State {
    /// Everything zero, with `cells` physical cells.
    pub fn zero(isa: &Isa, cells: u128) -> Self {
        let registers = isa.registers.iter().map(|r| vec![0; r.len() as usize]).collect();
        Self { cells, registers, storage: BTreeMap::new() }
    }

    /// A single register.
    pub fn register(&self, id: RegisterId) -> u128 {
        self.registers[id.index()][0]
    }

    /// A register of a file; past its end 0.
    pub fn element(&self, id: RegisterId, index: u128) -> u128 {
        let file = &self.registers[id.index()];
        usize::try_from(index).ok().and_then(|i| file.get(i)).copied().unwrap_or(0)
    }

    /// Sets a register of a file; past its end nothing.
    pub fn set_element(&mut self, id: RegisterId, index: u128, value: u128) {
        let file = &mut self.registers[id.index()];
        if let Some(place) = usize::try_from(index).ok().and_then(|i| file.get_mut(i)) {
            *place = value;
        }
    }

    /// Bits of a single register.
    pub fn part(&self, part: Part) -> u128 {
        self.register(part.register) >> part.low & mask(part.width)
    }

    /// Sets bits of a single register.
    pub fn set_part(&mut self, part: Part, value: u128) {
        let bits = mask(part.width) << part.low;
        let place = &mut self.registers[part.register.index()][0];
        *place = *place & !bits | value << part.low & bits;
    }

    /// A physical cell; past the end of storage 0.
    pub fn load(&self, cell: u128) -> u128 {
        if cell < self.cells { self.storage.get(&cell).copied().unwrap_or(0) } else { 0 }
    }

    /// Sets a physical cell; past the end of storage nothing.
    pub fn store(&mut self, cell: u128, value: u128) {
        if cell >= self.cells {
            return;
        }
        if value == 0 {
            self.storage.remove(&cell);
        } else {
            self.storage.insert(cell, value);
        }
    }

    /// The bits of one role, as a list of (register, element, slice, value).
    pub fn of_role<'a>(
        &'a self,
        isa: &'a Isa,
        wanted: impl Fn(&Slice) -> bool + 'a,
    ) -> impl Iterator<Item = (RegisterId, u32, &'a Slice, u128)> + 'a {
        isa.register_ids().flat_map(move |(id, register)| {
            let chosen: Vec<&Slice> = register.slices.iter().filter(|s| wanted(s)).collect();
            (0..register.len()).flat_map(move |i| {
                let value = self.registers[id.index()][i as usize];
                let read = move |s: &'a Slice| (id, i, s, value >> s.low & mask(s.width));
                chosen.clone().into_iter().map(read)
            })
        })
    }

    /// Whether all bits of one role are equal in both states.
    pub fn agrees(&self, other: &Self, isa: &Isa, role: Role) -> bool {
        let of = |s: &Slice| s.role == role;
        self.of_role(isa, of).eq(other.of_role(isa, of))
    }

    /// Every component and cell that is not zero or differs between the states, one line each.
    pub fn table(isa: &Isa, states: &[&Self]) -> Vec<Row> {
        let mut rows = Vec::new();
        for (id, register) in isa.register_ids() {
            for i in 0..register.len() {
                let values: Vec<u128> =
                    states.iter().map(|s| s.registers[id.index()][i as usize]).collect();
                rows.extend(register_rows(id, register, i, &values));
            }
        }
        let touched: BTreeSet<u128> =
            states.iter().flat_map(|s| s.storage.keys().copied()).collect();
        for cell in touched {
            let values: Vec<_> =
                states.iter().map(|s| Bits::new(s.load(cell), isa.storage.width)).collect();
            rows.push(Row {
                name: format!("phys[{}]", number(cell)),
                site: Site::Cell(cell),
                letter: 'E',
                values,
                names: Vec::new(),
            });
        }
        rows
    }
}

/// One component in several states.
#[derive(Debug, Clone)]
pub struct Row {
    /// The component, with its index or field.
    pub name: String,
    /// Where it stands in a state.
    pub site: Site,
    /// E, M, P or R.
    pub letter: char,
    /// Its value in each state.
    pub values: Vec<Bits>,
    /// Names the specification gives to values.
    pub names: Vec<(String, u128)>,
}

impl Row {
    /// Whether the states differ here.
    pub fn differs(&self) -> bool {
        self.values.windows(2).any(|pair| pair[0] != pair[1])
    }

    /// Whether it belongs to M or R.
    pub fn is_control(&self) -> bool {
        matches!(self.letter, 'M' | 'R')
    }

    /// A value as text: by its name where it has one.
    pub fn text(&self, state: usize) -> String {
        let value = self.values[state].value;
        match self.names.iter().find(|(_, v)| *v == value) {
            Some((name, _)) => name.clone(),
            None => number(value),
        }
    }
}

/// Small numbers in decimal, others in hexadecimal.
pub fn number(value: u128) -> String {
    if value < 10 { value.to_string() } else { format!("{value:#x}") }
}

/// Some bits of a register: name, lowest bit, width, names of values.
type NamedBits<'r> = (String, u32, u32, &'r [(String, u128)]);

/// A register as one row, or one row for each field and each gap between fields.
fn register_rows(id: RegisterId, register: &Register, index: u32, values: &[u128]) -> Vec<Row> {
    let name = match register.count {
        Some(_) => format!("{}[{index}]", register.name),
        None => register.name.clone(),
    };
    let mut parts: Vec<NamedBits<'_>> = register
        .fields
        .iter()
        .map(|f| (format!("{name}.{}", f.name), f.low, f.width, f.values.as_slice()))
        .collect();
    if parts.is_empty() {
        parts.push((name, 0, register.width, register.values.as_slice()));
    } else {
        let named = register.fields.iter().fold(0, |all, f| all | mask(f.width) << f.low);
        let gaps = mask(register.width) & !named;
        let mut low = 0;
        while low < register.width {
            let width = (gaps >> low).trailing_ones().min(register.width - low);
            if width > 0 {
                parts.push((format!("{name}[{}:{low}]", low + width - 1), low, width, &[]));
            }
            low += width.max(1);
        }
    }
    let part = |(name, low, width, names): NamedBits<'_>| {
        let values: Vec<_> = values.iter().map(|v| Bits::new(v >> low, width)).collect();
        let slice = register.slices.iter().find(|s| s.low <= low && low < s.low + s.width);
        let letter = slice.map_or('E', |s| s.role.word().chars().next().unwrap_or('E'));
        let interesting = values.iter().any(|v| v.value != 0) || !names.is_empty();
        let site = Site::Part { register: id, element: u128::from(index), low, width };
        interesting.then(|| Row { name, site, letter, values, names: names.to_vec() })
    };
    parts.into_iter().filter_map(part).collect()
}
