//! A specification as written: the keys of the language, their types and their documentation.
//!
//! One table per record gives the reader, the check for unknown keys and the JSON Schema.

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::{Diagnostic, Span, did_you_mean};
pub(crate) use crate::read::{Code, List, Names, Sp, number};
use crate::read::{Context, Read, mapping, text};
use crate::yaml::{Node, Value};

/// Declares a closed set of words.
macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $item_doc:literal])* $item:ident $word:literal),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $item_doc])* $item,)* }

        impl $name {
            /// Every word, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$item),*];

            /// The word as written.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$item => $word,)* }
            }
        }

        impl Read for $name {
            fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
                let word = text(node, concat!("one of the words for ", stringify!($name)), cx)?;
                let found = Self::ALL.iter().copied().find(|w| w.word() == word);
                if found.is_none() {
                    let all: Vec<_> = Self::ALL.iter().map(|w| w.word()).collect();
                    let help = did_you_mean(word, all.iter().copied())
                        .unwrap_or_else(|| format!("one of: {}", all.join(", ")));
                    let error = Diagnostic::error("S013", node.span, format!("`{word}` is not known here"));
                    cx.report.push(error.help(help));
                }
                found
            }

            fn schema() -> Json {
                json!({"enum": Self::ALL.iter().map(|w| w.word()).collect::<Vec<_>>()})
            }
        }
    };
}

words! {
    /// Which letter of ⟨E, M, P, R⟩ a component is (P&G section 2).
    Role {
        /// Executable storage, and what a guest owns outright.
        E "E",
        /// Processor mode.
        M "M",
        /// Program counter.
        P "P",
        /// Relocation-bounds register and every other resource.
        R "R",
    }
}

words! {
    /// What a component of R decides.
    Kind {
        /// Where the program's storage begins.
        Relocation "relocation",
        /// How large it is.
        Bounds "bounds",
        /// Control registers, tables, interrupt enable and priority.
        Resource "resource",
        /// Where traps go.
        TrapVector "trap-vector",
        /// Clocks and counters.
        Time "time",
        /// Who the processor is.
        Identity "identity",
        /// The world outside.
        Device "device",
    }
}

words! {
    /// What sort of trap a trap is.
    TrapKind {
        /// A memory trap in the sense of the definitions.
        Memory "memory",
        /// Raised because of the mode.
        Privilege "privilege",
        /// Asked for by the program.
        Program "program",
        /// Raised by an operand's value.
        Arithmetic "arithmetic",
    }
}

words! {
    /// Whether the whole commuting diagram of a theorem commutes.
    DiagramWord {
        /// Every square is proved.
        Commutes "commutes",
        /// Some square is known to fail.
        Fails "fails",
    }
}

words! {
    /// Which instruction a trap's saved program counter names.
    Saves {
        /// The trapping instruction.
        This "this",
        /// The one after it.
        Next "next",
    }
}

words! {
    /// How bit positions are counted.
    Numbering {
        /// Bit 0 is the least significant.
        Lsb0 "lsb0",
        /// Bit 0 is the most significant.
        Msb0 "msb0",
    }
}

words! {
    /// Order of the cells of one access.
    Endian {
        /// The first cell is the most significant.
        Big "big",
        /// The first cell is the least significant.
        Little "little",
    }
}

words! {
    /// What an overlay does to an existing name.
    Patch {
        /// Run the given semantics first.
        Before "before",
        /// Forget the old one.
        Replace "replace",
        /// Take it out.
        Remove "remove",
    }
}

words! {
    /// A reading of the 1974 definitions.
    Profile {
        /// The paper's table as printed.
        Literal "literal",
        /// Every trap excluded from sensitivity, resource sensitivity added.
        Refined "refined",
        /// Refined, with extent, time, masked and visible traps.
        Extended "extended",
    }
}

words! {
    /// Whether a theorem's premise, the set inclusion, is true.
    Premise {
        /// True, proved.
        Holds "holds",
        /// False, with a witness.
        Fails "fails",
        /// Not settled.
        Undecided "undecided",
        /// Nothing to decide.
        Vacuous "vacuous",
    }
}

