//! Values while an operation is translated: what is known at import, and terms of our language.

use std::collections::BTreeMap;

use super::super::idl::types::{Width, convert, mask};

/// An expression of our language, with how tight its outermost operator binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) text: String,
    pub(crate) tight: u32,
}

/// Tightness of operators of our language.
pub(crate) mod tight {
    pub(crate) const CHOICE: u32 = 0;
    pub(crate) const OR_ELSE: u32 = 1;
    pub(crate) const AND_THEN: u32 = 2;
    pub(crate) const COMPARE: u32 = 3;
    pub(crate) const CONCAT: u32 = 4;
    pub(crate) const OR: u32 = 5;
    pub(crate) const XOR: u32 = 6;
    pub(crate) const AND: u32 = 7;
    pub(crate) const SHIFT: u32 = 8;
    pub(crate) const ADD: u32 = 9;
    pub(crate) const MUL: u32 = 10;
    pub(crate) const PREFIX: u32 = 11;
    pub(crate) const PRIMARY: u32 = 12;
}

impl Term {
    pub(crate) fn primary(text: impl Into<String>) -> Self {
        Self { text: text.into(), tight: tight::PRIMARY }
    }

    /// The text as an operand that has to bind at least so.
    pub(crate) fn at(&self, least: u32) -> String {
        if self.tight >= least { self.text.clone() } else { format!("({})", self.text) }
    }

    pub(crate) fn infix(left: &str, operator: &str, right: &str, tight: u32) -> Self {
        Self { text: format!("{left} {operator} {right}"), tight }
    }
}

/// A bit string.
#[derive(Debug, Clone)]
pub(crate) struct Bits {
    pub(crate) width: Width,
    pub(crate) is: Is,
}

/// What it is.
#[derive(Debug, Clone)]
pub(crate) enum Is {
    Known(u128),
    /// The term is as wide as the value.
    Term(Term),
    /// A term of this width, extended with zeros.
    Wider(Term, u32),
}

impl Bits {
    pub(crate) fn known(value: u128, bits: u32) -> Self {
        Self { width: Width::unsigned(bits), is: Is::Known(value & mask(bits)) }
    }

    pub(crate) fn term(term: Term, bits: u32) -> Self {
        Self { width: Width::unsigned(bits), is: Is::Term(term) }
    }

    pub(crate) fn value(&self) -> Option<u128> {
        match self.is {
            Is::Known(value) => Some(value),
            Is::Term(_) | Is::Wider(..) => None,
        }
    }

    /// The largest value it can have.
    pub(crate) fn most(&self) -> u128 {
        match self.is {
            Is::Known(value) => value,
            Is::Term(_) => self.width.mask(),
            Is::Wider(_, bits) => mask(bits),
        }
    }

    /// The same value in so many bits: extended by its own sign, or cut.
    pub(crate) fn to(&self, bits: u32) -> Self {
        let width = Width { bits, signed: self.width.signed };
        let is = match &self.is {
            Is::Known(value) => Is::Known(convert(*value, self.width, bits)),
            Is::Wider(term, own) if *own == bits => Is::Term(term.clone()),
            // What was extended with zeros is not negative.
            Is::Wider(term, own) if *own < bits => Is::Wider(term.clone(), *own),
            Is::Wider(term, own) => Self::term(term.clone(), *own).to(bits).is,
            Is::Term(term) if bits == self.width.bits => Is::Term(term.clone()),
            Is::Term(term) if bits < self.width.bits => {
                Is::Term(Term::primary(format!("trunc({}, {bits})", term.text)))
            }
            Is::Term(term) if self.width.signed => {
                Is::Term(Term::primary(format!("sext({}, {bits})", term.text)))
            }
            Is::Term(term) => Is::Wider(term.clone(), self.width.bits),
        };
        Self { width, is }
    }

    /// The term, as wide as the value; a number says its width.
    pub(crate) fn typed(&self) -> Term {
        match &self.is {
            Is::Known(value) => Term::primary(format!("{}u{}", number(*value), self.width.bits)),
            Is::Term(_) | Is::Wider(..) => self.plain(),
        }
    }

    /// The same where the width follows from the context.
    pub(crate) fn plain(&self) -> Term {
        match &self.is {
            Is::Known(value) => Term::primary(number(*value)),
            Is::Term(term) => term.clone(),
            Is::Wider(term, _) => {
                Term::primary(format!("zext({}, {})", term.text, self.width.bits))
            }
        }
    }
}

/// A number as people write it: small ones decimal.
pub(crate) fn number(value: u128) -> String {
    if value < 1000 { value.to_string() } else { format!("0x{value:x}") }
}

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Truth {
    Known(bool),
    Term(Term),
}

impl Truth {
    pub(crate) fn negated(&self) -> Self {
        match self {
            Self::Known(it) => Self::Known(!it),
            Self::Term(term) => match term.text.strip_prefix('!') {
                Some(inner) if term.tight == tight::PREFIX && !inner.starts_with('(') => {
                    Self::Term(Term::primary(inner))
                }
                _ => Self::Term(Term {
                    text: format!("!{}", term.at(tight::PREFIX)),
                    tight: tight::PREFIX,
                }),
            },
        }
    }

    pub(crate) fn term(&self) -> Term {
        match self {
            Self::Known(it) => Term::primary(it.to_string()),
            Self::Term(term) => term.clone(),
        }
    }
}

/// A CSR that an operation has looked up.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    /// It is known which, if there is one.
    Known(Option<usize>),
    /// By a number of 12 bits.
    Number(Term),
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Bits(Bits),
    Bool(Truth),
    /// A member of an enumeration, as a number of its width.
    Member(String, Bits),
    Text(String),
    List(Vec<Value>),
    Csr(Handle),
    /// The fields of a CSR by name, in a value that is written to it.
    Written(usize, Term),
    /// A structure; fields that nobody set are zero.
    Struct(BTreeMap<String, Value>),
    /// The database leaves it open.
    Open,
    Nothing,
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Bits(bits) if bits.width.signed => format!("{} signed bits", bits.width.bits),
            Self::Bits(bits) => format!("{} bits", bits.width.bits),
            Self::Bool(_) => "a Boolean".into(),
            Self::Member(of, _) => format!("a {of}"),
            Self::Text(_) => "a text".into(),
            Self::List(_) => "an array".into(),
            Self::Csr(_) => "a CSR".into(),
            Self::Written(..) | Self::Struct(_) => "a structure".into(),
            Self::Open => "a value that is left open".into(),
            Self::Nothing => "no value".into(),
        }
    }
}
