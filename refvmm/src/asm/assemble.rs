//! Statements to cells: first where everything stands, then what it holds.

use std::collections::BTreeMap;

use model::bits::mask;
use model::diagnostic::Span;
use model::isa::Isa;

use super::expression::Expression;
use super::parse::{Line, Reading, Statement};
use super::symbols::{Place, Symbols};
use super::syntax::Form;
use super::targets::Target;
use super::{Checked, Errors, Image, MAX_CELLS, Wrong};
use crate::decode::{encode_cells, split};

/// Lays statements out and writes their cells.
pub(super) fn assemble(
    isa: &Isa,
    forms: &[Form],
    lines: &[Line<'_>],
    errors: &mut Errors,
) -> Image {
    let symbols = Symbols::new(isa);
    let image = Image::default();
    let mut assembler = Assembler {
        isa,
        forms,
        symbols,
        places: Vec::new(),
        taken: BTreeMap::new(),
        errors,
        image,
    };
    assembler.layout(lines);
    for (line, place) in lines.iter().zip(std::mem::take(&mut assembler.places)) {
        if let (Some((statement, span)), Some(place)) = (&line.statement, place)
            && let Err(wrong) = assembler.emit(statement, *span, place)
        {
            assembler.errors.push(wrong);
        }
    }
    assembler.image.labels = assembler.symbols.labels();
    assembler.image
}

struct Assembler<'a, 's, 't> {
    isa: &'s Isa,
    forms: &'a [Form],
    symbols: Symbols<'s, 't>,
    /// Where each line stands, if it fits there.
    places: Vec<Option<Place>>,
    /// First cell of each statement that takes cells: one past its last, and its place.
    taken: BTreeMap<u128, (u128, Span)>,
    errors: &'a mut Errors,
    image: Image,
}

