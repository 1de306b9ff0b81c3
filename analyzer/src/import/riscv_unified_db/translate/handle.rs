//! Which CSR is meant: by name, by number, and what a number says of it.

use model::diagnostic::Span;

use super::super::idl::ast::Expr;
use super::value::{Bits, Handle, Term, Truth, Value};
use super::{Done, Translator};

impl Translator<'_> {
    /// The CSR of a name; `None` if this configuration has it not.
    pub(super) fn csr_index(&mut self, name: &str, span: Span) -> Done<Option<usize>> {
        match self.database.csr(name) {
            Some(index) => Ok(Some(index).filter(|it| self.registers.contains_key(it))),
            None => self.stop("U023", span, format!("there is no CSR `{name}` in the database")),
        }
    }

    pub(super) fn csr_of_number(&self, number: u128) -> Option<usize> {
        let has = |it: &&usize| self.database.csrs[**it].address == Some(number);
        self.registers.keys().find(has).copied()
    }

    /// `direct_csr_lookup(number)`
    pub(super) fn lookup(&mut self, number: &Expr, span: Span) -> Done<Handle> {
        let number = self.bits(number)?.to(12);
        let _ = span;
        if let Some(number) = number.value() {
            return Ok(Handle::Known(self.csr_of_number(number)));
        }
        let term = number.plain();
        self.body().numbers.insert(term.text.clone());
        let term = if self.virtual_numbers().is_empty() {
            term
        } else {
            Term::primary(format!("csr_number({})", term.text))
        };
        Ok(Handle::Number(term))
    }

    /// Numbers that name another CSR in VS mode: as written, and the one that is meant.
    pub(crate) fn virtual_numbers(&self) -> Vec<(u128, u128)> {
        let csrs = self.registers.keys().map(|it| &self.database.csrs[*it]);
        csrs.filter_map(|it| it.virtual_address.zip(it.address)).collect()
    }

    pub(super) fn handle_field(&mut self, handle: &Handle, field: &str, span: Span) -> Done<Value> {
        let truth = |it: bool| Ok(Value::Bool(Truth::Known(it)));
        let known = |index: &usize| &self.database.csrs[*index];
        match (handle, field) {
            (Handle::Known(it), "valid") => truth(it.is_some()),
            (Handle::Known(Some(it)), "writable") => truth(known(it).writable),
            (Handle::Known(Some(it)), "mode") => {
                let mode = self.mode_of(*it);
                Ok(Value::Member("PrivilegeMode".into(), Bits::known(mode, self.mode_bits())))
            }
            (Handle::Known(None), _) => self.stop("U023", span, "there is no CSR of this number"),
            (Handle::Number(n), "valid") => {
                Ok(Value::Bool(Truth::Term(Term::primary(format!("csr_exists({})", n.text)))))
            }
            (Handle::Number(n), "writable") => {
                Ok(Value::Bool(Truth::Term(Term::primary(format!("csr_writable({})", n.text)))))
            }
            (Handle::Number(n), "mode") => {
                let term = Term::primary(format!("csr_mode({})", n.text));
                Ok(Value::Member("PrivilegeMode".into(), Bits::term(term, self.mode_bits())))
            }
            _ => self.stop("U020", span, format!("a CSR has no `{field}` here")),
        }
    }

    /// The number of the mode that a CSR belongs to.
    pub(crate) fn mode_of(&self, index: usize) -> u128 {
        let wanted = self.database.csrs[index].mode.it.as_str();
        super::MODES.iter().find(|(name, ..)| *name == wanted).map_or(3, |(_, _, value)| *value)
    }

    pub(super) fn read_handle(&mut self, handle: &Handle, raw: bool, span: Span) -> Done<Bits> {
        match handle {
            Handle::Known(Some(index)) if raw => Ok(self.csr_value(Some(*index), span)?.to(64)),
            Handle::Known(Some(index)) => Ok(self.read_csr(*index)?.to(64)),
            Handle::Known(None) => Ok(Bits::known(0, 64)),
            Handle::Number(_) if raw => {
                self.stop("U021", span, "which CSR is read depends on the state")
            }
            Handle::Number(n) => {
                let xlen = self.xlen();
                Ok(Bits::term(Term::primary(format!("csrs[{}]", n.text)), xlen).to(64))
            }
        }
    }

    pub(super) fn write_handle(&mut self, handle: &Handle, value: &Bits, span: Span) -> Done<()> {
        let _ = span;
        match handle {
            Handle::Known(Some(index)) => self.write_csr(*index, value),
            Handle::Known(None) => Ok(()),
            Handle::Number(n) => {
                self.emit(format!("csrs[{}] = {};", n.text, value.plain().text));
                Ok(())
            }
        }
    }
}
