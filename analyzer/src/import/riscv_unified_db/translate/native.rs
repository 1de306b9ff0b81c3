//! Functions that are modelled here: what the database leaves to its tools and its own language cannot say.

use model::diagnostic::Span;

use super::super::idl::ast::{Call, Expr, ExprKind};
use super::super::idl::types::bits_for;
use super::value::{Bits, Handle, Is, Term, Truth, Value, tight};
use super::{Done, Flow, Line, Place, Stop, Translator};

/// The functions that are modelled, each with what is taken for it.
pub(crate) const NATIVE: &[(&str, &str)] = &[
    ("abort_current_instruction", "Nothing: a trap ends the instruction."),
    ("access_check", "Nothing: every access checks its own address."),
    ("amo", "Loads and stores at one address; the address is checked as that of a store."),
    ("assert", "Nothing: what it says is taken to be true."),
    ("cache_block_zero", "Stores zeros, eight cells at a time, through the mapping."),
    ("csr_hw_read", "The fields of a CSR as they are kept."),
    ("csr_sw_read", "What software reads of a CSR."),
    (
        "csr_sw_write",
        "What software writes to a CSR, field by field, by the values before the write.",
    ),
    ("delay", "Nothing: time is not part of the state."),
    ("direct_csr_lookup", "The CSR of a number; in VS mode the one whose virtual address it is."),
    ("eei_ebreak", "Nothing is known: the environment decides."),
    ("eei_ecall_from_m", "Nothing is known: the environment decides."),
    ("eei_ecall_from_s", "Nothing is known: the environment decides."),
    ("eei_ecall_from_u", "Nothing is known: the environment decides."),
    ("eei_ecall_from_vs", "Nothing is known: the environment decides."),
    ("fence", "Nothing: there is one hart, and its accesses are in order."),
    ("fence_tso", "Nothing: there is one hart, and its accesses are in order."),
    ("hartid", "A register of its own, which nothing writes."),
    ("ifence", "Nothing: fetches see every store."),
    ("implemented?", "Whether the configuration has the extension."),
    ("implemented_csr?", "Whether the configuration has a CSR of this number."),
    (
        "implemented_version?",
        "Whether the configuration has the extension; every version is taken.",
    ),
    ("is_naturally_aligned", "Whether an address is a multiple of a size in bits."),
    ("load_reserved", "Loads, and remembers the address as reserved."),
    ("map_everything", "The mapping of user mode is all of storage."),
    ("map_table", "Base and bound of user mode are the first two words at a physical address."),
    ("memory_model_acquire", "Nothing: there is one hart, and its accesses are in order."),
    ("memory_model_release", "Nothing: there is one hart, and its accesses are in order."),
    ("mode", "The mode component."),
    ("notify_mode_change", "Nothing: a hook of the database's tools."),
    ("order_pgtbl_reads_after_vmafence", "Nothing: accesses are in order."),
    ("order_pgtbl_writes_before_vmafence", "Nothing: accesses are in order."),
    ("pause", "Nothing: time is not part of the state."),
    ("prefetch_instruction", "Nothing: a hint."),
    ("prefetch_read", "Nothing: a hint."),
    ("prefetch_write", "Nothing: a hint."),
    ("raise", "A trap with this cause; the mode it comes from is the current one."),
    ("raise_precise", "A trap with this cause; the mode it comes from is the current one."),
    ("read_mcycle", "The clock that is kept as the first machine counter."),
    (
        "read_memory",
        "Loads through the mapping; what is not aligned traps unless MISALIGNED_LDST says otherwise.",
    ),
    ("read_memory_xlen", "The same, as wide as a register."),
    ("read_mtime", "A clock of its own."),
    ("read_physical_memory", "Storage where it is."),
    ("refresh_pending_interrupts", "Nothing: there are no interrupts."),
    ("set_mode", "Sets the mode component."),
    ("sext", "Extends the sign from a bit whose position is known."),
    ("store_conditional", "Stores if the address is the reserved one, and may fail in any case."),
    ("sw_write_mcycle", "The value as it is."),
    ("sync_read_after_write_device", "Nothing: it waits."),
    ("sync_write_after_read_device", "Nothing: it waits."),
    ("translate", "The address as the program has it; every access goes through the mapping."),
    ("unpredictable", "Nothing is said about the outcome."),
    ("unreachable", "Nothing is known: the database says that it does not happen."),
    ("wait_on_reservation_set", "Nothing: a valid implementation does not wait."),
    ("wfi", "Nothing: a valid implementation does not wait."),
    (
        "write_memory",
        "Stores through the mapping; what is not aligned traps unless MISALIGNED_LDST says otherwise.",
    ),
    ("write_memory_xlen", "The same, as wide as a register."),
    ("xlen", "The width of a register, which is MXLEN in all modes."),
];

