//! Lowering of views: where there are many entries, the number is looked up bit by bit, so that depth
//! grows with its width only.

use super::{Binding, Lowerer, ViewEntry, bits};
use crate::ast;
use crate::bits::{Bits, Op, bits_for, mask};
use crate::isa::{Expr, ExprKind, Stmt};

/// Most entries that are compared one after the other: on the way to one, the number is known.
const FEW: usize = 8;

/// What stands for the entries of a view, in order of their numbers.
type Taken = (u128, Vec<Stmt>);

impl Lowerer<'_> {
    /// `view[i]` as a value.
    pub(super) fn read_view(&mut self, name: &str, index: &ast::Expr) -> Option<Expr> {
        self.mark_used(name);
        let env = self.env;
        let view = &env.views[name];
        let result = self.local(view.width);
        let span = index.span;
        let index = self.expr_to(index, view.index)?;
        let index = self.spill(index);
        let (entries, default) = self.expand(name, false, span, |l| {
            let (default, ()) = l.nested(|l| l.block(&view.default));
            let one = |(number, entry): &(u128, ViewEntry)| {
                let (mut taken, value) = l.nested(|l| match entry {
                    ViewEntry::Place(place) => l.read_entry(place, view.width),
                    ViewEntry::Code { read, .. } => l.expr_to(read, view.width),
                });
                taken.push(Stmt::Local(result, value?));
                Some((*number, taken))
            };
            // All of them, so that all errors are found.
            let entries: Vec<Option<Taken>> = view.entries.iter().map(one).collect();
            Some((entries.into_iter().collect::<Option<Vec<Taken>>>()?, default))
        })?;
        self.choose(&index, entries, default);
        Some(Expr { width: view.width, kind: ExprKind::Local(result) })
    }

    /// `view[i] = value;`
    pub(super) fn write_view(&mut self, name: &str, index: &ast::Expr, value: Expr) -> Option<()> {
        self.mark_used(name);
        let env = self.env;
        let view = &env.views[name];
        let value = self.spill(value);
        let ExprKind::Local(local) = value.kind else { return None };
        let span = index.span;
        let index = self.expr_to(index, view.index)?;
        let index = self.spill(index);
        let (entries, default) = self.expand(name, true, span, |l| {
            let (default, ()) = l.nested(|l| l.block(&view.default));
            let one = |(number, entry): &(u128, ViewEntry)| {
                let (taken, done) = l.nested(|l| match entry {
                    ViewEntry::Place(place) => l.store_entry(place, value.clone()),
                    ViewEntry::Code { write, .. } => {
                        let scope = l.variables.len();
                        l.bind("value", Binding::Local(local, view.width));
                        l.block(write);
                        l.close_scope(scope);
                        Some(())
                    }
                });
                done.map(|()| (*number, taken))
            };
            // All of them, so that all errors are found.
            let entries: Vec<Option<Taken>> = view.entries.iter().map(one).collect();
            Some((entries.into_iter().collect::<Option<Vec<Taken>>>()?, default))
        })?;
        self.choose(&index, entries, default);
        Some(())
    }

    /// Stores to an entry that is one expression: a place as wide as the view.
    fn store_entry(&mut self, place: &ast::Expr, value: Expr) -> Option<()> {
        if !is_place(place) {
            self.not_a_place(place.span, "say what a write does: {read: \"…\", write: \"…\"}");
            return None;
        }
        let (view, entry) = (value.width, self.place_width(place)?);
        if entry != view {
            self.narrow_entry(place, entry, view);
            return None;
        }
        self.store(place, value)
    }

    /// The value of an entry that is one expression.
    fn read_entry(&mut self, entry: &ast::Expr, view: u32) -> Option<Expr> {
        if !is_place(entry) {
            return self.expr_to(entry, view);
        }
        let value = self.expr(entry, Some(view))?;
        if value.width != view {
            self.narrow_entry(entry, value.width, view);
            return None;
        }
        Some(value)
    }

    /// An entry that is a place is as wide as its view.
    fn narrow_entry(&mut self, place: &ast::Expr, entry: u32, view: u32) {
        let message = format!("this entry has {}, its view {}", bits(entry), bits(view));
        let help = "say what a read gives and what a write does: {read: \"…\", write: \"…\"}";
        self.error("C013", place.span, message, help);
    }

    /// Runs the entry with the number `index`, or the default.
    fn choose(&mut self, index: &Expr, mut entries: Vec<Taken>, default: Vec<Stmt>) {
        if entries.len() <= FEW {
            let otherwise = |rest, (number, taken)| {
                let number = Expr::constant(Bits::new(number, index.width));
                let hit = Expr::apply(Op::Eq, vec![index.clone(), number], 1);
                vec![Stmt::If(hit, taken, rest)]
            };
            self.out.extend(entries.into_iter().rev().fold(default, otherwise));
            return;
        }
        entries.sort_by_key(|(number, _)| *number);
        let listed = listed(index, &entries);
        let tree = tree(index, entries);
        match listed {
            Some(listed) => self.emit(Stmt::If(listed, tree, default)),
            None => self.out.extend(tree),
        }
    }
}

/// Whether an entry can be written as it stands.
const fn is_place(entry: &ast::Expr) -> bool {
    use ast::{Binary::Concat, ExprKind as E};
    match entry.kind {
        E::Name(_)
        | E::Field(..)
        | E::Index(..)
        | E::Slice(..)
        | E::Cells(..)
        | E::Binary(Concat, ..) => true,
        E::Number(..) | E::Call(..) | E::Unary(..) | E::Binary(..) | E::Choice(..) => false,
    }
}

/// Whether a number is one of the entries': in one of the runs of successive numbers. `None` if
/// every number is.
fn listed(index: &Expr, entries: &[Taken]) -> Option<Expr> {
    let mut runs: Vec<(u128, u128)> = Vec::new();
    for &(number, _) in entries {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let most = mask(index.width);
    if runs == [(0, most)] {
        return None;
    }
    let constant = |n| Expr::constant(Bits::new(n, index.width));
    let compare = |op, a, b| Expr::apply(op, vec![a, b], 1);
    let not_below = |a, b| Expr::apply(Op::Not, vec![compare(Op::Ult, a, b)], 1);
    let within = |(first, last): (u128, u128)| {
        let from = (first > 0).then(|| not_below(index.clone(), constant(first)));
        let to = (last < most).then(|| not_below(constant(last), index.clone()));
        match (from, to) {
            _ if first == last => compare(Op::Eq, index.clone(), constant(first)),
            (Some(from), Some(to)) => compare(Op::And, from, to),
            (from, to) => from.or(to).unwrap_or_else(|| Expr::constant(Bits::bool(true))),
        }
    };
    let runs: Vec<Expr> = runs.into_iter().map(within).collect();
    Some(Expr::balanced(Op::Or, runs).unwrap_or_else(|| Expr::constant(Bits::bool(false))))
}

/// Runs the entry with the number `index`, which is one of them: told apart by the highest bit in
/// which they differ, then by the next.
fn tree(index: &Expr, mut entries: Vec<Taken>) -> Vec<Stmt> {
    let (Some((first, _)), Some((last, _))) = (entries.first(), entries.last()) else {
        return Vec::new();
    };
    if first == last {
        return entries.pop().map(|(_, taken)| taken).unwrap_or_default();
    }
    let bit = bits_for(first ^ last) - 1;
    let ones = entries.split_off(entries.partition_point(|(n, _)| n >> bit & 1 == 0));
    let is_set = super::slice(index.clone(), bit, 1);
    vec![Stmt::If(is_set, tree(index, ones), tree(index, entries))]
}