words! {
    /// Whether the monitor a theorem promises can be built.
    Verdict {
        /// Proved.
        Holds "holds",
        /// Refuted by a replayed run.
        Refuted "refuted",
        /// Not settled.
        Undecided "undecided",
        /// Nothing to decide.
        Vacuous "vacuous",
        /// The machine has no modes.
        NotApplicable "not-applicable",
    }
}

/// Declares a record: its keys, their types, their documentation.
macro_rules! record {
    ($(#[doc = $doc:literal])* $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident $key:literal : $type:ty),* $(,)?
    }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name {
            #[allow(dead_code, reason = "every record has a place, not every reader asks for it")]
            pub(crate) span: Span,
            $($(#[doc = $field_doc])* pub(crate) $field: Option<$type>,)*
        }

        impl $name {
            /// None of the keys.
            pub(crate) const fn empty(span: Span) -> Self {
                Self { span, $($field: None,)* }
            }
        }

        impl Read for $name {
            const IS_RECORD: bool = true;

            fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
                let mut it = Self::empty(node.span);
                let mut complete = true;
                for (key, value) in mapping(node, &[$($key),*], cx)? {
                    match text(key, "a key", cx)? {
                        $($key => match Read::read(value, cx) {
                            Some(value) => it.$field = Some(value),
                            None => complete = false,
                        },)*
                        other => {
                            unknown_key(key.span, other, &[$($key),*], cx);
                            complete = false;
                        }
                    }
                }
                complete.then_some(it)
            }

            fn schema() -> Json {
                let mut properties = Map::new();
                $({
                    let doc = concat!($($field_doc),*).trim();
                    let mut schema = <$type>::schema();
                    if let Json::Object(schema) = &mut schema {
                        schema.insert("description".into(), doc.into());
                    }
                    properties.insert($key.into(), schema);
                })*
                json!({"type": "object", "properties": properties, "additionalProperties": false})
            }
        }
    };
}

fn unknown_key(span: Span, key: &str, known: &[&str], cx: &mut Context<'_>) {
    let meant = synonyms(key).iter().find(|it| known.contains(it));
    let help = match meant {
        _ if key.contains('=') => "a `:` and a space stand between key and value".to_owned(),
        Some(meant) => format!("write `{meant}`"),
        None => did_you_mean(key, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", "))),
    };
    let error = Diagnostic::error("S014", span, format!("there is no key `{key}` here"));
    cx.report.push(error.help(help));
}

/// Keys that others have for what a key of ours says.
fn synonyms(key: &str) -> &'static [&'static str] {
    match key.to_ascii_lowercase().as_str() {
        "bits" | "size" => &["width"],
        "length" | "number" => &["count"],
        "type" | "letter" => &["role", "kind"],
        "opcode" | "format" | "pattern" => &["encoding"],
        "description" | "comment" | "doc" | "note" => &["notes", "why"],
        "execute" | "code" | "action" | "operation" | "behavior" | "behaviour" | "effect" => {
            &["semantics"]
        }
        "registers" | "components" => &["state"],
        "privileged" | "sensitive" | "class" | "expected" => &["expect"],
        "name" => &["isa"],
        "version" => &["pgisa"],
        _ => &[],
    }
}

record! {
    /// A whole file.
    Spec {
        /// Version of the specification language: 1.
        pgisa "pgisa": Sp<u128>,
        /// Short name: lower-case letters, digits and dashes.
        isa "isa": Sp<String>,
        /// One line about the machine.
        title "title": String,
        /// The year in which the machine appeared.
        year "year": Sp<u128>,
        /// File this specification overlays.
        extends "extends": Sp<String>,
        /// Where the behaviour is documented.
        sources "sources": List<String>,
        /// What is idealised or left out.
        notes "notes": List<String>,
        /// How bit positions are counted: lsb0 (default) or msb0.
        numbering "numbering": Sp<Numbering>,
        /// Order of cells in an access of several cells: big (default) or little.
        endian "endian": Sp<Endian>,
        /// Named numbers.
        constants "constants": Names<Constant>,
        /// The components of the machine.
        state "state": Names<Component>,
        /// Registers reached by number.
        views "views": Names<View>,
        /// Helper functions.
        functions "functions": List<Code>,
        /// Modes, address function, traps, PSW.
        machine "machine": Machine,
        /// Invariants, printed with every verdict.
        assume "assume": Names<Assumption>,
        /// The decode classes.
        instructions "instructions": Names<Instruction>,
        /// Theorem verdicts expected by the author.
        expect "expect": Sp<ByProfile<Expectation>>,
    }
}

