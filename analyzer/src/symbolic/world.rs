//! For tests: an arena together with the value of every term under each of some assignments.

use model::bits::{Bits, Op, mask};

use super::model::{Model, evaluate};
use super::term::{Node, Term, Terms};
use crate::sat::tests::Random;

/// Widest term whose values are kept.
pub(crate) const WIDEST: u32 = 8;

/// Which leaves a world has, at a width.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaves {
    /// Two variables.
    Variables,
    /// A variable, a narrower one, a condition.
    Mixed,
    /// A variable with a greatest value, another, and their sum, which does not wrap.
    Bounded,
    /// Contents of an array at two places.
    Selects,
}

impl Leaves {
    pub(crate) const ALL: [Self; 4] = [Self::Variables, Self::Mixed, Self::Bounded, Self::Selects];
}

/// An arena and assignments.
pub(crate) struct World {
    pub(crate) terms: Terms,
    pub(crate) assignments: Vec<Model>,
    /// By term, the value under each assignment.
    tables: Vec<Vec<u8>>,
}

impl World {
    /// A world and its leaves.
    pub(crate) fn new(leaves: Leaves, width: u32, random: &mut Random) -> (Self, Vec<Term>) {
        let mut terms = Terms::default();
        let (variables, more) = match leaves {
            Leaves::Variables => (vec![terms.variable(width), terms.variable(width)], vec![]),
            Leaves::Mixed => {
                let narrow = terms.variable((width - 1).max(1));
                (vec![terms.variable(width), narrow, terms.variable(1)], vec![])
            }
            Leaves::Bounded => {
                let bounded = terms.variable_up_to(width, mask(width) * 2 / 3);
                let other = terms.variable(width);
                let sum = terms.add_exact(bounded, other);
                (vec![bounded, other], vec![sum])
            }
            Leaves::Selects => {
                let (i, j) = (terms.variable(2), terms.variable(2));
                let array = terms.array(width);
                (vec![i, j], vec![terms.select(array, i), terms.select(array, j)])
            }
        };
        let mut assignments = vec![Model::default()];
        for v in &variables {
            let values = 0..=mask(terms.width(*v));
            let with = |model: &Model, value| {
                let mut model = model.clone();
                model.variables.insert(*v, value);
                model
            };
            let all = assignments.iter().flat_map(|m| values.clone().map(move |x| with(m, x)));
            assignments = all.collect();
        }
        if let Leaves::Bounded = leaves {
            let (bounded, other) = (variables[0], variables[1]);
            assignments.retain(|m| {
                let (a, b) = (m.variables[&bounded], m.variables[&other]);
                a <= terms.max(bounded) && a + b <= mask(width)
            });
        }
        if let Some(&Node::Select(array, _)) = more.first().map(|t| terms.node(*t)) {
            // One assignment to the indices, several to the contents.
            assignments = [assignments.clone(), assignments.clone(), assignments].concat();
            for model in &mut assignments {
                let mut content = |_| u128::from(random.next()) & mask(width);
                model.arrays.insert(array, (0..4).map(|i| (i, content(i))).collect());
            }
        }
        (Self { terms, assignments, tables: Vec::new() }, [variables, more].concat())
    }

    /// The values of a term; those of every term made before it are computed as well.
    pub(crate) fn table(&mut self, t: Term) -> &[u8] {
        let mut x = Vec::new();
        for id in self.tables.len()..self.terms.len() {
            let id = Term(id as u32);
            let children = self.terms.children(id);
            let value = |(i, model): (usize, &Model)| {
                x.clear();
                x.extend(children.iter().map(|c| {
                    let value = self.tables[c.0 as usize][i];
                    Bits::new(u128::from(value), self.terms.width(*c))
                }));
                let value = evaluate(&self.terms, id, &x, model);
                u8::try_from(value).expect("no term is wider than WIDEST")
            };
            let table = self.assignments.iter().enumerate().map(value).collect();
            self.tables.push(table);
        }
        &self.tables[t.0 as usize]
    }

    /// Applies an operator and checks that the result has the value that the operator table says.
    pub(crate) fn apply(&mut self, op: Op, x: &[Term], width: u32) -> Term {
        let result = self.terms.apply(op, x, width);
        self.check(result, x, width, &|x| op.apply(x, width).value, &|| op.name().into());
        result
    }

    /// Checks the value of a result against a meaning over operands.
    pub(crate) fn check(
        &mut self,
        result: Term,
        x: &[Term],
        width: u32,
        meaning: &dyn Fn(&[Bits]) -> u128,
        name: &dyn Fn() -> String,
    ) {
        assert_eq!(self.terms.width(result), width, "{} of the wrong width", name());
        self.table(result);
        let tables: Vec<&[u8]> = x.iter().map(|t| &*self.tables[t.0 as usize]).collect();
        let widths: Vec<u32> = x.iter().map(|t| self.terms.width(*t)).collect();
        let mut operands = Vec::new();
        for (i, value) in self.tables[result.0 as usize].iter().enumerate() {
            operands.clear();
            let here = tables.iter().zip(&widths);
            operands.extend(here.map(|(t, w)| Bits::new(u128::from(t[i]), *w)));
            let expected = meaning(&operands);
            let parts = || x.iter().map(|t| self.show(*t)).collect::<Vec<_>>().join(", ");
            assert_eq!(
                u128::from(*value),
                expected,
                "{}({}) became {} under {:?}",
                name(),
                parts(),
                self.show(result),
                self.assignments[i].variables
            );
            assert!(
                u128::from(*value) <= self.terms.max(result),
                "{} has values above its greatest",
                self.show(result)
            );
        }
    }

    /// The integer value of a term is its linear form.
    pub(crate) fn check_integer(&mut self, t: Term) {
        let (form, constant) = self.terms.integer(t);
        self.table(t);
        for (i, value) in self.tables[t.0 as usize].iter().enumerate() {
            let part = |(u, c): &(Term, i128)| c * i128::from(self.tables[u.0 as usize][i]);
            let total = constant + form.iter().map(part).sum::<i128>();
            assert_eq!(i128::from(*value), total, "{} as an integer", self.show(t));
        }
    }

    /// A term in full, for messages.
    pub(crate) fn show(&self, t: Term) -> String {
        let children = self.terms.children(t);
        let children: Vec<String> = children.iter().map(|c| self.show(*c)).collect();
        let (node, width) = (self.terms.node(t), self.terms.width(t));
        format!("<{node:?}>u{width}[{}]", children.join(", "))
    }
}
