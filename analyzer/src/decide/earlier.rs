//! Models of earlier questions, tried on the present one.

use std::collections::BTreeMap;

use model::bits::mask;

use super::search::Plan;
use crate::symbolic::model::Model;
use crate::symbolic::term::{Array, Mark, Node, Term, Terms};

/// Models of earlier questions about one class. Questions set their states up alike, so what
/// satisfied one, read by the order in which variables were made, often satisfies the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelCache {
    /// Where the present question begins.
    start: Mark,
    models: Vec<ByOrder>,
}

/// A model by the numbers of variables and arrays: those of the question count from its start, those
/// that it shares with other questions are themselves.
#[derive(Debug, Clone)]
struct ByOrder {
    variables: BTreeMap<Number, u128>,
    arrays: BTreeMap<Number, BTreeMap<u128, u128>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Shared(u32),
    Own(u32),
}

impl Number {
    fn of(number: u32, start: u32) -> Self {
        number.checked_sub(start).map_or(Self::Shared(number), Self::Own)
    }

    fn back(self, start: u32) -> u32 {
        match self {
            Self::Shared(number) => number,
            Self::Own(number) => start + number,
        }
    }
}

impl ModelCache {
    /// What is made from now on belongs to a new question.
    pub(crate) fn begin(&mut self, terms: &Terms) {
        self.start = terms.mark();
    }

    /// A model of some conditions among these, where a question has begun at `start`.
    pub(crate) fn satisfying(&self, terms: &Terms, start: Mark, roots: &[Term]) -> Option<Model> {
        Plan::new(terms, roots).recall(&Self { start, models: self.models.clone() })
    }

    pub(crate) fn keep(&mut self, terms: &Terms, model: &Model) {
        let Mark { variables, arrays } = self.start;
        let number = |t: &Term| match *terms.node(*t) {
            Node::Variable(number) => Number::of(number, variables),
            _ => unreachable!("a model is about variables"),
        };
        let model = ByOrder {
            variables: model.variables.iter().map(|(t, v)| (number(t), *v)).collect(),
            arrays: model
                .arrays
                .iter()
                .map(|(Array(n), cells)| (Number::of(*n, arrays), cells.clone()))
                .collect(),
        };
        self.models.push(model);
        if self.models.len() > REMEMBERED {
            self.models.remove(0);
        }
    }
}

/// Models that are kept.
const REMEMBERED: usize = 16;

impl Plan<'_> {
    /// Tries the models of earlier questions, the latest first.
    pub(crate) fn recall(&self, earlier: &ModelCache) -> Option<Model> {
        let models = earlier.models.iter().rev();
        models.map(|model| self.as_now(model, earlier.start)).find(|model| self.satisfied(model))
    }

    fn as_now(&self, earlier: &ByOrder, start: Mark) -> Model {
        let mut model = Model::default();
        for &t in &self.variables {
            let Node::Variable(number) = *self.terms.node(t) else { continue };
            let known = earlier.variables.get(&Number::of(number, start.variables)).copied();
            let value = known.or(self.terms.suggestion(t)).unwrap_or(0);
            model.variables.insert(t, self.within(t, value));
        }
        for (number, cells) in &earlier.arrays {
            let array = Array(number.back(start.arrays));
            // Another question's may be of another sort, or not be there.
            if array.0 < self.terms.mark().arrays {
                let all = mask(self.terms.array_width(array));
                let cells = cells.iter().map(|(index, value)| (*index, value & all)).collect();
                model.arrays.insert(array, cells);
            }
        }
        model
    }
}