record! {
    /// One component of the state.
    Component {
        /// E, M, P or R.
        role "role": Sp<Role>,
        /// For role R: what the component decides.
        kind "kind": Sp<Kind>,
        /// Width in bits, 1 to 64.
        width "width": Sp<u128>,
        /// Makes it the storage: number of cells.
        cells "cells": Sp<u128>,
        /// Makes it a register file: number of registers.
        count "count": Sp<u128>,
        /// Names for values.
        values "values": Names<Sp<u128>>,
        /// Named bits.
        fields "fields": Names<Field>,
        /// Free text.
        notes "notes": List<String>,
        /// In an overlay: what happens to the existing component.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// Named bits of a register, in full form.
    FieldRecord {
        /// Position, `9` or `"13:12"`.
        bits "bits": Sp<String>,
        /// Overrides the register's role.
        role "role": Sp<Role>,
        /// For role R: what the field decides.
        kind "kind": Sp<Kind>,
        /// Names for values.
        values "values": Names<Sp<u128>>,
        /// Free text.
        notes "notes": List<String>,
    }
}

/// Named bits: a position, or a record.
#[derive(Debug, Clone)]
pub(crate) struct Field(pub(crate) FieldRecord);

impl Read for Field {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Scalar(scalar) = &node.value {
            let bits = Some(Sp { span: node.span, it: scalar.text.clone() });
            let none = FieldRecord {
                span: node.span,
                bits,
                role: None,
                kind: None,
                values: None,
                notes: None,
            };
            return Some(Self(none));
        }
        FieldRecord::read(node, cx).map(Self)
    }

    fn schema() -> Json {
        json!({"anyOf": [{"type": ["integer", "string"]}, FieldRecord::schema()]})
    }
}

/// A number, or its removal in an overlay.
#[derive(Debug, Clone)]
pub(crate) struct Constant {
    pub(crate) value: Option<u128>,
    pub(crate) patch: Option<Sp<Patch>>,
}

record! {
    /// A constant in an overlay.
    ConstantRecord {
        /// The number.
        value "value": u128,
        /// What happens to the existing constant.
        patch "patch": Sp<Patch>,
    }
}

impl Read for Constant {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::Scalar(_)) {
            return u128::read(node, cx).map(|value| Self { value: Some(value), patch: None });
        }
        ConstantRecord::read(node, cx).map(|r| Self { value: r.value, patch: r.patch })
    }

    fn schema() -> Json {
        json!({"anyOf": [u128::schema(), ConstantRecord::schema()]})
    }
}

record! {
    /// Registers reached by number.
    View {
        /// Width of the index, in bits.
        index "index": Sp<u128>,
        /// Width of every entry, in bits.
        width "width": Sp<u128>,
        /// What each number reaches.
        entries "entries": Names<Entry>,
        /// Statement for every other number.
        default "default": Code,
        /// In an overlay: what happens to the existing view.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// A view's entry with code of its own.
    EntryRecord {
        /// Expression a read gives.
        read "read": Code,
        /// Statements a write runs; they see `value`.
        write "write": Code,
    }
}

/// A view's entry: a place, or code.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Place(Code),
    Code(EntryRecord),
}

impl Read for Entry {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::Scalar(_)) {
            return Code::read(node, cx).map(Self::Place);
        }
        EntryRecord::read(node, cx).map(Self::Code)
    }

    fn schema() -> Json {
        json!({"anyOf": [Code::schema(), EntryRecord::schema()]})
    }
}

