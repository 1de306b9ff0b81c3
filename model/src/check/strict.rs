//! What a careful author would not leave out: advice, given where it is asked for.

use std::collections::BTreeSet;

use super::Checker;
use crate::bits::Op;
use crate::diagnostic::{Diagnostic, Span};
use crate::isa::{Body, Class, Expr, ExprKind, Isa, RegisterId, Stmt, Trap, TrapId, every};
use crate::spec::{Instruction, Saves, Sp, TrapKind};

impl Checker<'_> {
    /// The advice on a specification that passed every check, in order of place.
    pub(super) fn strict(&self, isa: &Isa) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        self.whole(isa, &mut all);
        self.unused(isa, &mut all);
        self.instructions(isa, &mut all);
        all.sort_by_key(|it: &Diagnostic| it.span.map(|span| (span.file, span.start)));
        all
    }

    /// What the file as a whole leaves out.
    fn whole(&self, isa: &Isa, all: &mut Vec<Diagnostic>) {
        let mut say = |code, message: &str, help: &str| {
            all.push(Diagnostic::warning(code, self.start(), message).help(help));
        };
        if isa.sources.is_empty() {
            say(
                "A001",
                "no `sources:`",
                "name the manual, with section or page, that says what the machine does",
            );
        }
        if isa.expect.is_empty() && !isa.pairs.is_empty() {
            say(
                "A002",
                "nothing is expected of the theorems",
                "write `expect: {vmm: ..., hvmm: ...}`: a slip that changes the verdict is noticed then",
            );
        }
        let encoded = isa.classes.iter().any(|class| class.pattern.is_some());
        if encoded && isa.reset.statements.is_empty() {
            say(
                "A003",
                "there are encodings and no `reset:`",
                "guests start where it says; without it everything is zero",
            );
        }
        if encoded && isa.halted.is_none() {
            say(
                "A004",
                "there are encodings and no `halted:`",
                "say when the machine has stopped, so that guests can end",
            );
        }
        let machine = self.spec.machine.as_ref();
        let psw = machine.and_then(|it| it.psw);
        let uses =
            machine.and_then(|it| it.on_trap).and_then(|it| self.text(it.span)).is_some_and(|it| {
                it.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "psw")
            });
        if let Some(psw) = psw.filter(|_| !uses) {
            let warning = Diagnostic::warning("A005", psw.span, "no trap uses this `psw:`");
            all.push(warning.help("`on-trap:` can store and load it: `phys[0; 4] = psw;`"));
        }
    }

    fn text(&self, span: Span) -> Option<&str> {
        let file = self.sources.files.get(span.file as usize)?;
        file.text.get(span.start as usize..span.end as usize)
    }

    /// Components that nothing names, and traps that nothing raises.
    fn unused(&self, isa: &Isa, all: &mut Vec<Diagnostic>) {
        let mut named = BTreeSet::new();
        let mut raised: BTreeSet<u32> = BTreeSet::new();
        for body in bodies(isa) {
            for statement in every(&body.statements) {
                named.extend(statement.writes());
                statement.expressions().for_each(|e| e.registers(&mut named));
                if let Stmt::Trap(id, _) = statement {
                    raised.insert(id.0);
                }
            }
        }
        let plain = isa.halted.iter().chain(isa.window.iter().flat_map(|w| [&w.base, &w.size]));
        plain
            .chain(isa.assumptions.iter().map(|it| &it.that))
            .for_each(|e| e.registers(&mut named));
        for (id, register) in isa.register_ids().filter(|(id, _)| !named.contains(id)) {
            if isa.mode.is_some_and(|mode| mode.register == id) {
                continue;
            }
            let message = format!("nothing reads or writes `{}`", register.name);
            let warning = Diagnostic::warning("A006", self.place_of(&register.name), message);
            all.push(warning.help("leave it out, or add the instructions that use it"));
        }
        let traps = self.spec.machine.as_ref().and_then(|it| it.traps.as_ref());
        for (i, (name, _)) in traps.iter().flat_map(|it| it.iter()).enumerate() {
            let noted = isa.notes.iter().any(|note| note.contains(&name.it));
            if !raised.contains(&(i as u32)) && !noted {
                let message = format!("no instruction raises `{}`", name.it);
                let help = "an interrupt is raised by no instruction: name it in `notes:`, or leave the trap out";
                all.push(Diagnostic::warning("A007", name.span, message).help(help));
            }
        }
    }

    fn instructions(&self, isa: &Isa, all: &mut Vec<Diagnostic>) {
        for (name, it) in self.spec.instructions.iter().flat_map(|it| it.iter()) {
            let mut say = |code, message: String, help: &str| {
                all.push(Diagnostic::warning(code, name.span, message).help(help));
            };
            if !isa.pairs.is_empty() && !expects(it) {
                say(
                    "A008",
                    format!("nothing is expected of `{}`", name.it),
                    "write `expect: [innocuous]`, or what `analyze` finds and the manual confirms",
                );
            }
            let of = |class: &&Class| class.name.split('[').next() == Some(name.it.as_str());
            let Some(class) = isa.classes.iter().find(of) else { continue };
            let statements = &class.body.statements;
            let documented = it.notes.is_some() || it.sources.is_some();
            let call = first(statements).filter(|id| !documented && is_call(isa, *id));
            if let Some(trap) = call {
                let trap = &isa.trap(trap).name;
                say(
                    "A009",
                    format!(
                        "`{}` saves its own P: a handler that returns to it calls again",
                        name.it
                    ),
                    &format!(
                        "mostly a supervisor call goes on behind it: `{trap}: {{saves: next}}`; where the machine is so, say it in `notes:` or `sources:` of the instruction"
                    ),
                );
            }
            // The address function may do so; the instruction itself should not.
            let own =
                it.semantics.iter().flat_map(|all| &all.0).filter_map(|it| self.text(it.span));
            let own: Vec<&str> = own.collect();
            let itself = |trap: &Trap| {
                let raise = format!("trap({})", trap.name);
                trap.kind == TrapKind::Memory && own.iter().any(|text| text.contains(&raise))
            };
            if !documented
                && isa.traps.iter().any(itself)
                && every(statements).any(|it| checks_by_memory_trap(isa, it))
            {
                say(
                    "A010",
                    format!("`{}` raises a memory trap where the mode forbids it", name.it),
                    "the definitions exclude memory traps: a privilege check raises a trap of `kind: privilege`",
                );
            }
            let compares = |e: &Expr| {
                let mut found = false;
                visit(e, &mut |e| found |= is_never_less(e));
                found
            };
            if every(statements).flat_map(Stmt::expressions).any(compares) {
                say(
                    "A011",
                    format!(
                        "`{}` asks whether a number without sign is less than 0, which is never so",
                        name.it
                    ),
                    "`slt(x, 0)` compares with a sign, and so does the top bit `x[31]`",
                );
            }
        }
    }
}

