//! CSRs: what their fields are, what software reads and writes, and how operations name them.

use model::diagnostic::{Diagnostic, Span};

use super::super::database::{FieldType, Reset};
use super::super::idl::statements;
use super::super::idl::types::Width;
use super::registers::{Bit, Kept, alias_of};
use super::value::{Bits, Term, Truth, Value};
use super::{Done, Stop, Translator, Type};

impl Translator<'_> {
    fn bit(&self, csr: usize, field: usize) -> Option<Bit> {
        self.registers.get(&csr)?.fields.iter().find(|it| it.field == field).cloned()
    }

    /// How a field is kept; the error says what of its type or reset value could not be settled.
    pub(crate) fn kept(&mut self, csr: usize, field: usize) -> Done<Kept> {
        if let Some(known) = self.kept.get(&(csr, field)) {
            return match known {
                Ok(kept) => Ok(kept.clone()),
                Err(why) => {
                    let span = self.database.csrs[csr].fields[field].name.span;
                    self.stop("U025", span, why.clone())
                }
            };
        }
        // Whoever asks in the meantime asks in a circle.
        self.kept.insert((csr, field), Err("the type of this field depends on itself".into()));
        let found = self.settle_field(csr, field);
        let memo = match &found {
            Ok(kept) => Ok(kept.clone()),
            Err(Stop::Because(why)) => Err(why.message.clone()),
            Err(Stop::Open) => Err("the type of this field depends on the state".into()),
        };
        self.kept.insert((csr, field), memo);
        match found {
            Err(Stop::Open) => {
                let span = self.database.csrs[csr].fields[field].name.span;
                self.stop("U025", span, "the type of this field depends on the state")
            }
            other => other,
        }
    }

    fn settle_field(&mut self, csr: usize, field: usize) -> Done<Kept> {
        if let Some((target, of, low)) = alias_of(self.database, csr, field) {
            // A view of what does not exist is zero.
            let exists = self.bit(target, of).is_some();
            return Ok(if exists { Kept::Alias(target, of, low) } else { Kept::Constant(0) });
        }
        let record = &self.database.csrs[csr].fields[field];
        let word = match &record.kind {
            FieldType::Word(word) => word.it.replace('-', ""),
            FieldType::Missing => "RW".into(),
            FieldType::Code(code) => match self.evaluated(*code)? {
                Value::Member(_, bits) => match bits.value() {
                    Some(0) => "RO".into(),
                    Some(1) => "ROH".into(),
                    _ => "RW".into(),
                },
                _ => return self.stop("U025", *code, "this is no type of a field"),
            },
        };
        if word != "RO" {
            return Ok(Kept::State { writable: word.starts_with("RW") });
        }
        let reset = match &record.reset {
            Reset::Number(value) => Some(*value),
            Reset::Open => None,
            // What nobody says is not known, and does not change.
            Reset::Code(code) => match self.evaluated(*code) {
                Ok(Value::Bits(bits)) => bits.value(),
                Ok(Value::Bool(Truth::Known(it))) => Some(it.into()),
                Err(Stop::Because(why)) if why.code != "U024" => return Err(Stop::Because(why)),
                _ => None,
            },
        };
        Ok(reset.map_or(Kept::State { writable: false }, Kept::Constant))
    }

    /// The value of an IDL text that depends on nothing but the configuration.
    fn evaluated(&mut self, code: Span) -> Done<Value> {
        let statements = self.parsed(code)?;
        self.inlined(&statements, &[])
    }

    pub(super) fn parsed(&self, code: Span) -> Done<Vec<super::Stmt>> {
        statements(self.database.sources.slice(code), code)
            .map_err(|error| Stop::Because(Box::new(error)))
    }

    /// `CSR[csr].field`
    pub(super) fn read_named(&mut self, csr: &str, field: &str, span: Span) -> Done<Bits> {
        let Some(index) = self.database.csr(csr) else {
            return self.stop("U023", span, format!("there is no CSR `{csr}` in the database"));
        };
        let found = self.database.csrs[index].fields.iter().position(|it| it.name.it == field);
        let Some(found) = found else {
            return self.stop("U023", span, format!("`{csr}` has no field `{field}`"));
        };
        if let Some(bit) = self.bit(index, found) {
            return self.read_field(index, &bit);
        }
        Ok(self.absent(index, found))
    }

    pub(crate) fn read_field(&mut self, csr: usize, bit: &Bit) -> Done<Bits> {
        match self.kept(csr, bit.field)? {
            Kept::Constant(value) => Ok(Bits::known(value, bit.width())),
            Kept::State { .. } => Ok(Bits::term(Term::primary(self.place(csr, bit)), bit.width())),
            Kept::Alias(target, field, low) => match self.bit(target, field) {
                Some(of) => {
                    let value = self.read_field(target, &of)?;
                    let high = (low + bit.width()).min(value.width.bits) - 1;
                    let span = self.database.csrs[csr].fields[bit.field].name.span;
                    Ok(self.part(&value, high.into(), low.into(), span)?.to(bit.width()))
                }
                None => Ok(Bits::known(0, bit.width())),
            },
        }
    }

    /// Where a field is kept: a field of a component, or the component if it is all of it.
    pub(crate) fn place(&self, csr: usize, bit: &Bit) -> String {
        let register = &self.registers[&csr];
        if self.is_whole(csr, bit) {
            return register.name.clone();
        }
        format!("{}.{}", register.name, self.field_name(csr, bit))
    }

    pub(crate) fn field_name(&self, csr: usize, bit: &Bit) -> String {
        let name = self.database.csrs[csr].fields[bit.field].name.it.to_lowercase();
        let clean: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if super::TAKEN.contains(&clean.as_str()) { format!("{clean}_") } else { clean }
    }

    /// Whether a field is all that is kept of its CSR.
    pub(crate) fn is_whole(&self, csr: usize, bit: &Bit) -> bool {
        bit.low == 0 && self.registers[&csr].fields.len() == 1
    }

    /// `CSR[csr].field = value;` in an operation.
    pub(super) fn set_field(
        &mut self,
        csr: &str,
        field: &str,
        value: &Bits,
        span: Span,
    ) -> Done<()> {
        let Some(index) = self.database.csr(csr) else {
            return self.stop("U023", span, format!("there is no CSR `{csr}` in the database"));
        };
        let found = self.database.csrs[index].fields.iter().position(|it| it.name.it == field);
        let Some(found) = found else {
            return self.stop("U023", span, format!("`{csr}` has no field `{field}`"));
        };
        let Some(bit) = self.bit(index, found) else { return Ok(()) };
        let (owner, kept) = self.owner(index, &bit)?;
        if let Some(Kept::State { .. }) = kept {
            let value = value.to(bit.width()).plain().text;
            self.emit(format!("{} = {value};", self.place_of(&owner)));
        } else if kept.is_some() {
            let message = format!("`{field}` is read-only here, and nothing is written");
            self.found.push(Diagnostic::warning("U104", span, message));
        }
        Ok(())
    }

    /// The field that keeps the bits of one, by way of its aliases, and how; `None` if there is none.
    fn owner(&mut self, csr: usize, bit: &Bit) -> Done<(Owner, Option<Kept>)> {
        let mut owner = Owner { csr, bit: bit.clone(), low: 0, width: bit.width() };
        loop {
            match self.kept(owner.csr, owner.bit.field)? {
                Kept::Alias(target, field, low) => match self.bit(target, field) {
                    Some(next) => {
                        owner = Owner { csr: target, bit: next, low: owner.low + low, ..owner }
                    }
                    None => return Ok((owner, None)),
                },
                kept => return Ok((owner, Some(kept))),
            }
        }
    }

    /// The place of the bits that a field keeps for another.
    fn place_of(&self, owner: &Owner) -> String {
        let place = self.place(owner.csr, &owner.bit);
        let width = owner.width.min(owner.bit.width());
        if owner.low == 0 && width == owner.bit.width() {
            return place;
        }
        format!("{place}[{}:{}]", owner.low + width - 1, owner.low)
    }

    /// A field of a value that is written to a CSR.
    pub(super) fn written(
        &mut self,
        csr: usize,
        value: &Term,
        field: &str,
        span: Span,
    ) -> Done<Bits> {
        let found = self.database.csrs[csr].fields.iter().position(|it| it.name.it == field);
        let Some(found) = found else {
            let name = &self.database.csrs[csr].name.it;
            return self.stop("U023", span, format!("`{name}` has no field `{field}`"));
        };
        let bits = self.registers.get(&csr).map_or(64, |it| it.bits);
        if let Some(bit) = self.bit(csr, found) {
            let value = Bits::term(value.clone(), bits);
            return self.part(&value, bit.high.into(), bit.low.into(), span);
        }
        Ok(self.absent(csr, found))
    }

    /// What a field reads as that this configuration has not.
    fn absent(&self, csr: usize, field: usize) -> Bits {
        let bits = self.database.csrs[csr].fields[field].bits(self.xlen());
        Bits::known(0, bits.map_or(1, |(high, low)| high - low + 1))
    }

    // ---- Whole CSRs ----

    /// `$bits(CSR[csr])`: the fields where they are, zero between them.
    pub(super) fn csr_value(&mut self, index: Option<usize>, span: Span) -> Done<Bits> {
        let Some(index) = index else { return Ok(Bits::known(0, self.xlen())) };
        let register = &self.registers[&index];
        let (bits, fields, name) = (register.bits, register.fields.clone(), register.name.clone());
        let mut parts = Vec::new();
        let mut at = 0;
        for bit in &fields {
            // Fields that overlap are read from the first.
            if bit.low < at {
                continue;
            }
            if bit.low > at {
                parts.push(Bits::known(0, bit.low - at));
            }
            parts.push(self.read_field(index, bit)?);
            at = bit.high + 1;
        }
        if at < bits {
            parts.push(Bits::known(0, bits - at));
        }
        parts.reverse();
        let known = merged(parts);
        let Value::Bits(value) = self.joined(&known, span)? else {
            return self.stop("U020", span, "no value");
        };
        if value.value().is_some() || known.len() <= 2 {
            return Ok(value);
        }
        let name = format!("{name}_value");
        if !self.made.iter().any(|it| it.name == name) {
            let lines = vec![super::Line::Text(format!("return {};", value.typed().text))];
            let head = format!("() -> {bits}");
            self.made.push(super::Made { name: name.clone(), head, lines });
        }
        Ok(Bits::term(Term::primary(format!("{name}()")), bits))
    }

    /// What software reads.
    pub(crate) fn read_csr(&mut self, index: usize) -> Done<Bits> {
        let Some(code) = self.database.csrs[index].sw_read else {
            let span = self.database.csrs[index].name.span;
            return self.csr_value(Some(index), span);
        };
        let (bits, name) =
            (self.registers[&index].bits, format!("{}_read", self.registers[&index].name));
        let of = Type::Bits(Width::unsigned(bits));
        let statements = self.parsed(code)?;
        match self.inlined(&statements, &[]) {
            Ok(value) => match self.convert(value, &of, code)? {
                Value::Bits(bits) => return Ok(bits),
                _ => return self.stop("U022", code, "what is read are bits"),
            },
            Err(Stop::Open) => {}
            Err(other) => return Err(other),
        }
        self.make(&name, &format!("() -> {bits}"), &of, None, Vec::new(), &statements)?;
        Ok(Bits::term(Term::primary(format!("{name}()")), bits))
    }

    /// What software writes: all fields get what their rules make of the values before.
    pub(crate) fn write_csr(&mut self, index: usize, value: &Bits) -> Done<()> {
        let register = &self.registers[&index];
        let (name, bits, fields) =
            (format!("{}_write", register.name), register.bits, register.fields.clone());
        if !self.made.iter().any(|it| it.name == name) {
            let lines = self.write_lines(index, &fields)?;
            let head = format!("(value: {bits})");
            self.made.push(super::Made { name: name.clone(), head, lines });
        }
        let value = value.to(bits).plain().text;
        self.emit(format!("{name}({value});"));
        Ok(())
    }

    fn write_lines(&mut self, index: usize, fields: &[Bit]) -> Done<Vec<super::Line>> {
        let whole = Term::primary("value");
        let bits = self.registers[&index].bits;
        let mut news = Vec::new();
        for bit in fields {
            let (owner, kept) = self.owner(index, bit)?;
            // A view that is declared read-only stays so.
            let own = matches!(&self.database.csrs[index].fields[bit.field].kind, FieldType::Word(word) if word.it.starts_with("RO"));
            if own || kept != Some(Kept::State { writable: true }) {
                continue;
            }
            let place = self.place_of(&owner);
            let record = &self.database.csrs[index].fields[bit.field];
            let (span, rule) = (record.name.span, record.sw_write.clone());
            let new = match rule {
                Some((parameter, code)) => self.ruled(index, bit, &place, &parameter, code)?,
                None => self.part(
                    &Bits::term(whole.clone(), bits),
                    bit.high.into(),
                    bit.low.into(),
                    span,
                )?,
            };
            news.push((place, new));
        }
        let mut lines: Vec<super::Line> = Vec::new();
        let text = |text: String| super::Line::Text(text);
        if news.len() > 1
            && news.iter().any(|(_, new)| {
                new.typed().text.contains("_legal(") || new.typed().text.contains('.')
            })
        {
            for (i, (_, new)) in news.iter().enumerate() {
                lines.push(text(format!("let new{i} = {};", new.typed().text)));
            }
            lines.extend(
                news.iter().enumerate().map(|(i, (place, _))| text(format!("{place} = new{i};"))),
            );
        } else {
            lines.extend(
                news.iter().map(|(place, new)| text(format!("{place} = {};", new.plain().text))),
            );
        }
        if news.is_empty() {
            lines.push(text("let _unused = value;".into()));
        }
        if self.steers_translation(index) {
            let function = self.functions.get("invalidate_translations");
            if let Some(function) = function {
                let span = function.span;
                let body = super::Body::new(super::Place::Function(None), &[]);
                let (body, _) = self.within(body, |it| it.call(function, Vec::new(), span))?;
                lines.extend(body.lines);
            }
        }
        Ok(lines)
    }

    /// What the rule of a field makes of a value that is written.
    fn ruled(
        &mut self,
        csr: usize,
        bit: &Bit,
        place: &str,
        parameter: &str,
        code: Span,
    ) -> Done<Bits> {
        let statements = self.parsed(code)?;
        let width = bit.width();
        let keeps = Value::Bits(Bits::term(Term::primary(place), width));
        let value = Value::Written(csr, Term::primary("value"));
        let of = Type::Bits(Width::unsigned(width));
        // First as a value, then as a function.
        let mut outer = super::Body::new(super::Place::Function(None), &[]);
        outer.keeps = Some(keeps.clone());
        let name = parameter.to_owned();
        let tried = self
            .within(outer, |it| it.inlined(&statements, &[(&name, Type::Struct, value.clone())]));
        match tried {
            Ok((_, found)) => match self.convert(found, &of, code)? {
                Value::Bits(bits) => return Ok(bits),
                _ => return self.stop("U022", code, "what is written are bits"),
            },
            Err(Stop::Open) => {}
            Err(other) => return Err(other),
        }
        let name = format!("{}_{}_legal", self.registers[&csr].name, self.field_name(csr, bit));
        let head = format!("(value: {}) -> {width}", self.registers[&csr].bits);
        let variables = vec![(parameter.to_owned(), Type::Struct, value)];
        self.make(&name, &head, &of, Some(keeps), variables, &statements)?;
        Ok(Bits::term(Term::primary(format!("{name}(value)")), width))
    }

    /// Whether the mapping is read from this CSR.
    fn steers_translation(&self, index: usize) -> bool {
        let function =
            self.functions.get("invalidate_translations").and_then(|it| it.body.as_ref());
        let name = &self.database.csrs[index].name.it;
        function.is_some_and(|body| super::super::census::csrs(body).contains(name.as_str()))
    }

    /// The component of the first machine counter.
    pub(super) fn first_counter(&self) -> Option<String> {
        let index = self.csr_of_number(0xb00)?;
        Some(self.registers[&index].name.clone())
    }
}

/// A field that keeps bits for another: from `low` on, so many.
struct Owner {
    csr: usize,
    bit: Bit,
    low: u32,
    width: u32,
}

/// Neighbours that are known as one.
fn merged(parts: Vec<Bits>) -> Vec<Bits> {
    let mut all: Vec<Bits> = Vec::new();
    for part in parts {
        let joined = all.last().and_then(Bits::value).zip(part.value()).map(|(before, value)| {
            let bits = all.last().map_or(0, |it| it.width.bits) + part.width.bits;
            Bits::known(before << part.width.bits | value, bits)
        });
        match joined {
            Some(one) => *all.last_mut().expect("there is one") = one,
            None => all.push(part),
        }
    }
    all
}
