//! What can be seen to be wrong in the database without executing anything. Kinds are found by rule, never by name.

use std::collections::{BTreeMap, BTreeSet};

use model::diagnostic::{Diagnostic, Span};

use super::census::{csrs, expressions, within};
use super::database::{Csr, Database, Length};
use super::idl::ast::{Binary, Expr, ExprKind, Stmt, StmtKind};
use super::idl::statements;

/// Everything that is found, in no order.
pub(super) fn all(database: &Database) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let operations: Vec<(usize, Vec<Stmt>)> = (database.instructions.iter().enumerate())
        .filter_map(|(i, it)| Some((i, parsed(database, it.operation?)?)))
        .collect();
    for csr in &database.csrs {
        found.extend(numbered(csr));
        found.extend(placed(csr));
        if let Some(code) = csr.sw_read.and_then(|code| parsed(database, code)) {
            found.extend(read_elsewhere(database, csr, &code));
            found.extend(moved(csr, &code));
        }
    }
    found.extend(returns(database, &operations));
    found.extend(prose(database, &operations));
    found.extend(without_code(database));
    found
}

fn parsed(database: &Database, code: Span) -> Option<Vec<Stmt>> {
    statements(database.sources.slice(code), code).ok()
}

fn warning(code: &'static str, span: Span, message: String) -> Diagnostic {
    Diagnostic::warning(code, span, message)
}

// ---- CSRs by themselves ----

/// What the number says of privilege and of writes, against what is declared.
fn numbered(csr: &Csr) -> Vec<Diagnostic> {
    let Some(address) = csr.address else { return Vec::new() };
    let mut all = Vec::new();
    let fits = match address >> 8 & 3 {
        0 => csr.mode.it == "U",
        1 => csr.mode.it == "S",
        2 => ["S", "VS", "HS", "H"].contains(&csr.mode.it.as_str()),
        _ => ["M", "D"].contains(&csr.mode.it.as_str()),
    };
    if !fits {
        let message =
            format!("bits 9 and 8 of the number 0x{address:x} do not say {} mode", csr.mode.it);
        all.push(warning("U107", csr.mode.span, message));
    }
    if csr.writable && address >> 10 == 3 {
        let message = format!(
            "`{}` is writable, and its number 0x{address:x} says that it is not",
            csr.name.it
        );
        all.push(warning("U107", csr.name.span, message));
    }
    all
}

/// Fields that lie outside their register, or share bits.
fn placed(csr: &Csr) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for xlen in [32, 64] {
        let bits = match csr.length {
            Length::Xlen => xlen,
            Length::Bits(bits) => bits,
        };
        let alone =
            |it: &super::database::Field| it.defined_by.as_ref().is_none_or(|it| it.allows(xlen));
        let fields: Vec<_> = csr
            .fields
            .iter()
            .filter(|it| alone(it))
            .filter_map(|it| Some((it, it.bits(xlen)?)))
            .collect();
        for (i, (field, (high, low))) in fields.iter().enumerate() {
            if *high >= bits {
                let message = format!(
                    "`{}` has bits up to {high}, and `{}` has {bits} where MXLEN is {xlen}",
                    field.name.it, csr.name.it
                );
                all.push(warning("U108", field.name.span, message));
            }
            if let Some((other, _)) = fields[..i].iter().find(|(_, (h, l))| l <= high && low <= h) {
                let message = format!("`{}` shares bits with `{}`", field.name.it, other.name.it);
                all.push(warning("U108", field.name.span, message));
            }
        }
    }
    all.dedup();
    all
}

/// `sw_read()` that gives the bits of a CSR that is not this one, nor one that its fields name.
fn read_elsewhere(database: &Database, csr: &Csr, code: &[Stmt]) -> Vec<Diagnostic> {
    let own = csr.name.it.as_str();
    let mut kin: BTreeSet<&str> =
        csr.fields.iter().flat_map(|it| &it.aliases).map(|it| it.csr.as_str()).collect();
    kin.insert(own);
    kin.extend(database.csrs.iter().filter_map(|other| {
        let names = other.fields.iter().flat_map(|it| &it.aliases).any(|it| it.csr == own);
        names.then_some(other.name.it.as_str())
    }));
    let mut given = Vec::new();
    returned(code, &mut given);
    let mut named: Vec<(&str, Span)> = Vec::new();
    for value in given {
        within(value, &mut |it| {
            if let ExprKind::Csr(name) = &it.kind {
                named.push((name, it.span));
            }
        });
    }
    // The upper half of a register of 64 bits is read where MXLEN is 32.
    let half = |name: &str| own.strip_suffix('h') == Some(name);
    if named.is_empty() || named.iter().any(|(name, _)| kin.contains(name) || half(name)) {
        return Vec::new();
    }
    named.sort_by_key(|(_, span)| *span);
    named.dedup_by_key(|(name, _)| *name);
    let of = |(name, span): (&str, Span)| {
        let message =
            format!("what software reads of `{own}` is `{name}`, which no field of it names");
        warning("U105", span, message).label("another CSR")
    };
    named.into_iter().map(of).collect()
}

