//! What decides an outcome: the conditions in a formula, and the bits of components and operands that they look at.

use model::bits::mask;
use model::isa::{Isa, Kind, Part, Role};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

use crate::prove::problem::Problem;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::state::State;
use crate::symbolic::term::{Node, Term, Terms};
use crate::theorems::choice::component;

/// Bits whose values are all looked at.
const BITS: u32 = 12;

/// Where bits come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// A component that is one register.
    Part(Part),
    /// An operand, by its number.
    Operand(usize),
}

/// Bits of a component or an operand that conditions look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Control {
    variable: Term,
    /// Lowest bit of the variable.
    low: u32,
    pub(super) width: u32,
    /// The same bits by their place in the state or in an operand.
    source: Source,
}

impl Control {
    /// `mstatus.mpp`, `mcounteren[0]`, `rs1`.
    pub(super) fn name(&self, problem: &Problem<'_>) -> String {
        match self.source {
            Source::Part(part) => component(problem.isa, part),
            Source::Operand(i) => {
                let operand = &problem.class.operands[i];
                let (name, low, width) = (&operand.name, self.low, self.width);
                match width {
                    _ if width == operand.width => name.clone(),
                    1 => format!("{name}[{low}]"),
                    _ => format!("{name}[{}:{low}]", low + width - 1),
                }
            }
        }
    }

    /// The name of a value, in the specification's words.
    pub(super) fn value(&self, isa: &Isa, value: usize) -> String {
        let names = match self.source {
            Source::Part(part) => {
                let register = isa.register(part.register);
                let whole = part.width == register.width;
                let field =
                    register.fields.iter().find(|f| (f.low, f.width) == (part.low, part.width));
                field.map_or(if whole { &register.values[..] } else { &[] }, |f| &f.values)
            }
            Source::Operand(_) => &[],
        };
        let named = names.iter().find(|(_, it)| *it == value as u128);
        named.map_or_else(|| model::state::number(value as u128), |(name, _)| name.clone())
    }
}

/// Conditions with one value each for every value of some bits.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// The bits, in the order of the components.
    pub(super) controls: Vec<Control>,
    /// The conditions that depend on these bits alone.
    pub(super) atoms: Vec<Term>,
}

impl Conditions {
    /// The conditions in formulas that depend on few bits of components and operands.
    pub(super) fn of(problem: &Problem<'_>, entry: &State, roots: &[Term]) -> Self {
        let sources = sources(problem, entry);
        let terms = &problem.terms;
        let mut candidates: Vec<(u8, u32, Term, BTreeMap<Term, u128>)> = Vec::new();
        for atom in atoms(terms, roots) {
            let Some(bits) = demanded(terms, atom) else { continue };
            let ranks = bits.keys().map(|t| sources.get(t).map(|(rank, _)| *rank));
            let Some(ranks) = ranks.collect::<Option<Vec<u8>>>() else { continue };
            let count = bits.values().map(|bits| bits.count_ones()).sum();
            candidates.push((ranks.into_iter().max().unwrap_or(0), count, atom, bits));
        }
        // The narrowest come first, M, R and operands before E; equals in the order of the formula.
        candidates.sort_by_key(|(rank, count, ..)| (*rank, *count));
        let mut all: BTreeMap<Term, u128> = BTreeMap::new();
        let mut chosen = Vec::new();
        for (_, _, atom, bits) in candidates {
            let mut more = all.clone();
            for (variable, bits) in bits {
                *more.entry(variable).or_default() |= bits;
            }
            if more.values().map(|bits| bits.count_ones()).sum::<u32>() <= BITS {
                all = more;
                chosen.push(atom);
            }
        }
        let mut controls = Vec::new();
        for (variable, bits) in all {
            controls.extend(split(problem.isa, variable, bits, sources[&variable].1));
        }
        Self { controls, atoms: chosen }
    }

    /// Number of bits.
    fn bits(&self) -> u32 {
        self.controls.iter().map(|control| control.width).sum()
    }

    /// The values of the conditions, for each value of the bits.
    pub(super) fn rows(&self, terms: &Terms) -> Vec<Vec<bool>> {
        let row = |number: u128| {
            let (mut model, mut rest) = (Model::default(), number);
            for control in &self.controls {
                let value = (rest & mask(control.width)) << control.low;
                rest >>= control.width;
                *model.variables.entry(control.variable).or_default() |= value;
            }
            let mut evaluator = Evaluator::new(terms, &model);
            self.atoms.iter().map(|atom| evaluator.value(*atom) == 1).collect()
        };
        (0..1 << self.bits()).map(row).collect()
    }
}