fn expects(it: &Instruction) -> bool {
    let cases = it.cases.iter().flat_map(|all| all.iter());
    let mut expecting = cases.map(|(_, case): &(Sp<String>, _)| case.expect.is_some());
    it.expect.is_some() || expecting.any(|it| it)
}

/// Every text of the machine with statements.
fn bodies(isa: &Isa) -> impl Iterator<Item = &Body> {
    let of_classes = isa.classes.iter().flat_map(|class| [&*class.body, &*class.advance]);
    let of_pairs = isa.pairs.iter().map(|pair| &pair.deprivilege);
    let of_traps = isa.traps.iter().map(|trap| &trap.sequence);
    let others = isa.all_fetches.iter().map(|fetch| &fetch.body);
    of_classes
        .chain(of_pairs)
        .chain(of_traps)
        .chain(others)
        .chain(&isa.unlisted)
        .chain([&isa.reset])
}

/// The trap that statements raise whatever the state.
fn first(statements: &[Stmt]) -> Option<TrapId> {
    statements.iter().find_map(|statement| match statement {
        Stmt::Trap(id, _) => Some(*id),
        Stmt::Block(inner) => first(inner),
        _ => None,
    })
}

/// A trap of kind program that saves its own P, which every instruction that can raise it always raises.
fn is_call(isa: &Isa, trap: TrapId) -> bool {
    let raises = |body: &Body| {
        every(&body.statements).any(|it| matches!(it, Stmt::Trap(id, _) if *id == trap))
    };
    let otherwise =
        |class: &Class| raises(&class.body) && first(&class.body.statements) != Some(trap);
    isa.trap(trap).kind == TrapKind::Program
        && isa.trap(trap).saves == Saves::This
        && !isa.unlisted.iter().any(raises)
        && !isa.classes.iter().any(otherwise)
}

/// `require mode == supervisor else trap(memory);`
fn checks_by_memory_trap(isa: &Isa, statement: &Stmt) -> bool {
    let Stmt::If(condition, yes, no) = statement else { return false };
    let mut read = BTreeSet::<RegisterId>::new();
    condition.registers(&mut read);
    let of_mode = isa.mode.is_some_and(|mode| read.iter().eq([&mode.register]));
    let memory = |branch: &[Stmt]| matches!(branch, [Stmt::Trap(id, _)] if isa.trap(*id).kind == TrapKind::Memory);
    of_mode && (memory(yes) || memory(no))
}

/// `x < 0` without a sign.
fn is_never_less(e: &Expr) -> bool {
    let ExprKind::Apply(Op::Ult, operands) = &e.kind else { return false };
    matches!(operands.as_slice(), [x, zero]
        if zero.kind == ExprKind::Const(0) && !matches!(x.kind, ExprKind::Const(_)))
}

fn visit(e: &Expr, seen: &mut dyn FnMut(&Expr)) {
    seen(e);
    match &e.kind {
        ExprKind::Element(_, inner) | ExprKind::Load(inner) => visit(inner, seen),
        ExprKind::Apply(_, inner) => inner.iter().for_each(|it| visit(it, seen)),
        _ => {}
    }
}