/// The values that `return` gives.
fn returned<'s>(code: &'s [Stmt], all: &mut Vec<&'s Expr>) {
    for statement in code {
        match &statement.kind {
            StmtKind::Return(Some(value)) => all.push(value),
            StmtKind::If(_, then, otherwise) => {
                returned(then, all);
                returned(otherwise, all);
            }
            StmtKind::For(it) => returned(&it.body, all),
            _ => {}
        }
    }
}

/// Fields that `sw_read()` shifts to another place than they have.
fn moved(csr: &Csr, code: &[Stmt]) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    expressions(code, &mut |it| {
        let ExprKind::Binary(Binary::WideShl | Binary::Shl, value, by) = &it.kind else { return };
        let (ExprKind::Field(of, field), ExprKind::Number(by)) = (&value.kind, &by.kind) else {
            return;
        };
        if !matches!(&of.kind, ExprKind::Csr(name) if *name == csr.name.it) {
            return;
        }
        let place = csr.fields.iter().find(|it| it.name.it == *field).and_then(|it| it.any);
        if let Some((_, low)) = place.filter(|(_, low)| u128::from(*low) != by.value) {
            let message = format!(
                "`{field}` is bit {low} of `{}`, and is read as bit {}",
                csr.name.it, by.value
            );
            all.push(warning("U106", it.span, message));
        }
    });
    all
}

// ---- Returns from traps ----

/// Operations that return from a trap, compared with each other: a way that sets no mode, and fields that the others set.
fn returns(database: &Database, operations: &[(usize, Vec<Stmt>)]) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    let is_return = |code: &[Stmt]| calls(code, "set_mode") && !jumps(code).is_empty();
    let returns: Vec<&(usize, Vec<Stmt>)> =
        operations.iter().filter(|(_, code)| is_return(code)).collect();
    for (_, code) in &returns {
        modeless(code, &mut all);
    }
    let mut cleared: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let mut written = BTreeMap::new();
    for (i, code) in &returns {
        let fields = assigned(code);
        for (key, zero) in &fields {
            if *zero {
                cleared.entry(key.clone()).or_default().push(*i);
            }
        }
        let keys: BTreeSet<(String, String)> = fields.into_keys().collect();
        written.insert(*i, keys);
    }
    // What most of them clear, all of them should.
    for ((csr, field), by) in cleared {
        if by.len() * 2 <= returns.len() {
            continue;
        }
        for (i, _) in &returns {
            if !written[i].contains(&(csr.clone(), field.clone())) {
                let it = &database.instructions[*i];
                let others: Vec<&str> =
                    by.iter().take(3).map(|i| database.instructions[*i].name.it.as_str()).collect();
                let message = format!(
                    "`{}` returns from a trap and leaves {csr}.{field} as it is; {} clear it",
                    it.name.it,
                    others.join(", ")
                );
                all.push(warning("U111", it.name.span, message));
            }
        }
    }
    all
}

fn calls(code: &[Stmt], name: &str) -> bool {
    let mut found = false;
    expressions(code, &mut |it| {
        found |= matches!(&it.kind, ExprKind::Call(call) if call.name == name);
    });
    found
}

/// Assignments to `$pc`.
fn jumps(code: &[Stmt]) -> Vec<Span> {
    let mut all = Vec::new();
    for statement in code {
        match &statement.kind {
            StmtKind::Assign(place, _) if matches!(place.kind, ExprKind::Pc) => {
                all.push(statement.span);
            }
            StmtKind::If(_, then, otherwise) => {
                all.extend(jumps(then));
                all.extend(jumps(otherwise));
            }
            _ => {}
        }
    }
    all
}

