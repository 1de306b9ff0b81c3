//! Names and the values of expressions.

use std::collections::BTreeMap;

use model::diagnostic::{Span, did_you_mean};
use model::isa::{Isa, RegisterId};

use super::expression::{Expression, Item, binary, unary};
use super::registers::named;
use super::{Checked, Wrong, suggestions};

/// Longest chain of constants that are defined by constants further down.
const MAX_CHAIN: u32 = 64;

/// A number, or a register by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// The number.
    pub(super) number: i128,
    /// The file, if a register's name was written.
    pub(super) file: Option<RegisterId>,
}

/// What `.` and `->` mean in a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Address of the statement.
    pub(super) address: u128,
    /// Cells it takes.
    pub(super) length: u128,
}

/// What a name stands for.
#[derive(Debug)]
enum Meaning<'s, 't> {
    /// An address.
    Label(u128),
    /// A value, once it was needed; the expression and where it stands.
    Constant(&'s Expression<'t>, Place, Option<Value>),
    /// A name that is defined further down than the layout has come.
    Ahead,
}

/// The names of a program. Those defined further down are not known while it is laid out.
#[derive(Debug)]
pub(super) struct Symbols<'s, 't> {
    isa: &'s Isa,
    table: BTreeMap<&'t str, (Span, Meaning<'s, 't>)>,
}

impl<'s, 't> Symbols<'s, 't> {
    /// No names but those of registers.
    pub(super) fn new(isa: &'s Isa) -> Self {
        Self { isa, table: BTreeMap::new() }
    }

    /// Makes a name known, without its meaning.
    pub(super) fn declare(&mut self, name: &'t str, span: Span) -> Checked<()> {
        if named(self.isa, name).is_some() {
            return Err(Wrong::new("P030", span, format!("`{name}` is the name of a register")));
        }
        if let Some((first, _)) = self.table.get(name) {
            let twice = Wrong::new("P031", span, format!("`{name}` is defined twice"));
            return Err(twice.related(*first, "first defined here"));
        }
        self.table.insert(name, (span, Meaning::Ahead));
        Ok(())
    }

    /// Gives a label its address. Of a name that is defined twice the first definition counts.
    pub(super) fn label(&mut self, name: &'t str, span: Span, address: u128) {
        self.define(name, span, Meaning::Label(address));
    }

    /// Gives a constant its expression.
    pub(super) fn constant(
        &mut self,
        name: &'t str,
        span: Span,
        value: &'s Expression<'t>,
        place: Place,
    ) {
        self.define(name, span, Meaning::Constant(value, place, None));
        // Chains upwards are settled link by link; what refers downwards is looked at again later.
        let _ = self.name(name, span, 0);
    }

    fn define(&mut self, name: &'t str, span: Span, meaning: Meaning<'s, 't>) {
        if let Some(entry) = self.table.get_mut(name).filter(|(first, _)| *first == span) {
            entry.1 = meaning;
        }
    }

    /// The labels with their addresses.
    pub(super) fn labels(&self) -> BTreeMap<String, u128> {
        let label = |(name, (_, meaning)): (&&str, &(Span, Meaning<'_, '_>))| match meaning {
            Meaning::Label(address) => Some(((*name).to_owned(), *address)),
            Meaning::Constant(..) | Meaning::Ahead => None,
        };
        self.table.iter().filter_map(label).collect()
    }

    /// The name of a label, if that is all there is.
    pub(super) fn only_label(&self, expression: &Expression<'t>) -> Option<&'t str> {
        let [(Item::Name(name), _)] = expression.items.as_slice() else { return None };
        let is_label = matches!(self.table.get(name), Some((_, Meaning::Label(_))));
        is_label.then_some(*name)
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, expression: &Expression<'t>, place: Place) -> Checked<Value> {
        self.evaluate(expression, place, 0)
    }

    /// The value of an expression that names no register.
    pub(super) fn number(&mut self, expression: &Expression<'t>, place: Place) -> Checked<i128> {
        let value = self.value(expression, place)?;
        if value.file.is_some() { Err(register(expression.span)) } else { Ok(value.number) }
    }

    fn evaluate(
        &mut self,
        expression: &Expression<'t>,
        place: Place,
        chain: u32,
    ) -> Checked<Value> {
        let mut stack: Vec<(Value, Span)> = Vec::new();
        for &(item, span) in &expression.items {
            let number = |number| Value { number, file: None };
            let mut operand = || match stack.pop() {
                Some((Value { number, file: None }, _)) => Ok(number),
                Some((_, at)) => Err(register(at)),
                // The parser emits an operator behind its operands.
                None => Ok(0),
            };
            let value = match item {
                Item::Number(n) => number(n),
                Item::Here => number(place.address as i128),
                Item::Next => number((place.address + place.length) as i128),
                Item::Name(name) => self.name(name, span, chain)?,
                Item::Unary(operator) => {
                    number(unary(operator, operand()?).ok_or_else(|| no_result(span))?)
                }
                Item::Binary(operator) => {
                    let (right, left) = (operand()?, operand()?);
                    number(binary(operator, left, right).ok_or_else(|| no_result(span))?)
                }
            };
            stack.push((value, span));
        }
        Ok(stack.pop().map_or(Value { number: 0, file: None }, |(value, _)| value))
    }

    fn name(&mut self, name: &str, span: Span, chain: u32) -> Checked<Value> {
        if let Some((file, index)) = named(self.isa, name) {
            return Ok(Value { number: index as i128, file: Some(file) });
        }
        let Some((known, (first, meaning))) = self.table.get_key_value(name) else {
            let message = format!("`{name}` is not defined");
            let help = did_you_mean(name, suggestions(name, self.table.keys().copied()));
            return Err(Wrong::new("P032", span, message).help(help));
        };
        let (known, first) = (*known, *first);
        match *meaning {
            Meaning::Label(address) => Ok(Value { number: address as i128, file: None }),
            Meaning::Constant(_, _, Some(value)) => Ok(value),
            Meaning::Constant(expression, place, None) => {
                if chain >= MAX_CHAIN {
                    let message =
                        format!("`{name}` is defined by itself, or through too many names");
                    return Err(Wrong::new("P033", first, message));
                }
                let value = self.evaluate(expression, place, chain + 1)?;
                self.table
                    .insert(known, (first, Meaning::Constant(expression, place, Some(value))));
                Ok(value)
            }
            Meaning::Ahead => {
                let message = format!("`{name}` is not known yet");
                let help = "what decides about addresses can only use what stands above";
                Err(Wrong::new("P034", span, message)
                    .help(help.to_owned())
                    .related(first, "defined here"))
            }
        }
    }
}

fn register(span: Span) -> Wrong {
    Wrong::new("P024", span, "a register stands where a number is expected")
}

fn no_result(span: Span) -> Wrong {
    let help = "numbers have 127 bits and a sign; shifts go by 0 to 127; nothing is divided by 0";
    Wrong::new("P035", span, "the operation has no result").help(help.to_owned())
}
