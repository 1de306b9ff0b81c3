//! A specification as written: the keys of the language, their types and their documentation.
//!
//! One table per record gives the reader, the check for unknown keys and the JSON Schema.

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::{Diagnostic, Report, Source, Sources, Span, did_you_mean};
use crate::yaml::{self, Node, Value};

/// A value with the place it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sp<T> {
    pub(crate) span: Span,
    pub(crate) it: T,
}

/// A text of the semantics language: where it stands in the source, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) span: Span,
}

/// Named things in source order.
#[derive(Debug, Clone)]
pub(crate) struct Names<T>(pub(crate) Vec<(Sp<String>, T)>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Names<T> {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Sp<String>, T)> {
        self.0.iter()
    }
}

/// A list; a single item may stand for itself.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What reading a node needs.
pub(crate) struct Context<'s> {
    pub(crate) report: Report,
    pub(crate) sources: &'s Sources,
}

/// Something a node can be read as. `None` means that an error was reported.
pub(crate) trait Read: Sized {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
    fn schema() -> Json;
}

fn text<'n>(node: &'n Node, what: &str, cx: &mut Context<'_>) -> Option<&'n str> {
    if let Value::Scalar(scalar) = &node.value {
        return Some(&scalar.text);
    }
    let found = if matches!(node.value, Value::Sequence(_)) { "a list" } else { "a mapping" };
    let message = format!("expected {what}, found {found}");
    cx.report.push(Diagnostic::error("S010", node.span, message).label(format!("expected {what}")));
    None
}

impl Read for String {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text(node, "a text", cx).map(str::to_owned)
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// Parses `10`, `0x1f`, `0o17`, `0b11`, with `_` between digits.
pub(crate) fn number(text: &str) -> Option<u128> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ if digits.len() > 1 && digits.starts_with('0') => return None,
        _ => (digits.as_str(), 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

impl Read for u128 {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let word = text(node, "a number", cx)?;
        let parsed = number(word);
        if parsed.is_none() {
            let message = format!("`{word}` is not a number");
            let mut error =
                Diagnostic::error("S011", node.span, message).label("expected a number");
            if word.len() > 1 && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit()) {
                error = error.help("write octal as 0o17; a leading zero alone is ambiguous");
            }
            cx.report.push(error);
        }
        parsed
    }

    fn schema() -> Json {
        json!({"type": ["integer", "string"]})
    }
}

impl<T: Read> Read for Sp<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Some(Self { span: node.span, it: T::read(node, cx)? })
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl Read for Code {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text(node, "statements or an expression", cx)?;
        let Value::Scalar(scalar) = &node.value else { return None };
        let raw = cx.sources.slice(scalar.inner);
        let quoted = scalar.inner != node.span;
        if quoted && (raw.contains('\\') || raw.contains("''")) {
            cx.report.push(
                Diagnostic::error("S012", node.span, "escapes are not allowed in code")
                    .help("write the text as a block: `|` and an indented line"),
            );
            return None;
        }
        if !quoted && raw.trim().is_empty() {
            cx.report.push(
                Diagnostic::error("S010", node.span, "there is nothing behind this key")
                    .help("leave the key out, or write \"\" where nothing is done"),
            );
            return None;
        }
        Some(Self { span: scalar.inner })
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

impl<T: Read> Read for List<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Sequence(items) => {
                let read: Vec<_> = items.iter().map(|item| T::read(item, cx)).collect();
                read.into_iter().collect::<Option<Vec<T>>>().map(Self)
            }
            Value::Scalar(_) | Value::Mapping(_) => T::read(node, cx).map(|item| Self(vec![item])),
        }
    }

    fn schema() -> Json {
        json!({"anyOf": [{"type": "array", "items": T::schema()}, T::schema()]})
    }
}