impl<'s, 't> Assembler<'_, 's, 't> {
    /// Gives every line its address and every name its meaning.
    fn layout(&mut self, lines: &'s [Line<'t>]) {
        for line in lines {
            let constant = match &line.statement {
                Some((Statement::Constant(name, _), span)) => Some((*name, *span)),
                _ => None,
            };
            for (name, span) in line.labels.iter().copied().chain(constant) {
                let declared = self.symbols.declare(name, span);
                declared.unwrap_or_else(|wrong| self.errors.push(wrong));
            }
        }
        let mut place = Place { address: 0, length: 0 };
        let mut total = 0;
        for line in lines {
            place = Place { address: place.address + place.length, length: 0 };
            for (name, span) in &line.labels {
                self.symbols.label(name, *span, place.address);
            }
            let Some((statement, span)) = &line.statement else {
                self.places.push(None);
                continue;
            };
            if let Statement::Constant(name, value) = statement {
                self.symbols.constant(name, *span, value, place);
            }
            let fitted = self.extent(statement, place).and_then(|next| self.reserve(next, *span));
            let placed = fitted.map_err(|wrong| self.errors.push(wrong)).ok();
            place = placed.unwrap_or(place);
            total += place.length;
            if total > MAX_CELLS {
                let message = format!("the program has more than {MAX_CELLS} cells");
                self.errors.push(Wrong::new("P042", *span, message));
                return;
            }
            if place.length > 0 {
                self.image.lines.insert(place.address, line.number);
            }
            self.places.push(placed);
        }
    }

    /// Where a statement stands and how many cells it takes.
    fn extent(&mut self, statement: &Statement<'t>, at: Place) -> Checked<Place> {
        let address = at.address;
        let cells = |length| Ok(Place { address, length });
        match statement {
            Statement::Instruction(readings) => cells(
                readings
                    .first()
                    .map_or(1, |r| self.isa.classes[self.forms[r.form].classes[0]].length),
            ),
            Statement::Data(each, values) => cells(u128::from(*each) * values.len() as u128),
            Statement::Text(text) => cells(text.chars().count() as u128),
            Statement::Space(count, _) => cells(self.amount(count, at, "a number of cells", 0)?),
            Statement::Origin(to) => {
                Ok(Place { address: self.amount(to, at, "an address", 0)?, length: 0 })
            }
            Statement::Align(to) => {
                let multiple = self.amount(to, at, "a number of cells", 1)?;
                Ok(Place { address: address.next_multiple_of(multiple), length: 0 })
            }
            Statement::Constant(..) | Statement::Entry(_) => cells(0),
        }
    }

    /// A number between `least` and the size of storage.
    fn amount(
        &mut self,
        expression: &Expression<'t>,
        at: Place,
        what: &str,
        least: u128,
    ) -> Checked<u128> {
        let value = self.symbols.number(expression, at)?;
        let most = self.isa.storage.cells;
        u128::try_from(value).ok().filter(|n| (least..=most).contains(n)).ok_or_else(|| {
            let message = format!("{value} is not {what} from {least} to {most}");
            Wrong::new("P040", expression.span, message)
        })
    }

    /// Takes cells that no other statement has.
    fn reserve(&mut self, place: Place, span: Span) -> Checked<Place> {
        let end = place.address + place.length;
        if end > self.isa.storage.cells {
            let message = format!("storage has {} cells only", self.isa.storage.cells);
            let label = format!("this ends at {end}");
            return Err(Wrong::new("P041", span, message).label(label));
        }
        if place.length == 0 {
            return Ok(place);
        }
        if let Some((_, (until, other))) = self.taken.range(..end).next_back()
            && *until > place.address
        {
            let message = format!("cells {} to {} are taken", place.address, end - 1);
            return Err(Wrong::new("P043", span, message).related(*other, "by this"));
        }
        self.taken.insert(place.address, (end, span));
        Ok(place)
    }

    /// Writes the cells of a statement.
    fn emit(&mut self, statement: &Statement<'t>, span: Span, place: Place) -> Checked<()> {
        match statement {
            Statement::Instruction(readings) => {
                let cells = self.instruction(readings, span, place)?;
                self.write(place.address, cells);
            }
            Statement::Data(each, values) => {
                let width = each * self.isa.storage.width;
                if width > 128 {
                    let message = format!("a value has 128 bits at most, not {width}");
                    return Err(Wrong::new("P022", span, message));
                }
                for (i, expression) in (0..).zip(values) {
                    let value = self.number(expression, place, width)?;
                    let cells = split(self.isa, value, *each);
                    self.write(place.address + i * u128::from(*each), cells);
                }
            }
            Statement::Text(text) => {
                let width = self.isa.storage.width;
                if let Some(c) = text.chars().find(|c| u128::from(u32::from(*c)) > mask(width)) {
                    let message = format!("{c:?} does not fit a cell of {width} bits");
                    return Err(Wrong::new("P022", span, message));
                }
                let cells = text.chars().map(|c| u128::from(u32::from(c)));
                self.write(place.address, cells);
            }
            Statement::Space(_, value) => {
                let width = self.isa.storage.width;
                let value = value.as_ref().map(|v| self.number(v, place, width)).transpose()?;
                let cells = (0..place.length).map(|_| value.unwrap_or(0));
                self.write(place.address, cells);
            }
            // A constant may be unused and wrong all the same.
            Statement::Constant(_, value) => {
                self.symbols.value(value, place)?;
            }
            Statement::Entry(address) => {
                let entry = self.amount(address, place, "an address", 0)?;
                if self.image.entry.replace(entry).is_some() {
                    return Err(Wrong::new("P031", span, "there are two entries"));
                }
            }
            Statement::Origin(_) | Statement::Align(_) => {}
        }
        Ok(())
    }

    fn write(&mut self, address: u128, cells: impl IntoIterator<Item = u128>) {
        self.image.cells.extend((address..).zip(cells));
    }

    /// The cells of an instruction: the first reading that some class takes counts.
    fn instruction(
        &mut self,
        readings: &[Reading<'t>],
        span: Span,
        place: Place,
    ) -> Checked<Vec<u128>> {
        let mut wrong = None;
        for reading in readings {
            match self.reading(reading, span, place) {
                Ok(cells) if cells.len() as u128 == place.length => return Ok(cells),
                Ok(_) => {}
                Err(first) => wrong = wrong.or(Some(first)),
            }
        }
        Err(wrong.unwrap_or_else(|| {
            Wrong::new("P023", span, "only a form of another length takes these operands")
        }))
    }

    fn reading(&mut self, reading: &Reading<'t>, span: Span, place: Place) -> Checked<Vec<u128>> {
        let form = &self.forms[reading.form];
        let mut given = Vec::new();
        for (operand, expression) in &reading.operands {
            let value = self.symbols.value(expression, place)?;
            let files = &form.files[*operand];
            let shown = &self.isa.classes[form.classes[0]].operands[*operand];
            if value.file.is_some_and(|file| !files.contains(&file)) {
                let known: Vec<_> =
                    files.iter().map(|id| self.isa.register(*id).name.as_str()).collect();
                let known = known.join("` or `");
                let (message, help) = if known.is_empty() {
                    (format!("`{}` is a number, not a register", shown.name), None)
                } else {
                    let help = format!("registers of `{known}` can stand here");
                    (format!("`{}` is a register of another file", shown.name), Some(help))
                };
                return Err(Wrong::new("P024", expression.span, message).help(help));
            }
            let wrong = match (form.targets[*operand], self.symbols.only_label(expression)) {
                (Some(Target::Place), _) if expression.relative => {
                    Some(("an address, not a distance", "write it without `->`".to_owned()))
                }
                (Some(Target::Distance), Some(label)) => {
                    let help = format!("`->{label}` is the distance from the next instruction");
                    Some(("a distance, not an address", help))
                }
                _ => None,
            };
            if let Some((what, help)) = wrong {
                let message = format!("`{}` of `{}` is {what}", shown.name, form.mnemonic);
                return Err(Wrong::new("P025", expression.span, message).help(help));
            }
            let value = fitting(value.number, shown.width, expression.span)?;
            given.push((*operand, value));
        }
        let chosen = form.choose(self.isa, &given);
        let cells = chosen
            .and_then(|(class, values)| encode_cells(self.isa, &self.isa.classes[class], &values));
        cells.ok_or_else(|| {
            let message = format!("`{}` does not take these operands", form.mnemonic);
            Wrong::new("P023", span, message)
        })
    }

    /// The number an expression stands for, as a bit string of this width.
    fn number(&mut self, expression: &Expression<'t>, place: Place, width: u32) -> Checked<u128> {
        let number = self.symbols.number(expression, place)?;
        fitting(number, width, expression.span)
    }
}

/// A number as a bit string of this width: unsigned or two's complement.
fn fitting(number: i128, width: u32, span: Span) -> Checked<u128> {
    let bits = number as u128 & mask(width);
    if width > 127 {
        return Ok(bits);
    }
    let (least, most) = (-(1i128 << (width - 1)), mask(width) as i128);
    if (least..=most).contains(&number) {
        return Ok(bits);
    }
    let message = format!("{number} does not fit {width} bits");
    Err(Wrong::new("P022", span, message).help(format!("from {least} to {most} it would")))
}