/// The variables of a state and of operands that may be shown, with a rank: operands, M and R come before E. P, and
/// where storage is found, are not among them.
fn sources(problem: &Problem<'_>, entry: &State) -> BTreeMap<Term, (u8, Source)> {
    let mut all = BTreeMap::new();
    for (id, register) in problem.isa.register_ids().filter(|(_, r)| r.count.is_none()) {
        for slice in &register.slices {
            let mapping = matches!(slice.kind, Some(Kind::Relocation | Kind::Bounds));
            let rank = match slice.role {
                Role::M | Role::R if !mapping => 0,
                Role::E => 1,
                Role::M | Role::R | Role::P => continue,
            };
            let part = Part { register: id, low: slice.low, width: slice.width };
            // The entry state holds variables, but for the mode.
            let mut open = vec![(entry.single(id), 0)];
            while let Some((t, low)) = open.pop() {
                match problem.terms.node(t) {
                    Node::Concat(high, rest) => {
                        open.push((*high, low + problem.terms.width(*rest)));
                        open.push((*rest, low));
                    }
                    Node::Variable(_) if low == part.low => {
                        all.insert(t, (rank, Source::Part(part)));
                    }
                    _ => {}
                }
            }
        }
    }
    for (i, operand) in problem.operands.iter().enumerate() {
        if matches!(problem.terms.node(*operand), Node::Variable(_)) {
            all.insert(*operand, (0, Source::Operand(i)));
        }
    }
    all
}

/// The bits of a variable by fields, where these are whole, and else by stretches.
fn split(isa: &Isa, variable: Term, bits: u128, source: Source) -> Vec<Control> {
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    let mut rest = bits;
    if let Source::Part(part) = source {
        let mut fields: Vec<_> = isa.register(part.register).fields.iter().collect();
        fields.sort_by_key(|field| (field.width, field.low));
        for field in fields.into_iter().filter(|field| field.low >= part.low) {
            let own = mask(field.width) << (field.low - part.low);
            if rest & own == own {
                stretches.push((field.low - part.low, field.width));
                rest &= !own;
            }
        }
    }
    while rest != 0 {
        let low = rest.trailing_zeros();
        let width = (rest >> low).trailing_ones();
        stretches.push((low, width));
        rest &= !(mask(width) << low);
    }
    stretches.sort_unstable();
    let control = |(low, width): (u32, u32)| {
        let source = match source {
            Source::Part(part) => Source::Part(Part { low: part.low + low, width, ..part }),
            Source::Operand(i) => Source::Operand(i),
        };
        Control { variable, low, width, source }
    };
    stretches.into_iter().map(control).collect()
}

/// The conditions that formulas are made of by and, or, not and choice, in the order in which they are met.
fn atoms(terms: &Terms, roots: &[Term]) -> Vec<Term> {
    let mut all = Vec::new();
    let mut seen = FxHashSet::default();
    let mut open: Vec<Term> = roots.iter().rev().copied().collect();
    while let Some(t) = open.pop() {
        if !seen.insert(t) {
            continue;
        }
        match *terms.node(t) {
            Node::Const(_) => {}
            Node::Not(a) => open.push(a),
            Node::And(a, b) | Node::Or(a, b) | Node::Xor(a, b) => open.extend([b, a]),
            Node::Eq(a, b) if terms.width(a) == 1 => open.extend([b, a]),
            Node::Ite(c, a, b) => open.extend([b, a, c]),
            _ => all.push(t),
        }
    }
    all
}

/// The bits of variables that a term looks at; none if it reads storage or a register file.
fn demanded(terms: &Terms, root: Term) -> Option<BTreeMap<Term, u128>> {
    let mut all: BTreeMap<Term, u128> = BTreeMap::new();
    let mut seen = FxHashSet::default();
    let mut open = vec![(root, mask(terms.width(root)))];
    while let Some((t, bits)) = open.pop() {
        if bits == 0 || !seen.insert((t, bits)) {
            continue;
        }
        let whole = |t: &Term| (*t, mask(terms.width(*t)));
        // A carry comes from below only.
        let up_to = mask(128 - bits.leading_zeros());
        match terms.node(t) {
            Node::Const(_) => {}
            Node::Variable(_) => *all.entry(t).or_default() |= bits,
            Node::Select(..) => return None,
            Node::Not(a) => open.push((*a, bits)),
            Node::And(a, b) => {
                // Where one is constantly zero the other does not matter.
                let of = |t: &Term| terms.value(*t).unwrap_or(u128::MAX);
                open.extend([(*a, bits & of(b)), (*b, bits & of(a))]);
            }
            Node::Or(a, b) => {
                let of = |t: &Term| !terms.value(*t).unwrap_or(0);
                open.extend([(*a, bits & of(b)), (*b, bits & of(a))]);
            }
            Node::Xor(a, b) => open.extend([(*a, bits), (*b, bits)]),
            Node::Sum(parts, _) => open.extend(parts.iter().map(|(t, _)| (*t, up_to))),
            Node::Mul(a, b) => open.extend([(*a, up_to), (*b, up_to)]),
            Node::Divide(_, a, b)
            | Node::Shift(_, a, b)
            | Node::Eq(a, b)
            | Node::Ult(a, b)
            | Node::Slt(a, b) => open.extend([whole(a), whole(b)]),
            Node::Ite(c, a, b) => open.extend([whole(c), (*a, bits), (*b, bits)]),
            Node::Concat(high, low) => {
                let width = terms.width(*low);
                open.extend([(*high, bits >> width), (*low, bits & mask(width))]);
            }
            Node::Extract(a, low) => open.push((*a, bits << low)),
            Node::Zext(a) => open.push((*a, bits & mask(terms.width(*a)))),
            Node::Sext(a) => {
                let width = terms.width(*a);
                let sign = if bits >> width == 0 { 0 } else { 1 << (width - 1) };
                open.push((*a, bits & mask(width) | sign));
            }
            Node::Parity(a) => open.push(whole(a)),
        }
    }
    Some(all)
}