/// Ways that jump and set no mode, beside ways that do both.
fn modeless(code: &[Stmt], all: &mut Vec<Diagnostic>) {
    for statement in code {
        let StmtKind::If(_, then, otherwise) = &statement.kind else { continue };
        for (one, other) in [(then, otherwise), (otherwise, then)] {
            if let (Some(place), true, false) = (
                jumps(one).first(),
                !jumps(other).is_empty() && calls(other, "set_mode"),
                calls(one, "set_mode"),
            ) {
                let message =
                    "on this way the instruction returns and sets no mode; on the other it does"
                        .to_owned();
                all.push(warning("U111", *place, message));
            }
        }
        modeless(then, all);
        modeless(otherwise, all);
    }
}

/// The fields that an operation assigns to, and whether it clears them somewhere.
fn assigned(code: &[Stmt]) -> BTreeMap<(String, String), bool> {
    let mut all = BTreeMap::new();
    for statement in code {
        match &statement.kind {
            StmtKind::Assign(place, value) => {
                if let ExprKind::Field(of, field) = &place.kind
                    && let ExprKind::Csr(csr) = &of.kind
                {
                    let zero = matches!(&value.kind, ExprKind::Number(number) if number.value == 0);
                    *all.entry((csr.clone(), field.clone())).or_insert(false) |= zero;
                }
            }
            StmtKind::If(_, then, otherwise) => {
                for (key, zero) in assigned(then).into_iter().chain(assigned(otherwise)) {
                    *all.entry(key).or_insert(false) |= zero;
                }
            }
            _ => {}
        }
    }
    all
}

// ---- Prose against code ----

/// Fields that, by their description, make something trap whose code never looks at them.
fn prose(database: &Database, operations: &[(usize, Vec<Stmt>)]) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    let by_name: BTreeMap<&str, &[Stmt]> = operations
        .iter()
        .map(|(i, code)| (database.instructions[*i].name.it.as_str(), &code[..]))
        .collect();
    for csr in &database.csrs {
        for field in &csr.fields {
            for subject in trapped(&field.description) {
                let looked = if let Some(code) = by_name.get(subject) {
                    reads(code, &csr.name.it, &field.name.it)
                } else if let Some(index) = database.csr(subject).filter(|_| subject != csr.name.it)
                {
                    codes(&database.csrs[index]).into_iter().any(|code| {
                        parsed(database, code)
                            .is_some_and(|code| reads(&code, &csr.name.it, &field.name.it))
                    })
                } else {
                    continue;
                };
                if !looked {
                    let (csr, field_name) = (&csr.name.it, &field.name.it);
                    let message = format!(
                        "by its description {csr}.{field_name} makes `{subject}` trap, whose code never looks at it"
                    );
                    all.push(warning("U114", field.name.span, message));
                }
            }
        }
    }
    all
}

/// The names in backticks of a description that begins with a trap where the field is set: `When 1, … trap …`, up to
/// the end of the sentence or to where the text says what does not.
fn trapped(description: &str) -> Vec<&str> {
    let text = description.trim_start();
    if !["When 1", "When set"].iter().any(|it| text.starts_with(it)) {
        return Vec::new();
    }
    let end = [". ", ".\n", "Notably"].iter().filter_map(|it| text.find(it)).min();
    let text = &text[..end.unwrap_or(text.len())];
    if !text.contains("trap") && !text.contains("xception") {
        return Vec::new();
    }
    let mut all: Vec<&str> =
        text.split('`').skip(1).step_by(2).filter(|it| !it.contains([' ', '\n'])).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The IDL texts that run when software accesses a CSR.
fn codes(csr: &Csr) -> Vec<Span> {
    csr.sw_read
        .into_iter()
        .chain(csr.fields.iter().filter_map(|it| it.sw_write.as_ref().map(|(_, code)| *code)))
        .collect()
}

fn reads(code: &[Stmt], csr: &str, field: &str) -> bool {
    if !csrs(code).contains(csr) {
        return false;
    }
    let mut found = false;
    expressions(code, &mut |it| {
        if let ExprKind::Field(of, name) = &it.kind {
            found |= name == field && matches!(&of.kind, ExprKind::Csr(name) if name == csr);
        }
    });
    found
}

/// Instructions whose access is declared, and which have no code.
fn without_code(database: &Database) -> Vec<Diagnostic> {
    let of = |it: &super::database::Instruction| {
        let access = it.access.first().filter(|_| it.operation.is_none())?;
        let message = format!(
            "`{}` is declared {} in {} mode and has no code",
            it.name.it, access.word, access.mode
        );
        Some(warning("U113", access.span, message))
    };
    database.instructions.iter().filter_map(of).collect()
}
