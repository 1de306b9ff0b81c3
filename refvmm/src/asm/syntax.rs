//! The assembler forms of a machine, read off its specification.

use std::collections::BTreeSet;

use model::interp::operand_condition;
use model::isa::{Class, Isa, RegisterId};

use super::registers::files;
use super::targets::{Target, targets};
use super::token::{Token, tokens};

/// A part of a form, behind the mnemonic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A word, mark or number that must stand there.
    Literal(String),
    /// The operand at this position of [`Class::operands`].
    Operand(usize),
}

/// How instructions are written: the cases of one have one form.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// The form as the specification shows it.
    pub(super) text: String,
    /// Its first word.
    pub(super) mnemonic: String,
    /// What follows, each part with what stands before it in the text.
    pub(super) parts: Vec<(String, Part)>,
    /// Register files that each operand indexes, in some class.
    pub(super) files: Vec<BTreeSet<RegisterId>>,
    /// What each operand says of the next P, if all classes agree.
    pub(super) targets: Vec<Option<Target>>,
    /// The classes, as indices into [`Isa::classes`].
    pub(super) classes: Vec<usize>,
}

impl Form {
    /// The form of a class and of all others that are written the same way; none where its text is
    /// not made of tokens.
    pub(super) fn of(isa: &Isa, class: &Class) -> Option<Self> {
        let text = text(class);
        let all = tokens(&text, 0, 0).ok()?;
        let (first, rest) = all.split_first()?;
        let (Token::Word(mnemonic), _) = first else { return None };
        let mut parts = Vec::new();
        let mut end = first.1.end as usize;
        for (token, span) in rest {
            let word = &text[span.start as usize..span.end as usize];
            let operand = match token {
                Token::Word(w) => class.operands.iter().position(|o| o.name == *w),
                Token::Number(_) | Token::Text(_) | Token::Mark(_) => None,
            };
            let part = operand.map_or_else(|| Part::Literal(word.to_owned()), Part::Operand);
            parts.push((text[end..span.start as usize].to_owned(), part));
            end = span.end as usize;
        }
        let mut form = Self {
            mnemonic: (*mnemonic).to_owned(),
            parts,
            files: vec![BTreeSet::new(); class.operands.len()],
            targets: targets(isa, class),
            classes: Vec::new(),
            text: text.clone(),
        };
        for (index, other) in isa.classes.iter().enumerate() {
            if form.is_of(class, other) {
                form.classes.push(index);
                form.files.iter_mut().zip(files(other)).for_each(|(all, some)| all.extend(some));
                for (all, some) in form.targets.iter_mut().zip(targets(isa, other)) {
                    *all = all.filter(|_| *all == some);
                }
            }
        }
        Some(form)
    }

    /// Whether a class is written like the one that the form was made of.
    fn is_of(&self, first: &Class, other: &Class) -> bool {
        text(other) == self.text
            && other.length == first.length
            && other.pattern.is_some() == first.pattern.is_some()
            && first.operands.len() == other.operands.len()
            && first
                .operands
                .iter()
                .zip(&other.operands)
                .all(|(a, b)| (&a.name, a.width) == (&b.name, b.width))
    }

    /// The forms of all classes with an encoding, in specification order.
    pub(super) fn all(isa: &Isa) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        for (index, class) in isa.classes.iter().enumerate() {
            if class.pattern.is_some() && !forms.iter().any(|f| f.classes.contains(&index)) {
                forms.extend(Self::of(isa, class));
            }
        }
        forms
    }

    /// The class that takes these values, and all its operands; an operand that the form does not
    /// show is 0 or what the class holds it at.
    pub(super) fn choose(&self, isa: &Isa, given: &[(usize, u128)]) -> Option<(usize, Vec<u128>)> {
        self.classes.iter().find_map(|&index| {
            let class = &isa.classes[index];
            let mut values: Vec<u128> =
                class.operands.iter().map(|o| o.fixed.unwrap_or(0)).collect();
            for (operand, value) in given {
                values[*operand] = *value;
            }
            let held =
                class.operands.iter().zip(&values).all(|(o, v)| o.fixed.is_none_or(|f| f == *v));
            let once = given.iter().all(|(operand, value)| values[*operand] == *value);
            let admitted = class.when.as_ref().is_none_or(|w| operand_condition(w, &values));
            (held && once && admitted).then_some((index, values))
        })
    }
}

/// The assembler form of a class; without one, the instruction's name and its operands.
pub(super) fn text(class: &Class) -> String {
    class.syntax.clone().unwrap_or_else(|| {
        let name = class.name.split('[').next().unwrap_or(&class.name);
        let operands: Vec<&str> = class.operands.iter().map(|o| o.name.as_str()).collect();
        format!("{name} {}", operands.join(", ")).trim_end().to_owned()
    })
}
