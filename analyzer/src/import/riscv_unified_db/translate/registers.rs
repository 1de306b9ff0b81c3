//! CSRs as a configuration has them: which fields there are, where their bits are kept, and who writes them.

use std::collections::BTreeMap;

use model::diagnostic::Diagnostic;

use super::super::database::{Configuration, Csr, Database, Field, Length};

/// How a field is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is always this.
    Constant(u128),
    /// It is state, in the register of this CSR.
    State { writable: bool },
    /// It is the bits of a field of another CSR, from this one on.
    Alias(usize, usize, u32),
}

/// A field that exists.
#[derive(Debug, Clone)]
pub(crate) struct Bit {
    /// Its position among the fields of the database's record.
    pub(crate) field: usize,
    pub(crate) high: u32,
    pub(crate) low: u32,
}

impl Bit {
    pub(crate) const fn width(&self) -> u32 {
        self.high - self.low + 1
    }
}

/// A CSR that exists.
#[derive(Debug)]
pub(crate) struct Register {
    /// Its name as a component.
    pub(crate) name: String,
    pub(crate) bits: u32,
    /// The fields that exist, lowest first.
    pub(crate) fields: Vec<Bit>,
}

/// Where a field is a view of: followed from less to more privileged CSRs.
pub(crate) fn alias_of(
    database: &Database,
    csr: usize,
    field: usize,
) -> Option<(usize, usize, u32)> {
    let own = rank(&database.csrs[csr]);
    database.csrs[csr].fields[field].aliases.iter().find_map(|alias| {
        let target = database.csr(&alias.csr)?;
        let found = database.csrs[target].fields.iter().position(|it| it.name.it == alias.field)?;
        (rank(&database.csrs[target]) < own).then_some((target, found, alias.low))
    })
}

/// Most privileged first, then by number: of two fields that are the same bits, the first keeps them.
fn rank(csr: &Csr) -> (u32, u128) {
    let mode = match csr.mode.it.as_str() {
        "D" => 0,
        "M" => 1,
        "S" => 2,
        "VS" => 3,
        _ => 4,
    };
    (mode, csr.address.unwrap_or(u128::MAX))
}

/// The registers of a configuration, by position of the database's records.
pub(crate) fn registers(
    database: &Database,
    configuration: &Configuration,
) -> BTreeMap<usize, Register> {
    let xlen = configuration.xlen();
    let exists = |it: &&Csr| it.defined_by.as_ref().is_none_or(|it| it.holds(configuration));
    let of = |(i, csr): (usize, &Csr)| {
        let bits = match csr.length {
            Length::Xlen => xlen,
            Length::Bits(bits) => bits,
        };
        let mut fields: Vec<Bit> = (csr.fields.iter().enumerate())
            .filter(|(_, field)| field_exists(field, configuration))
            .filter_map(|(i, field)| {
                field.bits(xlen).map(|(high, low)| Bit { field: i, high, low })
            })
            .filter(|bit| bit.high < bits)
            .collect();
        fields.sort_by_key(|bit| bit.low);
        (i, Register { name: csr.name.it.replace('.', "_"), bits, fields })
    };
    database.csrs.iter().enumerate().filter(|(_, csr)| exists(csr)).map(of).collect()
}

fn field_exists(field: &Field, configuration: &Configuration) -> bool {
    field.defined_by.as_ref().is_none_or(|it| it.holds(configuration))
}

/// Aliases that name nothing, or lead back to where they began.
pub(crate) fn wrong_aliases(database: &Database) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    let target = |csr: &str, field: &str| {
        let csr = database.csr(csr)?;
        database.csrs[csr].fields.iter().position(|it| it.name.it == field).map(|it| (csr, it))
    };
    for (i, csr) in database.csrs.iter().enumerate() {
        for (j, field) in csr.fields.iter().enumerate() {
            for alias in &field.aliases {
                let name = format!("{}.{}", alias.csr, alias.field);
                match target(&alias.csr, &alias.field) {
                    None if database.csr(&alias.csr).is_some() => {
                        let message = format!("`{}` has no field `{}`", alias.csr, alias.field);
                        all.push(
                            Diagnostic::warning("U023", alias.span, message)
                                .label("an alias of nothing"),
                        );
                    }
                    Some(found) if circular(database, (i, j), found) => {
                        let message = format!(
                            "`{}.{}` is an alias of itself, by way of {name}",
                            csr.name.it, field.name.it
                        );
                        all.push(
                            Diagnostic::error("U005", alias.span, message)
                                .help("name the field that keeps the bits"),
                        );
                    }
                    Some(_) | None => {}
                }
            }
        }
    }
    all
}

/// Whether the first aliases lead from a field to itself in one step, or in three or more: two fields that name each
/// other are the same bits, and no error.
fn circular(database: &Database, start: (usize, usize), first: (usize, usize)) -> bool {
    if first == start {
        return true;
    }
    let next = |(csr, field): (usize, usize)| {
        let alias = database.csrs[csr].fields[field].aliases.first()?;
        let csr = database.csr(&alias.csr)?;
        database.csrs[csr]
            .fields
            .iter()
            .position(|it| it.name.it == alias.field)
            .map(|it| (csr, it))
    };
    let (mut at, mut steps) = (first, 1);
    while let Some(then) = next(at) {
        steps += 1;
        if then == start {
            return steps > 2;
        }
        if steps > 16 {
            return false;
        }
        at = then;
    }
    false
}
