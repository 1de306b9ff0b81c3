//! The specification of a machine, as text.

use std::fmt::Write as _;

use super::{Component, Lead, Machine, MachineLayout, Mapping, Sequence, Stmt, Test, Word};

/// A value of one width in another.
fn fit(text: &str, from: u32, to: u32) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("zext({text}, {to})"),
        std::cmp::Ordering::Equal => text.to_owned(),
        std::cmp::Ordering::Greater => format!("trunc({text}, {to})"),
    }
}

/// Bits of an address.
const ADDRESS: u32 = 2;

impl MachineLayout {
    /// Bits of the mode.
    fn mode(&self) -> u32 {
        if self.third { 2 } else { 1 }
    }

    /// A component's name and width; those the machine lacks stand for `res`.
    fn component(&self, component: Component) -> (&'static str, u32) {
        match component {
            Component::Mode => ("mode", self.mode()),
            Component::Previous if self.previous => ("prev", 1),
            Component::Enable if self.enable => ("en", 1),
            Component::Counter => ("pc", 1),
            Component::Relocation => ("base", self.relocation),
            Component::Bounds => ("bound", self.bounds),
            Component::Clock if self.clock => ("clock", 1),
            Component::Follower if self.follower => ("ring", 1),
            Component::Flag if self.flag => ("flag", 1),
            Component::Resource
            | Component::Clock
            | Component::Follower
            | Component::Flag
            | Component::Previous
            | Component::Enable => ("res", 1),
        }
    }

    fn word(&self, word: &Word) -> String {
        let n = self.word;
        match word {
            Word::Number(value) => format!("{}u{n}", value & ((1 << n) - 1)),
            Word::Component(component) => {
                let (name, width) = self.component(*component);
                fit(name, width, n)
            }
            Word::Register(chosen) => register(*chosen).to_owned(),
            Word::Operand => fit("x", 1, n),
            Word::Undefined => format!("undefined({n})"),
            Word::Arbitrary => fit("arbitrary(1)", 1, n),
            Word::Storage(a) => format!("mem[{}]", self.address(a)),
            Word::Pair(a) => format!("trunc(mem[{}; 2], {n})", self.address(a)),
            Word::Physical(a) => format!("phys[{}]", self.address(a)),
            Word::Operator("+" | "-", a, b) if !self.sums => {
                format!("({} ^ {})", self.word(a), self.word(b))
            }
            Word::Operator(o, a, b) => format!("({} {o} {})", self.word(a), self.word(b)),
            Word::Choice(c, a, b) => {
                format!("({} ? {} : {})", self.test(c), self.word(a), self.word(b))
            }
        }
    }

    fn address(&self, word: &Word) -> String {
        fit(&self.word(word), self.word, ADDRESS)
    }

    fn test(&self, test: &Test) -> String {
        match test {
            Test::Supervisor => "mode == supervisor".to_owned(),
            Test::Enabled => {
                let (name, _) = self.component(Component::Enable);
                format!("mode == supervisor || {name} == 1")
            }
            Test::Compare(o, a, b) => format!("{} {o} {}", self.word(a), self.word(b)),
        }
    }