impl<T: Read> Read for Names<T> {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let mut all = Vec::new();
        let mut complete = true;
        for (key, value) in mapping(node, cx)? {
            match (Sp::<String>::read(key, cx), T::read(value, cx)) {
                (Some(name), Some(value)) => all.push((name, value)),
                _ => complete = false,
            }
        }
        complete.then_some(Self(all))
    }

    fn schema() -> Json {
        json!({"type": "object", "additionalProperties": T::schema()})
    }
}

fn mapping<'n>(node: &'n Node, cx: &mut Context<'_>) -> Option<&'n [(Node, Node)]> {
    match &node.value {
        Value::Mapping(entries) => Some(entries),
        // `key:` with nothing behind it, or `{}`.
        Value::Scalar(scalar) if scalar.text.is_empty() => Some(&[]),
        Value::Scalar(_) | Value::Sequence(_) => {
            let error =
                Diagnostic::error("S010", node.span, "expected a mapping of keys to values");
            cx.report.push(error.label("expected `key: value` lines"));
            None
        }
    }
}

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
    VerdictWord {
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
            const fn empty(span: Span) -> Self {
                Self { span, $($field: None,)* }
            }
        }

        impl Read for $name {
            fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
                let mut it = Self::empty(node.span);
                let mut complete = true;
                for (key, value) in mapping(node, cx)? {
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
    let help = did_you_mean(key, known.iter().copied())
        .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
    let error = Diagnostic::error("S014", span, format!("there is no key `{key}` here"));
    cx.report.push(error.help(help));
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
        /// Classification expected by the author.
        expect "expect": Sp<ByProfile<List<Sp<String>>>>,
        /// Free text.
        notes "notes": List<String>,
        /// Where the behaviour is documented.
        sources "sources": List<String>,
        /// In an overlay: what happens to the existing instruction.
        patch "patch": Sp<Patch>,
    }
}

record! {
    /// A decode class.
    Case {
        /// Operands held at a value.
        fix "fix": Names<Code>,
        /// Boolean expression over the operands.
        when "when": Code,
        /// Classification expected by the author.
        expect "expect": Sp<ByProfile<List<Sp<String>>>>,
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
    }
}

record! {
    /// A theorem's expectation in full form.
    TheoremRecord {
        /// The set inclusion.
        premise "premise": Sp<Premise>,
        /// Constructibility.
        verdict "verdict": Sp<VerdictWord>,
    }
}

/// A theorem's expectation: a verdict, or premise and verdict.
#[derive(Debug, Clone)]
pub(crate) struct TheoremExpectation(pub(crate) TheoremRecord);

impl Read for TheoremExpectation {
    fn read(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::Scalar(_)) {
            let verdict = Sp::<VerdictWord>::read(node, cx)?;
            return Some(Self(TheoremRecord {
                span: node.span,
                premise: None,
                verdict: Some(verdict),
            }));
        }
        TheoremRecord::read(node, cx).map(Self)
    }

    fn schema() -> Json {
        json!({"anyOf": [VerdictWord::schema(), TheoremRecord::schema()]})
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

/// Most files in a chain of `extends:`.
const MAX_OVERLAYS: usize = 16;

/// Reads a file and what it extends, and applies the overlays.
pub(crate) fn read(
    path: &str,
    open: &dyn Fn(&str) -> Result<String, String>,
    sources: &mut Sources,
) -> Result<Spec, Vec<Diagnostic>> {
    let text = open(path).map_err(|error| {
        vec![Diagnostic::global("S000", format!("cannot read {path}: {error}"))]
    })?;
    let overlay = read_one(path, text, sources)?;
    let Some(base) = overlay.extends.clone() else {
        return apply(Spec::empty(overlay.span), overlay);
    };
    let base_path = match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{}", base.it),
        None => base.it.clone(),
    };
    let fail = |message: String| Err(vec![Diagnostic::error("S020", base.span, message)]);
    if sources.files.iter().any(|f| f.path == base_path) {
        return fail(format!("`{}` extends itself", base.it));
    }
    if sources.files.len() >= MAX_OVERLAYS {
        return fail(format!("more than {MAX_OVERLAYS} files extend each other"));
    }
    if let Err(error) = open(&base_path) {
        return fail(format!("cannot read {base_path}: {error}"));
    }
    let base = read(&base_path, open, sources)?;
    apply(base, overlay)
}

