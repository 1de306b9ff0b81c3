//! Kinds of machines that are settled by dependency and rewriting, in conflicts, not in time.

use analyzer::report::Report;
use analyzer::{Options, analyze};
use model::diagnostic::Sources;
use model::isa::Profile;

/// A machine of 32-bit registers, 16 of them, with relocation and bounds.
struct Machine {
    cell: u32,
    base: u32,
    /// The address function.
    address: &'static str,
    instruction: &'static str,
    /// How instructions are fetched.
    fetch: &'static str,
}

const CARRY: &str =
    "require a < bound && base +^ a < cells(mem) else trap(memory); return phys[base +^ a];";

const MACHINE: Machine =
    Machine { cell: 32, base: 32, address: CARRY, instruction: "", fetch: "mem[pc]" };

fn judge(machine: &Machine, profile: Profile) -> Report {
    let Machine { cell, base, address, instruction, fetch } = machine;
    let (old, pad) = (128 / cell, 32 - base);
    let pad = if pad == 0 { String::new() } else { format!("0u{pad} :: ") };
    let text = format!(
        r#"
pgisa: 1
isa: written
endian: little
state:
  mem:   {{role: E, width: {cell}, cells: 4096}}
  x:     {{role: E, width: 32, count: 16}}
  g:     {{role: E, width: 32, count: 13}}
  mode:  {{role: M, width: 1, values: {{s: 0, u: 1}}}}
  pc:    {{role: P, width: 32}}
  base:  {{role: R, kind: relocation, width: {base}}}
  bound: {{role: R, kind: bounds, width: 32}}
machine:
  modes: [{{supervisor: s, user: u}}]
  address-width: 32
  address: "{address}"
  fetch: "{fetch}"
  traps: {{memory: {{kind: memory, saves: this, code: 1}}, priv: {{kind: privilege, saves: this, code: 2}}}}
  psw: "mode :: 0u31 :: pc :: {pad}base :: bound"
  on-trap: "phys[0; {old}] = psw; psw = phys[{old}; {old}];"
  trap-cells: {{old: "0..{old}", new: "{old}..{end}"}}
  unlisted: "trap(priv)"
instructions:
  i: {{operands: {{d: 4, s: 4, t: 4}}, length: 1, semantics: "{instruction}"}}
"#,
        end = 2 * old,
    );
    let open = |_: &str| Ok(text.clone());
    let mut sources = Sources::default();
    let loaded = model::load("written.yaml", &open, &mut sources);
    let loaded = loaded.map_err(|e| format!("{e:#?}")).expect("the specification loads");
    let options = Options { profile, pair: None, timeout: None };
    analyze(&loaded.isa, &sources, options, &|_, _| {})
}

/// Conflicts of the search for what can be saved.
const SAVING: u64 = 15_000;

/// Everything is settled in every profile, within so many conflicts.
fn takes_at_most(machine: &Machine, conflicts: u64) {
    for profile in [Profile::Refined, Profile::Literal, Profile::Extended] {
        let report = judge(machine, profile);
        let counts = report.summary.counts;
        assert_eq!(counts.undecided, 0, "{} in {profile:?}", machine.instruction);
        // What can be saved is a search, and has a bound of its own.
        let dispatcher = report.pairs[0].theorems.recursive.dispatcher.as_ref();
        let saving = dispatcher.map_or(0, |it| it.conflicts);
        let spent = counts.conflicts - saving;
        assert!(spent <= conflicts, "{} took {counts:?}", machine.instruction);
        assert!(saving <= SAVING, "{} took {saving} to save", machine.instruction);
    }
}

#[test]
fn conditional_addresses_take_no_search() {
    for instruction in [
        "x[d] = mem[s == 0 ? 0u32 : x[s]];",
        "mem[s == 0 ? 0u32 : x[s]] = d == 0 ? 0u32 : x[d];",
        "x[d] = mem[s == 15 ? pc + 2 : s == 14 ? 7u32 : x[s]];",
        "g[d] = mem[g[s]];",
    ] {
        takes_at_most(&Machine { instruction, ..MACHINE }, 1_000);
    }
}

#[test]
fn accesses_of_several_cells_take_no_search() {
    let address = "require a +^ size <= zext(bound, 33) && base +^ a +^ size <= cells(mem) else trap(memory); return phys[base +^ a];";
    for instruction in [
        "x[d] = mem[s == 0 ? 0u32 : x[s]; 4];",
        "x[d] = sext(mem[(s == 0 ? 0u32 : x[s]) + sext(t, 32); 2], 32);",
        "mem[(s == 0 ? 0u32 : x[s]) + sext(t, 32); 4] = x[d];",
    ] {
        takes_at_most(&Machine { cell: 8, address, instruction, ..MACHINE }, 1_000);
    }
}

#[test]
fn relocation_narrower_than_addresses_takes_no_search() {
    let address = "require a < bound && zext(base, 33) + zext(a, 33) < cells(mem) else trap(memory); return phys[zext(base, 33) + zext(a, 33)];";
    for instruction in ["x[d] = mem[x[s] + sext(t, 32)];", "mem[x[s] + sext(t, 32)] = x[d];"] {
        takes_at_most(&Machine { base: 16, address, instruction, ..MACHINE }, 1_000);
    }
}

/// Where a guest is confined the sum does not wrap: what is safe to run directly is seen without search.
#[test]
fn an_address_function_that_wraps_is_settled() {
    let address =
        "require a < bound else trap(memory); return phys[zext(base + trunc(a, 12), 13)];";
    let instruction = "x[d] = mem[zext(trunc(x[s], 12), 32)];";
    let fetch = "mem[zext(trunc(pc, 12), 32)]";
    takes_at_most(&Machine { base: 12, address, instruction, fetch, ..MACHINE }, 50_000);
}

/// Where f clips the window, too.
#[test]
fn chains_of_loads_take_no_search() {
    for instruction in [
        "x[d] = mem[mem[mem[mem[x[s]]]]];",
        "mem[mem[mem[x[s]]]] = x[d];",
        "let a = x[s]; if t[0] { x[0] = mem[a]; a = a + 1; } if t[1] { x[1] = mem[a]; a = a + 1; } if t[2] { x[2] = mem[a]; }",
    ] {
        takes_at_most(&Machine { instruction, ..MACHINE }, 1_000);
    }
}

#[test]
fn products_and_loops_take_no_search() {
    for instruction in [
        "let p = mem[x[s]] * x[t]; let q = p * p / (x[d] | 1) % (p | 3); x[d] = mem[q] * q;",
        "let c = x[s]; for _i in 0..64 { if c[0] { c = (c >> 1) ^ 0xedb88320; } else { c = c >> 1; } } x[d] = mem[c];",
    ] {
        takes_at_most(&Machine { instruction, ..MACHINE }, 1_000);
    }
}