    fn statements(&self, statements: &[Stmt], indent: usize, out: &mut String) {
        let space = " ".repeat(indent);
        for statement in statements {
            let line = match statement {
                Stmt::Register(r, w) => format!("{} = {};", register(*r), self.word(w)),
                Stmt::Component(c, w) => {
                    let clock = *c == Component::Clock && !self.clock_writes;
                    let c = if clock { Component::Resource } else { *c };
                    let (name, width) = self.component(c);
                    format!("{name} = {};", fit(&self.word(w), self.word, width))
                }
                Stmt::Storage(a, w) => format!("mem[{}] = {};", self.address(a), self.word(w)),
                Stmt::Physical(a, w) => format!("phys[{}] = {};", self.address(a), self.word(w)),
                Stmt::If(c, yes, no) => {
                    let _ = writeln!(out, "{space}if {} {{", self.test(c));
                    self.statements(yes, indent + 2, out);
                    if !no.is_empty() {
                        let _ = writeln!(out, "{space}}} else {{");
                        self.statements(no, indent + 2, out);
                    }
                    "}".to_owned()
                }
                Stmt::Require(c, "unpredictable") => {
                    format!("require {} else unpredictable;", self.test(c))
                }
                Stmt::Require(c, t) => format!("require {} else trap({t});", self.test(c)),
                Stmt::Trap(t) => format!("trap({t});"),
                Stmt::Commit => "commit;".to_owned(),
                Stmt::Unpredictable => "unpredictable;".to_owned(),
            };
            let _ = writeln!(out, "{space}{line}");
        }
    }

    fn address_function(&self) -> String {
        let (l, b) = (fit("base", self.relocation, 4), fit("bound", self.bounds, 4));
        let bound = format!("zext(a, 4) + size <= {b}");
        let end = format!("{l} + zext(a, 4) + size <= cells(mem)");
        let checked = format!(
            "require {bound} && {end} else trap(memory);\n    return phys[{l} + zext(a, 4)];"
        );
        match self.mapping {
            Mapping::Checked => checked,
            Mapping::BoundOnly => {
                format!("require {bound} else trap(memory);\n    return phys[{l} + zext(a, 4)];")
            }
            Mapping::Wrapping => {
                let a = fit("a", ADDRESS, self.relocation);
                format!("require {bound} else trap(memory);\n    return phys[base + {a}];")
            }
            Mapping::Bypassed => format!(
                "if mode == supervisor {{\n      require zext(a, 4) + size <= cells(mem) else trap(memory);\n      return phys[a];\n    }}\n    {checked}"
            ),
        }
    }

    /// The trap sequence, and the cells it uses, old and new.
    fn sequence(&self) -> (String, Option<(&'static str, &'static str)>) {
        let mut text = if self.flag { "flag = 0;\n    ".to_owned() } else { String::new() };
        if self.previous {
            let _ = write!(text, "prev = {};\n    ", fit("mode", self.mode(), 1));
        }
        if self.opens {
            let (l, b) = (self.relocation, self.bounds);
            let _ = write!(text, "base = 0u{l};\n    bound = {}u{b};\n    ", (1 << b) - 1);
        }
        let follower = if self.follower { " ring = mode;" } else { "" };
        let mode = match self.lead {
            Lead::Supervisor => "mode = supervisor;".to_owned(),
            Lead::Same => "mode = mode;".to_owned(),
            Lead::Told => {
                let (name, _) = self.component(Component::Enable);
                format!("if {name} == 1 {{ mode = supervisor; }}")
            }
            Lead::Asked => "if r[0u1] == 0 { mode = supervisor; }".to_owned(),
            Lead::Third if self.third => "mode = third;".to_owned(),
            Lead::Third => "mode = user;".to_owned(),
        };
        let cells = match self.sequence {
            Sequence::Plain => {
                text += &mode;
                None
            }
            Sequence::Vector => {
                let counter = fit("pc", 1, self.word);
                let _ = write!(text, "phys[0] = {counter};\n    pc = phys[1][0];\n    {mode}");
                Some(("0..1", "1..2"))
            }
            Sequence::Exchange if self.word == 2 => {
                text += "let new = phys[0];\n    phys[0] = mode :: pc;\n    mode :: pc = new;";
                Some(("0..1", "0..1"))
            }
            Sequence::Exchange => {
                text +=
                    "let new = phys[0; 2];\n    phys[0; 2] = mode :: pc;\n    mode :: pc = new;";
                Some(("0..2", "0..2"))
            }
        };
        (text + follower, cells)
    }
}

fn register(chosen: bool) -> &'static str {
    if chosen { "r[x]" } else { "r[0u1]" }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}", self.yaml())
    }
}