record! {
    /// How the machine behaves around its instructions.
    Machine {
        /// De-privileging pairs to judge; an empty list for a machine without modes.
        modes "modes": Sp<List<Pair>>,
        /// Statements: what `mem[a]` means.
        address "address": Code,
        /// Width of the address function's argument.
        address_width "address-width": Sp<u128>,
        /// The mapping E|r where it is not simply the relocation and bounds components.
        window "window": Window,
        /// The traps and their kinds.
        traps "traps": Names<Trap>,
        /// Width of a trap's argument.
        trap_argument "trap-argument": Sp<u128>,
        /// The PSW, a concatenation, most significant first.
        psw "psw": Code,
        /// Statements: the trap sequence.
        on_trap "on-trap": Code,
        /// Physical cells the trap sequence uses.
        trap_cells "trap-cells": TrapCells,
        /// Statements that move P past an instruction.
        advance "advance": Code,
        /// Expression: the cells of the instruction at P.
        fetch "fetch": Code,
        /// Outcome of opcodes that no instruction lists.
        unlisted "unlisted": Code,
        /// Statements that set the initial state.
        reset "reset": Code,
        /// Expression: the machine has stopped.
        halted "halted": Code,
        /// In an overlay: the keys given replace those of the base.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// A supervisor and a user mode.
    Pair {
        /// The mode the monitor runs in.
        supervisor "supervisor": Sp<String>,
        /// The mode the guest runs in.
        user "user": Sp<String>,
        /// Statements that complete the change to user mode.
        deprivilege "deprivilege": Code,
    }
}

record! {
    /// The linear mapping through which a state sees storage.
    Window {
        /// Expression: first physical cell.
        base "base": Code,
        /// Expression: number of cells.
        size "size": Code,
    }
}

record! {
    /// One trap.
    Trap {
        /// memory, privilege, program or arithmetic.
        kind "kind": Sp<TrapKind>,
        /// Which instruction the saved P names: this (default) or next.
        saves "saves": Sp<Saves>,
        /// Number the trap sequence may store.
        code "code": Sp<u128>,
    }
}

record! {
    /// Physical cells of the trap sequence, half open.
    TrapCells {
        /// Where the old PSW goes.
        old "old": Sp<String>,
        /// Where the new PSW comes from.
        new "new": Sp<String>,
    }
}

record! {
    /// An invariant.
    Assumption {
        /// Boolean expression over the state.
        that "that": Code,
        /// Why it may be assumed.
        why "why": String,
        /// In an overlay: what happens to the existing assumption.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// One instruction.
    Instruction {
        /// Bits, most significant first.
        encoding "encoding": Sp<String>,
        /// Operands and their widths, where there is no encoding.
        operands "operands": Names<Sp<u128>>,
        /// Length in cells.
        length "length": Sp<u128>,
        /// Assembler form.
        syntax "syntax": Sp<String>,
        /// What it does; without it the instruction is unknown.
        semantics "semantics": List<Code>,
        /// Decode classes judged one by one.
        cases "cases": Names<Case>,
        /// Examples: what the instruction does to one state.
        runs "runs": List<Run>,
        /// What is expected of it, for all states: words like `privileged`, outcomes like `traps(illegal) in user when en == 0`.
        expect "expect": Sp<ByProfile<List<Sp<String>>>>,
        /// Rules whose findings are known and accepted, each with the reason.
        allow "allow": Names<Sp<String>>,
        /// Free text.
        notes "notes": List<String>,
        /// Where the behaviour is documented.
        sources "sources": List<String>,
        /// In an overlay: what happens to the existing instruction.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// An example of what an instruction does; what is not named is zero before, and stays as it is.
    Run {
        /// Values of operands.
        operands "operands": Names<Sp<String>>,
        /// The state before; `cells` is the number of cells.
        given "given": Names<Setting>,
        /// The trap it takes.
        traps "traps": Sp<String>,
        /// What is otherwise afterwards; behind a trap, only this is compared.
        gives "gives": Names<Setting>,
    }
}

/// The value of a register or field, or values by number of a file or of storage.
#[derive(Debug, Clone)]
pub(crate) enum Setting {
    One(Sp<String>),
    ByNumber(Names<Sp<String>>),
}

impl Read for Setting {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::Scalar(_)) {
            return Read::read(node, cx).map(Self::One);
        }
        Read::read(node, cx).map(Self::ByNumber)
    }

