//! Errors about the machine, its components and its instructions.

use super::{Code, code};

pub(super) const ALL: &[Code] = &[
    code(
        "K001",
        "a section is missing",
        "A machine has `state:` and `machine:`, and `machine:` has `modes:`; a machine without modes says `modes: []`.",
        "  address: |",
        "  modes: [{supervisor: supervisor, user: user}]\n  address: |",
    ),
    code(
        "K002",
        "which letter a component is",
        "Every component says its role, E, M, P or R, and one of R its kind: relocation, bounds, resource, trap-vector, time, \
         identity or device. Storage is E.",
        "  key:   {role: R, width: 16}",
        "  key:   {role: R, kind: resource, width: 16}",
    ),
    code(
        "K003",
        "the name is not possible, or taken",
        "Names of components, constants, functions and views are different from each other and from the words of the \
         language, and an operand does not hide a component.",
        "    encoding: \"0001 key[3] a[9]\"\n    semantics: |\n      mem[zext(a, 16)] = r[key];",
        "    encoding: \"0001 d[3] a[9]\"\n    semantics: |\n      mem[zext(a, 16)] = r[d];",
    ),
    code(
        "K004",
        "something is missing in a record",
        "A view needs `index:`, `width:` and `default:`, an entry `read:` and `write:`, a pair both modes, a field `bits:`, an \
         assumption `that:`; the message says which.",
        "      1: {read: \"zext(flags.level, 16)\"}",
        "      1: {read: \"zext(flags.level, 16)\", write: \"flags.level = value[2:0];\"}",
    ),
    code(
        "K005",
        "a width or a number out of range",
        "A width is at most 128 bits, and there is at least one register or cell; the message says the limit.",
        "  pc:    {role: P, width: 0}",
        "  pc:    {role: P, width: 16}",
    ),
    code(
        "K006",
        "one storage, not more and not less",
        "Exactly one component has `cells:`; it is the executable storage E.",
        "  mem:   {role: E, width: 16, cells: 4096}\n  more:  {role: E, width: 16, cells: 16}\n",
        "  mem:   {role: E, width: 16, cells: 4096}\n",
    ),
    code(
        "K007",
        "bits with two roles",
        "A field may have another role than its register, but no bit may have two; and a kind belongs to role R.",
        "      zero: 0\n      level: {bits: \"3:1\", role: R, kind: resource}\n      trace: {bits: 3, role: M}",
        "      zero: 0\n      level: {bits: \"3:1\", role: R, kind: resource}",
    ),
    code(
        "K008",
        "this is no position of bits",
        "Write one bit, `3`, or a range with the higher bit first, `\"3:1\"`, within the register. With `numbering: msb0` it is \
         the lower number first.",
        "      level: {bits: \"1:3\", role: R, kind: resource}",
        "      level: {bits: \"3:1\", role: R, kind: resource}",
    ),
    code(
        "K009",
        "mode, relocation or bounds are missing, or there are two",
        "A pair of modes needs one component of role M that names its values, and a mapping: one relocation and one bounds \
         register. The paper's map f acts on them.",
        "  bound: {role: R, kind: resource, width: 16}",
        "  bound: {role: R, kind: bounds, width: 16}",
    ),
    code(
        "K010",
        "traps are missing, or one has no kind",
        "A machine with modes has traps; each says its kind: memory, privilege, program or arithmetic. One is a memory trap.",
        "    privileged: {saves: this}",
        "    privileged: {kind: privilege}",
    ),
    code(
        "K011",
        "this is no range of cells",
        "`trap-cells:` are half open ranges of physical cells, `\"0..4\"`, within storage.",
        "  trap-cells: {old: \"4..0\", new: \"4..8\"}",
        "  trap-cells: {old: \"0..4\", new: \"4..8\"}",
    ),
    code(
        "K012",
        "there is not one program counter",
        "One component has role P, so that it is clear what advances past an instruction; with several, say `advance:`.",
        "  pc:    {role: P, width: 16}\n  next:  {role: P, width: 16}\n\nmachine:\n",
        "  pc:    {role: P, width: 16}\n\nmachine:\n  advance: \"pc = pc + length;\"\n",
    ),
    code(
        "K013",
        "the trap sequence uses cells that are not declared",
        "A monitor keeps the cells that traps use, so `trap-cells:` has to name all of them.",
        "  trap-cells: {old: \"0..1\", new: \"4..5\"}",
        "  trap-cells: {old: \"0..4\", new: \"4..8\"}",
    ),
    code(
        "K014",
        "a trap without a sequence",
        "Every trap that is raised needs to say what happens: `on-trap:` for all of them, or `sequence:` for one.",
        "  psw: \"mode :: 0u15 :: pc :: base :: bound\"\n  trap-cells:",
        "  psw: \"mode :: 0u15 :: pc :: base :: bound\"\n  on-trap: |\n    phys[0; 4] = psw;\n    psw = phys[4; 4];\n  trap-cells:",
    ),
    code(
        "K015",
        "de-privileging changes what is the guest's",
        "`deprivilege:` completes the change of mode, so it writes bits of M and R only: the rest is the guest's own.",
        "  modes: [{supervisor: supervisor, user: user, deprivilege: \"r[0] = 0;\"}]",
        "  modes: [{supervisor: supervisor, user: user}]",
    ),
    code("K020", "there are no instructions", "List them under `instructions:`.", "", ""),
    code(
        "K021",
        "this is no encoding",
        "An encoding is written with 0, 1, - for bits that do not matter, and fields with their width: \
         `\"0111 ---- d[3] imm[5]\"`. A field in pieces has each of its bits once.",
        "    encoding: \"0011 d[] ---------\"",
        "    encoding: \"0011 d[3] ---------\"",
    ),
    code(
        "K022",
        "operands beside an encoding",
        "The fields of the encoding are the operands. `operands:` is for machines without encodings.",
        "    encoding: \"0011 d[3] ---------\"\n    operands: {d: 3}",
        "    encoding: \"0011 d[3] ---------\"",
    ),
    code(
        "K023",
        "the length does not agree with the encoding",
        "An encoding has as many bits as a number of whole cells, and `length:` is that number.",
        "    encoding: \"0011 d[3] -----\"",
        "    encoding: \"0011 d[3] ---------\"",
    ),
    code(
        "K024",
        "this is no case",
        "A case holds operands at constants (`fix:`) or asks something of them (`when:`). Conditions on the state belong into \
         the semantics.",
        "      key: {fix: {m: 0}, expect: [privileged, control-sensitive]}",
        "      key: {fix: {n: 0}, expect: [privileged, control-sensitive]}",
    ),
    code(
        "K025",
        "two cases overlap",
        "Each value of the operands belongs to one case; the message says which belongs to two.",
        "      other: {when: \"n > 0\", expect: [innocuous, not privileged]}",
        "      other: {when: \"n > 1\", expect: [innocuous, not privileged]}",
    ),
    code(
        "K026",
        "two instructions have one opcode",
        "An opcode belongs to one instruction; use `cases:` for kinds of one instruction.",
        "    encoding: \"0110 ------------\"\n    semantics: |\n      trap(call);",
        "    encoding: \"0111 ------------\"\n    semantics: |\n      trap(call);",
    ),
    code(
        "K027",
        "opcodes of which nothing is said",
        "The encodings do not cover all opcodes. `unlisted:` under `machine:` says what the others do.",
        "  reset: \"pc = 8; bound = cells(mem);\"\n  halted:",
        "  unlisted: \"trap(illegal);\"\n  reset: \"pc = 8; bound = cells(mem);\"\n  halted:",
    ),
    code(
        "K028",
        "this cannot be expected",
        "`expect:` lists properties, each perhaps with `not` before and a mode behind it, or verdicts of theorems by pair; the \
         message lists the words.",
        "      trap(call);\n    expect: [unprivileged]",
        "      trap(call);\n    expect: [innocuous, not privileged]",
    ),
    code(
        "K029",
        "an offending instruction that there is not",
        "`offending:` names classes as they are reported: an instruction, or a case as `name[case]`.",
        "expect: {vmm: holds, hvmm: holds, offending: [move]}",
        "expect: {vmm: holds, hvmm: holds}",
    ),
    code(
        "K031",
        "an example names something that there is not",
        "`runs:` gives values to operands and components and says what comes out; the message lists the names.",
        "      - {operands: {d: 1, t: 2}, given: {r: {1: 5, 2: 6}}, gives: {r: {1: 11}}}",
        "      - {operands: {d: 1, s: 2}, given: {r: {1: 5, 2: 6}}, gives: {r: {1: 11}}}",
    ),
    code(
        "K032",
        "a value of an example does not fit",
        "It is no number, constant or named value, or it is too large for its place.",
        "      - {operands: {d: 8, s: 2}, given: {r: {1: 5, 2: 6}}, gives: {r: {1: 11}}}",
        "      - {operands: {d: 1, s: 2}, given: {r: {1: 5, 2: 6}}, gives: {r: {1: 11}}}",
    ),
    code(
        "K033",
        "an example of the wrong form",
        "A register has one value, a file values by number: `r: {1: 5}`.",
        "      - {operands: {d: 1, s: 2}, given: {r: 5}, gives: {r: {1: 11}}}",
        "      - {operands: {d: 1, s: 2}, given: {r: {1: 5, 2: 6}}, gives: {r: {1: 11}}}",
    ),
    code(
        "K034",
        "advancing writes more than P",
        "`advance:` moves P past the instruction, and nothing else: what an instruction does stands in its semantics.",
        "  advance: \"pc = pc + length; key = key + 1;\"",
        "  advance: \"pc = pc + length;\"",
    ),
    code(
        "K035",
        "fetching writes",
        "`fetch:` reads the instruction at P and changes nothing.",
        "machine:\n  fetch: \"taken(0)\"\n",
        "machine:\n",
    ),
    code(
        "K036",
        "this is not the year of a machine",
        "`year:` is the year in which the machine appeared, as a number like 1971.",
        "year: 74",
        "year: 1974",
    ),
    code(
        "K037",
        "this cannot be allowed",
        "`allow:` names rules whose findings about the instruction are accepted, each with a reason: \
         `allow: {unconfined: \"the device is the guest's\"}`.",
        "      trap(call);\n    allow: {sensitive-unprivileged: \"\"}",
        "      trap(call);",
    ),
    code(
        "K038",
        "de-privileging leaves user mode",
        "`deprivilege:` completes the change to user mode: the mode itself is set before, and it sets what follows the \
         mode, such as a bank of registers. It cannot end in another mode.",
        "  modes: [{supervisor: supervisor, user: user, deprivilege: \"mode = supervisor;\"}]",
        "  modes: [{supervisor: supervisor, user: user}]",
    ),
    code(
        "K039",
        "no expected outcome",
        "`expect:` of an instruction may say what it comes to: `completes`, `traps(NAME)` or `unpredictable`, then \
         `in MODE` and `when CONDITION`, of components and operands.",
        "      trap(call);\n    expect: [traps(cal) in user]",
        "      trap(call);\n    expect: [innocuous, not privileged]",
    ),
];
