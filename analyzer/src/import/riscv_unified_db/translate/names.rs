//! Names: variables, parameters, members of enumerations, the encoding and the address.

use model::diagnostic::Span;

use super::super::idl::types::bits_for;
use super::value::{Bits, Is, Term, Truth, Value, tight};
use super::{Done, Place, Translator, Type};

/// The number of an exception that there is not.
const NO_EXCEPTION: u128 = 0xffff;

impl Translator<'_> {
    pub(super) fn named(&mut self, name: &str, span: Span) -> Done<Value> {
        if let Some(variable) = self.variable(name) {
            let variable = variable.clone();
            if let Some(value) = variable.value {
                return Ok(value);
            }
            let term = Term::primary(variable.text);
            let declared = variable.declared.unwrap_or(1);
            return Ok(match variable.of {
                Type::Bits(width) if declared < width.bits => {
                    Value::Bits(Bits { width, is: Is::Wider(term, declared) })
                }
                Type::Bits(width) => Value::Bits(Bits { width, is: Is::Term(term) }),
                Type::Member(of) => Value::Member(of, Bits::term(term, declared)),
                Type::Bool | Type::Text | Type::Csr | Type::Struct => {
                    Value::Bool(Truth::Term(term))
                }
            });
        }
        match name {
            "UNDEFINED_LEGAL" | "UNDEFINED_LEGAL_DETERMINISTIC" | "ILLEGAL_WLRL" => {
                return Ok(self
                    .bodies
                    .last()
                    .and_then(|it| it.keeps.clone())
                    .unwrap_or(Value::Open));
            }
            "INSTR_ENC_SIZE" => return Ok(Value::Bits(Bits::known(32, 7))),
            // No interrupt comes from outside.
            "pending_smode_external_interrupt" | "pending_vsmode_timer_interrupt" => {
                return Ok(Value::Bool(Truth::Known(false)));
            }
            _ => {}
        }
        match self.parameter(name, span) {
            Some(found) => found,
            None => self.stop(
                "U021",
                span,
                format!("there is no `{name}` here, and no parameter of this name"),
            ),
        }
    }

    /// The members of an enumeration that is known.
    pub(super) fn members(&self, of: &str) -> Option<Vec<(&str, u128)>> {
        Some(match of {
            "PrivilegeMode" => {
                let modes = super::MODES.iter().map(|(name, _, value)| (*name, *value));
                modes.chain([("HS", 1)]).collect()
            }
            "ExceptionCode" => {
                self.exceptions.iter().map(|(name, value)| (name.as_str(), *value)).collect()
            }
            "CsrFieldType" => {
                ["RO", "ROH", "RW", "RWR", "RWH", "RWRH"].into_iter().zip(0..).collect()
            }
            "XRegWidth" => vec![("XLEN32", 0), ("XLEN64", 1)],
            "SatpMode" => vec![("Bare", 0), ("Sv32", 1), ("Sv39", 8), ("Sv48", 9), ("Sv57", 10)],
            "HgatpMode" => {
                vec![("Bare", 0), ("Sv32x4", 1), ("Sv39x4", 8), ("Sv48x4", 9), ("Sv57x4", 10)]
            }
            "AmoOperation" => ["Swap", "Add", "And", "Or", "Xor", "Max", "Maxu", "Min", "Minu"]
                .into_iter()
                .zip(0..)
                .collect(),
            "MemoryOperation" => {
                ["Read", "Write", "ReadModifyWrite", "Fetch"].into_iter().zip(0..).collect()
            }
            _ => return None,
        })
    }

    pub(super) fn member(&mut self, of: &str, member: &str, span: Span) -> Done<Value> {
        if of == "ExtensionName" {
            return Ok(Value::Text(member.to_owned()));
        }
        let Some(members) = self.members(of) else {
            return self.stop("U021", span, format!("there is no enumeration `{of}`"));
        };
        let bits = members.iter().map(|(_, value)| bits_for(*value)).max().unwrap_or(1);
        let bits = if of == "PrivilegeMode" { self.mode_bits() } else { bits };
        match members.iter().find(|(name, _)| *name == member) {
            Some((_, value)) => {
                Ok(Value::Member(of.to_owned(), Bits::known(*value, bits.max(bits_for(*value)))))
            }
            // Nothing raises what there is not.
            None if of == "ExceptionCode" => {
                Ok(Value::Member(of.to_owned(), Bits::known(NO_EXCEPTION, 32)))
            }
            None => self.stop(
                "U021",
                span,
                format!("`{of}` has no `{member}` under this configuration"),
            ),
        }
    }

    /// The encoding of the instruction. A CSR does not know which instruction reads it: there it is left open.
    pub(super) fn encoding(&mut self) -> Value {
        let (xlen, reports) = (self.xlen(), self.reports_encodings());
        let body = self.body();
        match (&body.place, body.encoding.clone()) {
            (Place::Operation(bytes), Some(term)) => {
                let bits = Bits::term(term, bytes * 8);
                Value::Bits(bits)
            }
            (Place::Function(_), _) if reports => {
                Value::Bits(Bits::term(Term::primary(format!("undefined({xlen})")), xlen))
            }
            _ => Value::Open,
        }
    }

    /// The address of the instruction: P is behind it already.
    pub(super) fn pc(&mut self, span: Span) -> Done<Value> {
        let bits = self.xlen();
        let body = self.body();
        let (place, jumped) = (body.place.clone(), body.jumped);
        match place {
            _ if jumped => self.stop("U020", span, "`$pc` is read after it was written"),
            Place::Operation(bytes) => {
                let term = Term { text: format!("pc - {bytes}"), tight: tight::ADD };
                Ok(Value::Bits(Bits::term(term, bits)))
            }
            // In the trap sequence P is the instruction.
            Place::Function(_) => Ok(Value::Bits(Bits::term(Term::primary("pc"), bits))),
            Place::Inline => Err(super::Stop::Open),
        }
    }
}