fn read_one(path: &str, text: String, sources: &mut Sources) -> Result<Spec, Vec<Diagnostic>> {
    let file = sources.files.len() as u32;
    sources.files.push(Source { path: path.to_owned(), text });
    let text = &sources.files[file as usize].text;
    if text
        .trim_start_matches('\u{feff}')
        .lines()
        .all(|l| l.trim().is_empty() || l.trim_start().starts_with('#'))
    {
        return Err(vec![Diagnostic::global("S005", format!("{path} is empty")).help(
            "a specification begins with `pgisa: 1` and `isa: name`; see isa-specs/README.md",
        )]);
    }
    let node = yaml::parse(text, file)?;
    let mut cx = Context { report: Report::default(), sources };
    let spec = Spec::read(&node, &mut cx);
    if let Some(spec) = &spec {
        let start = Span { end: node.span.start, ..node.span };
        match &spec.pgisa {
            None => cx.report.push(
                Diagnostic::error("S006", start, "`pgisa:` is missing")
                    .help("begin the file with `pgisa: 1`"),
            ),
            Some(version) if version.it != 1 => cx.report.push(
                Diagnostic::error(
                    "S006",
                    version.span,
                    "this version of the language is not known",
                )
                .help("this program reads `pgisa: 1`"),
            ),
            Some(_) => {}
        }
        if spec.isa.is_none() {
            cx.report.push(
                Diagnostic::error("S006", start, "`isa:` is missing")
                    .help("name it: `isa: my-machine`"),
            );
        }
    }
    match spec {
        Some(spec) if !cx.report.failed() => Ok(spec),
        _ => Err(cx.report.finish()),
    }
}

/// Something an overlay may patch by name.
trait Patched: Sized {
    fn patch(&self) -> Option<Sp<Patch>>;

    /// The combination for `patch: before`, where that is possible.
    fn before(self, _old: &Self) -> Option<Self> {
        None
    }
}

macro_rules! patched {
    ($($name:ident)*) => {
        $(impl Patched for $name {
            fn patch(&self) -> Option<Sp<Patch>> {
                self.patch
            }
        })*
    };
}

patched! { Component Constant View Assumption }

impl Patched for Instruction {
    fn patch(&self) -> Option<Sp<Patch>> {
        self.patch
    }

    fn before(self, old: &Self) -> Option<Self> {
        let mut code = self.semantics.unwrap_or_default();
        code.0.extend(old.semantics.clone().unwrap_or_default().0);
        let old = old.clone();
        Some(Self {
            span: self.span,
            encoding: self.encoding.or(old.encoding),
            operands: self.operands.or(old.operands),
            length: self.length.or(old.length),
            syntax: self.syntax.or(old.syntax),
            semantics: Some(code),
            cases: self.cases.or(old.cases),
            expect: self.expect.or(old.expect),
            notes: self.notes.or(old.notes),
            sources: self.sources.or(old.sources),
            patch: None,
        })
    }
}

/// Applies an overlay to its base.
fn apply(base: Spec, overlay: Spec) -> Result<Spec, Vec<Diagnostic>> {
    let mut errors = Report::default();
    let spec = Spec {
        span: overlay.span,
        pgisa: overlay.pgisa,
        isa: overlay.isa,
        title: overlay.title.or(base.title),
        extends: overlay.extends,
        sources: added(base.sources, overlay.sources),
        notes: added(base.notes, overlay.notes),
        numbering: overlay.numbering.or(base.numbering),
        endian: overlay.endian.or(base.endian),
        constants: patched(base.constants, overlay.constants, &mut errors),
        state: patched(base.state, overlay.state, &mut errors),
        views: patched(base.views, overlay.views, &mut errors),
        functions: added(base.functions, overlay.functions),
        machine: machine(base.machine, overlay.machine, &mut errors),
        assume: patched(base.assume, overlay.assume, &mut errors),
        instructions: patched(base.instructions, overlay.instructions, &mut errors),
        expect: overlay.expect.or(base.expect),
    };
    if errors.failed() { Err(errors.finish()) } else { Ok(spec) }
}

