//! Checking of the machine section: modes, mapping, traps, PSW.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Checker;
use super::state::Roles;
use crate::ast;
use crate::bits::Bits;
use crate::diagnostic::did_you_mean;
use crate::isa::{
    Body, Class, Expr, ExprKind, Fetch, Pair, Part, Register, Trap, TrapCells, Window,
};
use crate::lower::{Binding, Env, Lowerer, Mode};
use crate::spec::{self, Code, Names, Saves, Sp, TrapKind};

/// The machine section, checked.
pub(super) struct Machine {
    pub(super) window: Option<Window>,
    pub(super) pairs: Vec<Pair>,
    pub(super) traps: Vec<Trap>,
    pub(super) trap_cells: TrapCells,
    pub(super) reset: Body,
    pub(super) halted: Option<Expr>,
    pub(super) unlisted: Option<Body>,
}

impl Checker<'_> {
    pub(super) fn machine(&mut self, env: &Env, roles: &Roles) -> Option<Machine> {
        let Some(machine) = &self.spec.machine else {
            let start = self.start();
            self.error(
                "K001",
                start,
                "there is no `machine:`",
                "it says what `mem[a]` means, which traps there are and which modes to judge",
            );
            return None;
        };
        let pairs = self.pairs(env, roles, machine);
        let traps = self.traps(env, machine);
        if !pairs.is_empty() && !traps.iter().any(|t| t.kind == TrapKind::Memory) {
            let first = machine.traps.as_ref().and_then(|t| t.iter().next());
            self.error(
                "K010",
                first.map_or(machine.span, |(name, _)| name.span),
                "no trap has `kind: memory`",
                "the definitions exclude memory traps: mark the trap that the address function raises",
            );
        }
        let unlisted = machine.unlisted.map(|code| {
            let statements = self.statements(code);
            Lowerer::new(env, &mut self.report, Mode::Semantics).body(&statements)
        });
        Some(Machine {
            window: self.window(env, roles, machine),
            pairs,
            traps,
            trap_cells: self.trap_cells(env, machine),
            reset: self.plain(env, machine.reset),
            halted: machine.halted.and_then(|code| self.pure(env, code, Some(1))),
            unlisted,
        })
    }

    /// Modes are judged by what a mapping lets them reach.
    pub(super) fn mapping(&mut self, roles: &Roles) {
        if let Some(machine) = &self.spec.machine
            && !self.report.failed()
            && machine.modes.as_ref().is_some_and(|modes| !modes.it.0.is_empty())
            && (roles.relocation.is_none() || roles.bounds.is_none())
        {
            self.error(
                "K009",
                machine.span,
                "a machine with modes needs a relocation and a bounds component",
                "give one component `kind: relocation` and one `kind: bounds`; a machine without a mapping of its own gets an external unit (say so in `notes:`)",
            );
        }
    }

    fn pairs(&mut self, env: &Env, roles: &Roles, machine: &spec::Machine) -> Vec<Pair> {
        let mut all = Vec::new();
        let Some(modes) = &machine.modes else {
            self.error("K001", machine.span, "`machine:` has no `modes:`", "list the pairs to judge, [{supervisor: …, user: …}], or [] for a machine without modes");
            return all;
        };
        if modes.it.0.is_empty() {
            return all;
        }
        if roles.mode.is_none() {
            self.error(
                "K009",
                modes.span,
                "no component of role M has `values:`",
                "name the modes: mode: {role: M, width: 1, values: {supervisor: 0, user: 1}}",
            );
            return all;
        }
        for pair in &modes.it.0 {
            let (Some(supervisor), Some(user)) = (&pair.supervisor, &pair.user) else {
                self.error(
                    "K004",
                    pair.span,
                    "a pair names its `supervisor:` and its `user:` mode",
                    "",
                );
                continue;
            };
            let (Some(s), Some(u)) =
                (self.mode_value(supervisor, &env.modes), self.mode_value(user, &env.modes))
            else {
                continue;
            };
            if s == u {
                self.error("K009", pair.span, "both modes of the pair are the same", "");
            }
            let deprivilege = self.plain(env, pair.deprivilege);
            let (supervisor, user) = (supervisor.it.clone(), user.it.clone());
            all.push(Pair { supervisor: (supervisor, s), user: (user, u), deprivilege });
        }
        all
    }

    pub(super) fn mode_value(
        &mut self,
        name: &Sp<String>,
        values: &[(String, u128)],
    ) -> Option<u128> {
        let found = values.iter().find(|(n, _)| *n == name.it).map(|(_, v)| *v);
        if found.is_none() {
            let names = values.iter().map(|(n, _)| n.as_str());
            let help = did_you_mean(&name.it, names.clone()).unwrap_or_else(|| {
                if values.is_empty() {
                    return "no mode of this machine has a name".to_owned();
                }
                format!("the modes: {}", names.collect::<Vec<_>>().join(", "))
            });
            self.error("K009", name.span, format!("there is no mode `{}`", name.it), &help);
        }
        found
    }

    fn traps(&mut self, env: &Env, machine: &spec::Machine) -> Vec<Trap> {
        let sequence = machine.on_trap.map(|code| self.statements(code)).unwrap_or_default();
        let mut all = Vec::new();
        for (name, trap) in machine.traps.iter().flat_map(Names::iter) {
            self.check_name(name);
            let Some(kind) = trap.kind else {
                let words: Vec<_> = TrapKind::ALL.iter().map(|k| k.word()).collect();
                let message = format!("the trap `{}` has no `kind:`", name.it);
                self.error("K010", name.span, message, &format!("one of: {}", words.join(", ")));
                continue;
            };
            let code = trap.code.map_or(0, |c| c.it);
            let mut lowerer = Lowerer::new(env, &mut self.report, Mode::TrapSequence);
            if env.trap_argument > 0 {
                let local = lowerer.local(env.trap_argument);
                lowerer.bind("arg", Binding::Local(local, env.trap_argument));
            }
            lowerer.bind("code", Binding::Constant(code));
            all.push(Trap {
                name: name.it.clone(),
                kind: kind.it,
                saves: trap.saves.map_or(Saves::This, |s| s.it),
                code,
                sequence: lowerer.body(&sequence),
            });
        }
        all
    }

    fn window(&mut self, env: &Env, roles: &Roles, machine: &spec::Machine) -> Option<Window> {
        let (relocation, bounds) = (roles.relocation?, roles.bounds?);
        let given = machine.window.as_ref();
        let mut part = |code: Option<Code>, default: Part| match code {
            Some(code) => {
                let parsed = self.expression(code)?;
                // Numbers in a window take one bit more than an address: the size of all storage fits.
                let hint = env.address_width + 1;
                Lowerer::new(env, &mut self.report, Mode::Plain).pure(&parsed, Some(hint), false)
            }
            None => Some(part_expr(env, default)),
        };
        let base = part(given.and_then(|w| w.base), relocation);
        let size = part(given.and_then(|w| w.size), bounds);
        Some(Window { base: base?, size: size? })
    }

    fn trap_cells(&mut self, env: &Env, machine: &spec::Machine) -> TrapCells {
        let mut range = |text: &Option<Sp<String>>| -> Range<u128> {
            let Some(text) = text else { return 0..0 };
            let ends = text.it.split_once("..").and_then(|(start, end)| {
                Some((spec::number(start.trim())?, spec::number(end.trim())?))
            });
            match ends {
                Some((start, end)) if start < end && end <= env.storage.cells => start..end,
                _ => {
                    let message = format!("`{}` is no range of cells", text.it);
                    self.error(
                        "K011",
                        text.span,
                        message,
                        "write the first cell and the one behind the last: \"0..4\"",
                    );
                    0..0
                }
            }
        };
        let Some(cells) = &machine.trap_cells else { return TrapCells::default() };
        TrapCells { old: range(&cells.old), new: range(&cells.new) }
    }

    /// Moves P past an instruction of the given length.
    pub(super) fn advance(&mut self, env: &Env, length: u128) -> Body {
        let machine = self.spec.machine.as_ref();
        if let Some(code) = machine.and_then(|m| m.advance) {
            let statements = self.statements(code);
            let mut lowerer = Lowerer::new(env, &mut self.report, Mode::Plain);
            lowerer.bind("length", Binding::Constant(length));
            return lowerer.body(&statements);
        }
        let counters = counters(env);
        let [counter] = counters.as_slice() else {
            let place = machine.map_or_else(|| self.start(), |m| m.span);
            let count = counters.len();
            self.error(
                "K012",
                place,
                format!("`machine:` has no `advance:`, and {count} components have role P"),
                "with exactly one it has a default; otherwise say how P moves past an instruction",
            );
            return Body::default();
        };
        let here =
            ast::Expr { span: self.start(), kind: ast::ExprKind::Name(counter.name.clone()) };
        let number =
            ast::ExprKind::Number(Bits::new(length, counter.width).value, Some(counter.width));
        let number = ast::Expr { span: here.span, kind: number };
        let plus = ast::Binary::Same {
            op: crate::bits::Op::Add,
            swap: false,
            negate: false,
            compare: false,
        };
        let sum = ast::ExprKind::Binary(plus, Box::new(here.clone()), Box::new(number));
        let sum = ast::Expr { span: here.span, kind: sum };
        let step = ast::Stmt { span: here.span, kind: ast::StmtKind::Assign(here, sum) };
        Lowerer::new(env, &mut self.report, Mode::Plain).body(&[step])
    }

    /// How instructions of each length are fetched: `mem[P; length]`, unless the machine says
    /// otherwise. Without a default (several components of role P, or one wider than an address)
    /// a machine is analyzed, but runs no guests.
    pub(super) fn fetches(&mut self, env: &Env, classes: &[Class]) -> Vec<Fetch> {
        let lengths: BTreeSet<u128> = classes.iter().map(|c| c.length).collect();
        let given = match self.spec.machine.as_ref().and_then(|m| m.fetch) {
            Some(code) => self.expression(code),
            // Instructions without encodings need no address function for their fetch.
            None if self.spec.machine.as_ref().is_none_or(|m| m.address.is_none())
                && classes.iter().all(|c| c.pattern.is_none()) =>
            {
                None
            }
            None => self.default_fetch(env),
        };
        // Mistakes in the address function were found where it was used.
        let Some(expression) = given.filter(|_| !self.report.failed()) else { return Vec::new() };
        let fetch = |length| {
            let mut lowerer = Lowerer::new(env, &mut self.report, Mode::Fetch);
            lowerer.bind("length", Binding::Constant(length));
            let (body, word) = lowerer.value(&expression)?;
            Some(Fetch { length, body, word })
        };
        lengths.into_iter().filter_map(fetch).collect()
    }

    fn default_fetch(&self, env: &Env) -> Option<ast::Expr> {
        let counters = counters(env);
        let [counter] = counters.as_slice() else { return None };
        if counter.width > env.address_width {
            return None;
        }
        let at = |kind| ast::Expr { span: self.start(), kind };
        let name = |name: &str| at(ast::ExprKind::Name(name.to_owned()));
        let width = at(ast::ExprKind::Number(u128::from(env.address_width), None));
        let place = at(ast::ExprKind::Call("zext".into(), vec![name(&counter.name), width]));
        let (storage, length) = (name(&env.storage.name), name("length"));
        Some(at(ast::ExprKind::Cells(Box::new(storage), Box::new(place), Box::new(length))))
    }
}

/// The components of role P.
fn counters(env: &Env) -> Vec<&Register> {
    let is_counter = |r: &&Register| r.slices.iter().any(|s| s.role == spec::Role::P);
    env.registers.iter().filter(|r| r.count.is_none()).filter(is_counter).collect()
}

/// A part of a register as an expression.
fn part_expr(env: &Env, part: Part) -> Expr {
    let width = env.registers[part.register.index()].width;
    let whole = Expr { width, kind: ExprKind::Register(part.register) };
    crate::lower::slice(whole, part.low, part.width)
}