    fn schema() -> Json {
        json!({"anyOf": [Sp::<String>::schema(), Names::<Sp<String>>::schema()]})
    }
}

record! {
    /// A decode class.
    Case {
        /// Operands held at a value.
        fix "fix": Names<Code>,
        /// Boolean expression over the operands.
        when "when": Code,
        /// What is expected of it, for all states: words like `privileged`, outcomes like `traps(illegal) in user when en == 0`.
        expect "expect": Sp<ByProfile<List<Sp<String>>>>,
        /// Rules whose findings are known and accepted, each with the reason.
        allow "allow": Names<Sp<String>>,
        /// Free text.
        notes "notes": List<String>,
    }
}

record! {
    /// Theorem verdicts expected by the author.
    Expectation {
        /// Theorem 1.
        vmm "vmm": TheoremExpectation,
        /// Theorem 2.
        recursive "recursive": TheoremExpectation,
        /// Theorem 3.
        hvmm "hvmm": TheoremExpectation,
        /// Exactly the instructions that break Theorem 1's premise, in any order.
        offending "offending": List<Sp<String>>,
        /// What is expected of one de-privileging pair: `supervisor:user`.
        pairs "pairs": Names<PairExpectation>,
    }
}

record! {
    /// Theorem verdicts expected of one de-privileging pair.
    PairExpectation {
        /// Theorem 1.
        vmm "vmm": TheoremExpectation,
        /// Theorem 2.
        recursive "recursive": TheoremExpectation,
        /// Theorem 3.
        hvmm "hvmm": TheoremExpectation,
        /// Exactly the instructions that break Theorem 1's premise, in any order.
        offending "offending": List<Sp<String>>,
    }
}

record! {
    /// A theorem's expectation in full form.
    TheoremRecord {
        /// The set inclusion.
        premise "premise": Sp<Premise>,
        /// Constructibility.
        verdict "verdict": Sp<Verdict>,
        /// Exactly the conditions under which it holds, as the report prints them, in any order.
        conditions "conditions": List<Sp<String>>,
        /// Whether the whole commuting diagram does: every square proved, or some square fails.
        diagram "diagram": Sp<DiagramWord>,
    }
}

/// A theorem's expectation: a verdict, or premise and verdict.
#[derive(Debug, Clone)]
pub(crate) struct TheoremExpectation(pub(crate) TheoremRecord);

impl Read for TheoremExpectation {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::Scalar(_)) {
            let verdict = Sp::<Verdict>::read(node, cx)?;
            return Some(Self(TheoremRecord {
                span: node.span,
                premise: None,
                verdict: Some(verdict),
                conditions: None,
                diagram: None,
            }));
        }
        TheoremRecord::read(node, cx).map(Self)
    }

    fn schema() -> Json {
        json!({"anyOf": [Verdict::schema(), TheoremRecord::schema()]})
    }
}

/// A value for profile `refined`, or one for each profile named.
#[derive(Debug, Clone)]
pub(crate) struct ByProfile<T>(pub(crate) Vec<(Profile, T)>);

impl<T: Read> Read for ByProfile<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Mapping(entries) = &node.value
            && entries.iter().any(|(key, _)| profile_of(key).is_some())
        {
            let mut all = Vec::new();
            for (key, value) in entries {
                let (key, value) = (Profile::read(key, cx), T::read(value, cx));
                all.push((key?, value?));
            }
            return Some(Self(all));
        }
        Some(Self(vec![(Profile::Refined, T::read(node, cx)?)]))
    }

    fn schema() -> Json {
        let profiles: Map<_, _> =
            Profile::ALL.iter().map(|p| (p.word().to_owned(), T::schema())).collect();
        let by_profile =
            json!({"type": "object", "properties": profiles, "additionalProperties": false});
        json!({"anyOf": [T::schema(), by_profile]})
    }
}

fn profile_of(key: &Node) -> Option<Profile> {
    let Value::Scalar(scalar) = &key.value else { return None };
    Profile::ALL.iter().copied().find(|p| p.word() == scalar.text)
}

/// The JSON Schema (draft 7) of the language.
pub fn json_schema() -> Json {
    let mut schema = Spec::schema();
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "Popek-Goldberg machine specification".into();
    schema["required"] = json!(["pgisa", "isa"]);
    schema
}