/// What does nothing.
const NOTHING: &[&str] = &[
    "abort_current_instruction",
    "access_check",
    "assert",
    "delay",
    "fence",
    "fence_tso",
    "ifence",
    "memory_model_acquire",
    "memory_model_release",
    "notify_mode_change",
    "order_pgtbl_reads_after_vmafence",
    "order_pgtbl_writes_before_vmafence",
    "pause",
    "prefetch_instruction",
    "prefetch_read",
    "prefetch_write",
    "refresh_pending_interrupts",
    "sync_read_after_write_device",
    "sync_write_after_read_device",
    "wait_on_reservation_set",
    "wfi",
];

/// Comparisons and sums of the atomic memory operations, by the number of `AmoOperation`.
const AMO: [&str; 9] = [
    "value",
    "old + value",
    "old & value",
    "old | value",
    "old ^ value",
    "sgt(old, value) ? old : value",
    "old > value ? old : value",
    "slt(old, value) ? old : value",
    "old < value ? old : value",
];

impl Translator<'_> {
    /// A call that ends the instruction: `None` if it is none.
    pub(super) fn outcome(&mut self, call: &Call, span: Span) -> Done<Option<Flow>> {
        let statement = match (call.name.as_str(), &call.arguments[..]) {
            ("raise" | "raise_precise", [code, _, value]) => {
                return self.raise(code, value, span).map(Some);
            }
            ("unpredictable", _) => "unpredictable;",
            (
                "unreachable" | "eei_ebreak" | "eei_ecall_from_m" | "eei_ecall_from_s"
                | "eei_ecall_from_u" | "eei_ecall_from_vs",
                _,
            ) => "unknown;",
            _ => return Ok(None),
        };
        if self.body().place == Place::Inline {
            return Err(Stop::Open);
        }
        self.emit(statement);
        Ok(Some(Flow::Ended))
    }

    fn raise(&mut self, code: &Expr, value: &Expr, span: Span) -> Done<Flow> {
        if self.body().place == Place::Inline {
            return Err(Stop::Open);
        }
        let ExprKind::Member(_, name) = &code.kind else {
            return self.stop("U021", span, "which exception is raised depends on the state");
        };
        let name = name.clone();
        if !self.exceptions.contains_key(&name) {
            return self.stop(
                "U021",
                span,
                format!("there is no exception `{name}` under this configuration"),
            );
        }
        let code = self.expr(code)?;
        if self.configuration.parameters.get("PRECISE_SYNCHRONOUS_EXCEPTIONS")
            == Some(&super::super::database::Parameter::Bool(false))
        {
            self.emit("unpredictable;");
            return Ok(Flow::Ended);
        }
        let name = self.environment_call(name);
        self.raised.insert(name.clone());
        let reports = self.functions.get("reports?");
        let reports = reports.map(|it| self.call(it, vec![code], span)).transpose()?;
        let argument = match reports {
            Some(Value::Bool(Truth::Known(false))) | None => None,
            Some(when) => {
                let value = match self.expr(value)? {
                    Value::Open => {
                        return self.stop(
                            "U021",
                            span,
                            "the encoding of an instruction is no value here",
                        );
                    }
                    Value::Bits(bits) => bits.to(self.xlen()),
                    other => {
                        return self.stop(
                            "U022",
                            span,
                            format!("{} is no value of a trap", other.kind()),
                        );
                    }
                };
                match when {
                    _ if value.value() == Some(0) => None,
                    Value::Bool(Truth::Term(term)) => {
                        Some(format!("{} ? {} : 0", term.at(1), value.typed().at(1)))
                    }
                    _ => Some(value.plain().text),
                }
            }
        };
        self.emit(match argument {
            Some(value) => format!("trap({name}, {value});"),
            None => format!("trap({name});"),
        });
        Ok(Flow::Ended)
    }

    /// Calls of the environment are one trap, whose cause says the mode: what is raised in another mode than its own is
    /// unknown. So no trap is looked at in modes that cannot raise it.
    fn environment_call(&mut self, name: String) -> String {
        let mode = match self.exceptions.get(&name) {
            Some(8) => "prv[1:0] == 0",
            Some(9) => "prv == supervisor",
            Some(11) => "prv == machine",
            _ => return name,
        };
        let first =
            self.exceptions.iter().find(|(_, number)| **number == 8).map(|(name, _)| name.clone());
        let Some(first) = first.filter(|_| self.modes.len() > 1) else { return name };
        self.emit(format!("require {mode} else unknown;"));
        first
    }

    /// The value of a call that is modelled here; `None` for another.
    pub(super) fn native(&mut self, call: &Call, span: Span) -> Done<Option<Value>> {
        let name = call.name.as_str();
        if NOTHING.contains(&name) {
            return Ok(Some(Value::Nothing));
        }
        let truth = |it: bool| Ok(Some(Value::Bool(Truth::Known(it))));
        let xlen = self.xlen();
        match (name, &call.arguments[..]) {
            ("implemented?" | "implemented_version?", [of, ..]) => match self.expr(of)? {
                Value::Text(of) => truth(self.configuration.implements(&of)),
                _ => self.stop("U022", span, "this is no extension"),
            },
            ("implemented_csr?", [number]) => {
                let number = self.bits(number)?.value();
                let known = number.is_some_and(|it| self.csr_of_number(it).is_some());
                truth(known)
            }
            ("mode", []) => Ok(Some(self.mode())),
            ("set_mode", [mode]) => match self.expr(mode)? {
                Value::Member(..) if self.modes.len() < 2 => self.effect(String::new()),
                Value::Member(of, bits) => {
                    let term = self.member_term(&of, &bits);
                    self.effect(format!("prv = {};", term.text))
                }
                _ => self.stop("U022", span, "this is no mode"),
            },
            ("xlen", []) => Ok(Some(Value::Bits(Bits::known(xlen.into(), 8)))),
            ("sext", [value, from]) => self.extended(value, from, span).map(Some),
            ("is_naturally_aligned", [address]) => {
                let Some(bits) = self.template(call, span)? else {
                    return self.stop("U022", span, "a size is missing");
                };
                let address = self.bits(address)?.to(xlen);
                if bits <= 8 {
                    return truth(true);
                }
                let low =
                    self.part(&address, u128::from(bits_for(u128::from(bits / 8)) - 2), 0, span)?;
                let zero = Bits::known(0, low.width.bits);
                Ok(Some(Value::Bool(super::operators::compare(
                    super::super::idl::ast::Binary::Eq,
                    &low,
                    &zero,
                ))))
            }
            ("direct_csr_lookup", [number]) => {
                self.lookup(number, span).map(|it| Some(Value::Csr(it)))
            }
            ("csr_sw_read" | "csr_hw_read", [handle]) => {
                let handle = self.handle(handle)?;
                self.read_handle(&handle, name == "csr_hw_read", span)
                    .map(|it| Some(Value::Bits(it)))
            }
            ("csr_sw_write", [handle, value]) => {
                let handle = self.handle(handle)?;
                let value = self.bits(value)?.to(xlen);
                self.write_handle(&handle, &value, span)?;
                Ok(Some(Value::Nothing))
            }
            ("read_mcycle" | "read_mtime", []) => {
                let clock = if name == "read_mtime" {
                    Some("mtime".to_owned())
                } else {
                    self.first_counter()
                };
                match clock {
                    Some(clock) => Ok(Some(Value::Bits(Bits::term(Term::primary(clock), 64)))),
                    None => self.stop("U023", span, "there is no machine counter to read"),
                }
            }
            ("sw_write_mcycle", [value]) => self.bits(value).map(|it| Some(Value::Bits(it.to(64)))),
            ("hartid", []) => Ok(Some(Value::Bits(Bits::term(Term::primary("hartid"), xlen)))),
            ("translate", [address, ..]) => {
                let address = self.bits(address)?;
                let address = Value::Bits(address);
                Ok(Some(Value::Struct([("paddr".to_owned(), address)].into())))
            }
            ("map_everything", []) => self.effect("map_everything();".into()),
            ("map_table", [root]) => {
                let root = self.bits(root)?.to(xlen).plain().text;
                self.effect(format!("map_table({root});"))
            }
            _ => self.storage(call, span),
        }
    }

    /// Calls that reach storage.
    fn storage(&mut self, call: &Call, span: Span) -> Done<Option<Value>> {
        let xlen = self.xlen();
        let name = call.name.as_str();
        let bytes = match name {
            "read_memory_xlen" | "write_memory_xlen" => xlen / 8,
            "read_memory"
            | "write_memory"
            | "load_reserved"
            | "store_conditional"
            | "amo"
            | "read_physical_memory" => match self.template(call, span)? {
                Some(bits @ (8 | 16 | 32 | 64)) => bits / 8,
                _ => return self.stop("U022", span, "an access has 8, 16, 32 or 64 bits"),
            },
            "cache_block_zero" => 8,
            _ => return Ok(None),
        };
        if self.body().place == Place::Inline {
            return Err(Stop::Open);
        }
        let bits = bytes * 8;
        let Some((address, rest)) = call.arguments.split_first() else { return Ok(None) };
        let address = self.bits(address)?.to(xlen).plain().text;
        let cells = if bytes == 1 { String::new() } else { format!("; {bytes}") };
        let loaded = |text: String| Ok(Some(Value::Bits(Bits::term(Term::primary(text), bits))));
        let stored = |it: &mut Self, value: Option<&Expr>| match value {
            Some(value) => it.bits(value).map(|it| it.to(bits)),
            None => it.stop("U022", span, "a value is missing"),
        };
        match name {
            "read_memory" | "read_memory_xlen" => {
                loaded(format!("mem[load_address({address}, {bytes}){cells}]"))
            }
            "read_physical_memory" => loaded(format!("phys[{address}{cells}]")),
            "write_memory" | "write_memory_xlen" => {
                let value = stored(self, rest.first())?.plain().text;
                self.effect(format!("mem[store_address({address}, {bytes}){cells}] = {value};"))
            }
            "load_reserved" => {
                let local = self.fresh("loaded");
                self.emit(format!("let {local} = mem[load_address({address}, {bytes}){cells}];"));
                self.emit(format!("reserved = {address};"));
                loaded(local)
            }
            "store_conditional" => {
                let value = stored(self, rest.first())?.plain().text;
                let done = self.fresh("stored");
                let at = self.fresh("address");
                self.emit(format!("let {at} = store_address({address}, {bytes});"));
                self.emit(format!("let {done} = reserved == {at} && arbitrary(1);"));
                let store = vec![Line::Text(format!("mem[{at}{cells}] = {value};"))];
                self.body().lines.push(Line::If(Term::primary(done.clone()), store, Vec::new()));
                self.emit("reserved = 1;");
                Ok(Some(Value::Bool(Truth::Term(Term::primary(done)))))
            }
            "amo" => {
                let value = stored(self, rest.first())?;
                let operation = match rest.get(1).map(|it| self.expr(it)).transpose()? {
                    Some(Value::Member(_, bits)) => {
                        bits.value().and_then(|it| AMO.get(it as usize))
                    }
                    _ => None,
                };
                let Some(operation) = operation else {
                    return self.stop("U022", span, "this is no atomic operation");
                };
                let (at, old) = (self.fresh("address"), self.fresh("loaded"));
                self.emit(format!("let {at} = store_address({address}, {bytes});"));
                self.emit(format!("let {old} = mem[{at}{cells}];"));
                let value = value.plain().at(tight::PRIMARY);
                let new = operation
                    .replace("value", "\u{1}")
                    .replace("old", &old)
                    .replace('\u{1}', &value);
                self.emit(format!("mem[{at}{cells}] = {new};"));
                loaded(old)
            }
            _ => {
                let size = match self.parameter("CACHE_BLOCK_SIZE", span) {
                    Some(Ok(Value::Bits(bits))) => bits.value().unwrap_or(64),
                    _ => return self.stop("U024", span, "the size of a cache block is not known"),
                };
                for at in (0..size).step_by(8) {
                    self.emit(format!("mem[store_address({address} + {at}, 8); 8] = 0;"));
                }
                Ok(Some(Value::Nothing))
            }
        }
    }

    /// A statement with no result.
    fn effect(&mut self, text: String) -> Done<Option<Value>> {
        if self.body().place == Place::Inline {
            return Err(Stop::Open);
        }
        if !text.is_empty() {
            self.emit(text);
        }
        Ok(Some(Value::Nothing))
    }

    /// The number in `f<n>(…)`.
    fn template(&mut self, call: &Call, span: Span) -> Done<Option<u32>> {
        let Some(size) = call.template.first() else { return Ok(None) };
        match self.bits(size)?.value() {
            Some(size) => Ok(Some(size as u32)),
            None => self.stop("U022", span, "a size has to be known"),
        }
    }

    fn mode(&self) -> Value {
        let bits = self.mode_bits();
        let of = "PrivilegeMode".to_owned();
        match &self.modes[..] {
            [(_, _, only)] => Value::Member(of, Bits::known(*only, bits)),
            _ => Value::Member(of, Bits::term(Term::primary("prv"), bits)),
        }
    }

    /// `sext(value, n)`: bits from n on are copies of bit n - 1.
    fn extended(&mut self, value: &Expr, from: &Expr, span: Span) -> Done<Value> {
        let xlen = self.xlen();
        let value = self.bits(value)?.to(xlen);
        let from = self.bits(from)?;
        match from.value() {
            Some(0) => self.stop("U022", span, "there is no bit -1"),
            Some(from) if from >= u128::from(xlen) => {
                Ok(Value::Bits(Bits { width: super::Width::unsigned(xlen), ..value }))
            }
            Some(from) => {
                let low = self.part(&value, from - 1, 0, span)?;
                let signed =
                    Bits { width: super::Width { bits: low.width.bits, signed: true }, ..low };
                Ok(Value::Bits(Bits { width: super::Width::unsigned(xlen), ..signed.to(xlen) }))
            }
            None => {
                // To the left and back: what is shifted out comes back as copies of the sign.
                let amount =
                    format!("{xlen}u{} - {}", from.width.bits, from.plain().at(tight::ADD + 1));
                let term =
                    format!("sar({} << ({amount}), {amount})", value.typed().at(tight::SHIFT));
                Ok(Value::Bits(Bits {
                    width: super::Width::unsigned(xlen),
                    is: Is::Term(Term::primary(term)),
                }))
            }
        }
    }

    fn handle(&mut self, it: &Expr) -> Done<Handle> {
        match self.expr(it)? {
            Value::Csr(handle) => Ok(handle),
            other => {
                self.stop("U022", it.span, format!("this is {}, and a CSR is wanted", other.kind()))
            }
        }
    }
}