impl Machine {
    /// The specification.
    pub fn yaml(&self) -> String {
        let s = &self.layout;
        let n = s.word;
        let mut out = String::from("pgisa: 1\nisa: random\nstate:\n");
        let mut line = |text: String| out.push_str(&(text + "\n"));
        line(format!("  mem:   {{role: E, width: {n}, cells: {}}}", s.cells));
        line(format!("  r:     {{role: E, width: {n}, count: 2}}"));
        let third = if s.third { ", third: 2" } else { "" };
        line(format!(
            "  mode:  {{role: M, width: {}, values: {{supervisor: 0, user: 1{third}}}}}",
            s.mode()
        ));
        line("  pc:    {role: P, width: 1}".into());
        line(format!("  base:  {{role: R, kind: relocation, width: {}}}", s.relocation));
        line(format!("  bound: {{role: R, kind: bounds, width: {}}}", s.bounds));
        line(format!("  res:   {{role: R, kind: {}, width: 1}}", s.resource));
        if s.clock {
            line("  clock: {role: R, kind: time, width: 1}".into());
        }
        if s.follower {
            line("  ring:  {role: M, width: 1}".into());
        }
        if s.flag {
            line("  flag:  {role: E, width: 1}".into());
        }
        if s.previous {
            line("  prev:  {role: M, width: 1}".into());
        }
        if s.enable {
            line("  en:    {role: R, kind: resource, width: 1}".into());
        }
        line("machine:".into());
        let map = match (s.follower, s.previous) {
            (true, true) => ", deprivilege: \"ring = 1; prev = 1;\"",
            (true, false) => ", deprivilege: \"ring = 1;\"",
            (false, true) => ", deprivilege: \"prev = 1;\"",
            (false, false) => "",
        };
        line(format!("  modes: [{{supervisor: supervisor, user: user{map}}}]"));
        line(format!("  address-width: {ADDRESS}"));
        line(format!("  address: |\n    {}", s.address_function()));
        if s.mapping == Mapping::Bypassed {
            let (l, b) = (fit("base", s.relocation, 4), fit("bound", s.bounds, 4));
            line(format!(
                "  window: {{base: \"mode == supervisor ? 0u4 : {l}\", size: \"mode == supervisor ? cells(mem) : {b}\"}}"
            ));
        }
        line("  traps:".into());
        line("    memory:     {kind: memory, saves: this}".into());
        line("    privileged: {kind: privilege, saves: this}".into());
        line("    svc:        {kind: program, saves: next}".into());
        let (sequence, cells) = s.sequence();
        line(format!("  on-trap: |\n    {sequence}"));
        if let Some((old, new)) = cells {
            line(format!("  trap-cells: {{old: \"{old}\", new: \"{new}\"}}"));
        }
        if s.follower {
            line("assume:\n  ring: {that: \"ring == mode\", why: it follows the mode}".into());
        }
        line("instructions:".into());
        if s.returns {
            let supervisor = "require mode == supervisor else trap(privileged);";
            let follow = if s.follower { " ring = 1;" } else { "" };
            line(format!("  return: {{semantics: \"{supervisor} mode = user;{follow}\"}}"));
            if s.enable {
                let value = fit("r[0u1]", n, 1);
                line(format!("  enable: {{semantics: \"{supervisor} en = {value};\"}}"));
            }
        }
        for (i, instruction) in self.instructions.iter().enumerate() {
            let mut semantics = String::new();
            s.statements(&instruction.body, 6, &mut semantics);
            let mut text = format!("  i{i}:\n");
            if semantics.replace("zext", "").contains('x') {
                text += "    operands: {x: 1}\n";
                if instruction.cases {
                    text += "    cases: {zero: {fix: {x: 0}}, one: {fix: {x: 1}}}\n";
                }
            }
            text = text + "    semantics: |\n" + &semantics;
            line(text.trim_end().to_owned());
        }
        out
    }
}
