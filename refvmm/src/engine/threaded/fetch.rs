//! Partial evaluation of the fetch: which cells an instruction is read from, and when.

use model::isa::{Body, Expr, Fetch, Stmt};

use super::evaluate::{Evaluator, Frame, Known, Path, Tree};
use super::pieces::Value;
use super::terms::{Kind, Term, Terms};

/// Evaluates the fetch of an instruction: its tree, and its cells' places from the most
/// significant on.
pub(super) fn fetch(
    known: Known<'_>,
    terms: &mut Terms,
    body: &Body,
    word: &Expr,
    at: &Value,
) -> Option<(Vec<Term>, Vec<Term>)> {
    let mut it = Evaluator::new(known, terms, &[], at);
    let mut path = it.start(&body.statements, body.locals.len(), at);
    let mut conditions = Vec::new();
    it.straight(&mut path, &mut conditions)?;
    let mut cells = Vec::new();
    it.cells(&path, word, &mut cells)?;
    Some((conditions, cells))
}

/// Evaluates the fetch of an instruction that may stand anywhere. Its word is put into slots, and 1
/// behind it.
pub(super) fn routine(
    known: Known<'_>,
    terms: &mut Terms,
    fetch: &Fetch,
    at: &Value,
    first: u16,
) -> Tree {
    let mut it = Evaluator::new(known, terms, &[], at);
    it.result = Some((&fetch.word, first));
    it.body(&fetch.body, at)
}

impl<'a> Evaluator<'a> {
    /// Follows a path that does not fork but for what a translation context decides: collects its conditions.
    fn straight(&mut self, path: &mut Path<'a>, conditions: &mut Vec<Term>) -> Option<()> {
        while let Some(frame) = path.frames.last_mut() {
            let Some((statement, rest)) = frame.statements.split_first() else {
                path.frames.pop();
                continue;
            };
            frame.statements = rest;
            match statement {
                Stmt::If(condition, yes, no) => {
                    let condition = self.term(path, condition).ok()?;
                    let fails = |s: &[Stmt]| matches!(s, [.., Stmt::Trap(..)]);
                    let statements = match self.terms.as_const(condition) {
                        Some(0) => no,
                        Some(_) => yes,
                        None if fails(no) => {
                            conditions.push(condition);
                            yes
                        }
                        None if fails(yes) => {
                            conditions.push(self.terms.invert(condition));
                            no
                        }
                        None => return None,
                    };
                    path.frames.push(Frame { statements, is_block: false });
                }
                Stmt::Local(..) | Stmt::Block(_) | Stmt::Exit(_) => {
                    self.simple(path, statement).ok()?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// The places of the cells that a word is made of.
    fn cells(&mut self, path: &Path<'a>, word: &Expr, cells: &mut Vec<Term>) -> Option<()> {
        let mut path = path.clone();
        let value = self.value(&mut path, word).ok()?;
        let width = self.known.layout.isa.storage.width;
        for i in (0..word.width / width).rev() {
            let cell = value.slice(self.terms, i * width, width).join(self.terms)?;
            let Kind::Load(place) = self.terms.kind(cell) else { return None };
            cells.push(place);
        }
        Some(())
    }
}