fn added<T>(base: Option<List<T>>, overlay: Option<List<T>>) -> Option<List<T>> {
    match (base, overlay) {
        (Some(mut base), Some(overlay)) => {
            base.0.extend(overlay.0);
            Some(base)
        }
        (base, overlay) => base.or(overlay),
    }
}

fn patched<T: Patched>(
    base: Option<Names<T>>,
    overlay: Option<Names<T>>,
    errors: &mut Report,
) -> Option<Names<T>> {
    if base.is_none() && overlay.is_none() {
        return None;
    }
    let mut all = base.unwrap_or_default().0;
    for (name, item) in overlay.unwrap_or_default().0 {
        let old = all.iter().position(|(n, _)| n.it == name.it);
        match (old, item.patch()) {
            (None, None) => all.push((name, item)),
            (Some(old), Some(patch)) => match patch.it {
                Patch::Remove => {
                    all.remove(old);
                }
                Patch::Replace => all[old].1 = item,
                Patch::Before => match item.before(&all[old].1) {
                    Some(merged) => all[old].1 = merged,
                    None => errors.push(
                        Diagnostic::error(
                            "S021",
                            patch.span,
                            "only instructions can be patched before",
                        )
                        .help("use `patch: replace`"),
                    ),
                },
            },
            (Some(old), None) => {
                let message = format!("`{}` exists in the base specification", name.it);
                errors.push(
                    Diagnostic::error("S022", name.span, message)
                        .related(all[old].0.span, "the existing one")
                        .help("say what to do with it: `patch: before`, `patch: replace` or `patch: remove`"),
                );
            }
            (None, Some(patch)) => {
                let message = format!("there is no `{}` to patch", name.it);
                let error = Diagnostic::error("S023", patch.span, message);
                errors.push(
                    error.help(
                        did_you_mean(&name.it, all.iter().map(|(n, _)| n.it.as_str()))
                            .unwrap_or_else(|| {
                                "`patch:` changes what the file named by `extends:` has; without it something new is added".into()
                            }),
                    ),
                );
            }
        }
    }
    Some(Names(all))
}

fn machine(
    base: Option<Machine>,
    overlay: Option<Machine>,
    errors: &mut Report,
) -> Option<Machine> {
    let (Some(base), Some(new)) = (&base, &overlay) else { return overlay.or(base) };
    match new.patch {
        Some(Sp { it: Patch::Replace, .. }) => {}
        Some(Sp { span, .. }) => {
            errors.push(Diagnostic::error(
                "S021",
                span,
                "the machine section knows only `patch: replace`",
            ));
        }
        None => errors.push(
            Diagnostic::error("S022", new.span, "the base specification has a machine section")
                .help("say `patch: replace`: the keys given here replace those of the base"),
        ),
    }
    let (base, new) = (base.clone(), new.clone());
    Some(Machine {
        span: new.span,
        modes: new.modes.or(base.modes),
        address: new.address.or(base.address),
        address_width: new.address_width.or(base.address_width),
        window: new.window.or(base.window),
        traps: new.traps.or(base.traps),
        trap_argument: new.trap_argument.or(base.trap_argument),
        psw: new.psw.or(base.psw),
        on_trap: new.on_trap.or(base.on_trap),
        trap_cells: new.trap_cells.or(base.trap_cells),
        advance: new.advance.or(base.advance),
        fetch: new.fetch.or(base.fetch),
        unlisted: new.unlisted.or(base.unlisted),
        reset: new.reset.or(base.reset),
        halted: new.halted.or(base.halted),
        patch: None,
    })
}
