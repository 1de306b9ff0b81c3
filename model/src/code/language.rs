//! Errors and warnings of the semantics language.

use super::{Code, code};

pub(super) const ALL: &[Code] = &[
    code(
        "C001",
        "there is nothing of this name",
        "Names are operands, locals, components, constants, functions, views and traps. A function does not see the \
         operands of its caller: pass them to it. A local is known within its block only.",
        "      r[d] = mem[zext(adr, 16)];",
        "      r[d] = mem[zext(a, 16)];",
    ),
    code(
        "C002",
        "a register file or storage as a whole",
        "A file or storage is read and written one element at a time.",
        "      r = clipped(r[d]);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C003",
        "the machine does not have this",
        "The text uses a mapping, a PSW or an argument of traps that `machine:` does not describe.",
        "      trap(call, 7);",
        "      trap(call);",
    ),
    code(
        "C004",
        "no such field",
        "Fields stand under `fields:` of a register; values that are computed have none: use a slice, `x[7:0]`.",
        "write: \"flags.lvl = value[2:0];\"",
        "write: \"flags.level = value[2:0];\"",
    ),
    code(
        "C005",
        "several cells of something that has none",
        "`x[a; n]` reads n cells of storage, one after the other; registers are read one at a time.",
        "      r[d] = clipped(r[d; 1]);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C006",
        "a result that there is not, or that is lost",
        "A function with `-> width` gives a value that has to be used; one without gives none.",
        "      clipped(r[d]);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C007",
        "another number of arguments",
        "The function takes as many arguments as its head says.",
        "      r[d] = clipped(r[d], 7);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C008",
        "a definition that uses itself",
        "Functions, the PSW, views and the address function are written out where they are used, so none may use itself. \
         Within the address function use `phys[…]`.",
        "  fn clear() { clear(); }",
        "  fn clear() { r[0] = 0; }",
    ),
    code(
        "C009",
        "the end is reached without a result",
        "Every path through a function with a result, or through the address function, ends in `return` or in a trap.",
        "    if x > 7 { return 7; }\n  }",
        "    if x > 7 { return 7; }\n    return x;\n  }",
    ),
    code(
        "C010",
        "the width does not follow from the context",
        "A number has the width of what it is combined with. Where there is nothing, say it: `5u16`.",
        "      let sum = 5;\n      r[d] = sum;",
        "      let sum = r[d] + r[s];\n      r[d] = sum;",
    ),
    code(
        "C011",
        "this has to be a constant",
        "Bounds of loops, positions of bits and numbers of cells are known when the specification is checked: a number, a \
         constant or the variable of a loop.",
        "      for i in 1..d { r[i] = 0; }\n    expect: [innocuous, not privileged]\n  move:",
        "      for i in 1..8 { r[i] = 0; }\n    expect: [innocuous, not privileged]\n  move:",
    ),
    code(
        "C012",
        "the number does not fit",
        "The number needs more bits than its place or what it is compared with has.",
        "    if x > 0x1_0000 { return 7; }",
        "    if x > 7 { return 7; }",
    ),
    code(
        "C013",
        "two widths do not agree",
        "Nothing is cut or extended silently. Write `zext(x, n)`, `sext(x, n)`, `trunc(x, n)` or a slice.",
        "      r[d] = mem[a];",
        "      r[d] = mem[zext(a, 16)];",
    ),
    code(
        "C014",
        "outside the value",
        "A position lies outside the value or the file, or the ends of a slice are exchanged: with bit 0 the least \
         significant it is `x[high:low]`.",
        "write: \"flags.level = value[0:2];\"",
        "write: \"flags.level = value[2:0];\"",
    ),
    code(
        "C015",
        "a loop or an access of this size is not possible",
        "A loop runs from its lower to its upper bound, for a limited number of rounds, and an access has one cell or more, \
         up to a limit; the message says which.",
        "      for i in 8..1 { r[i] = 0; }",
        "      for i in 1..8 { r[i] = 0; }",
    ),
    code(
        "C016",
        "the index is too wide",
        "No machine has so many cells or registers.",
        "      r[d] = phys[psw :: psw];",
        "      r[d] = mem[zext(a, 16)];",
    ),
    code(
        "C017",
        "the value is too wide",
        "A value has at most 128 bits.",
        "      let all = psw :: psw :: psw;\n      r[d] = mem[zext(a, 16)];",
        "      r[d] = mem[zext(a, 16)];",
    ),
    code(
        "C018",
        "this cannot be assigned to",
        "Left of `=` stand components, fields, slices, cells, locals, or a concatenation of them. Operands and the variable of \
         a loop are not among them.",
        "      d = clipped(r[d]);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C019",
        "the address function must return a location",
        "It ends with `return phys[e];`, or with `return file[e];` for a register that stands for a cell of storage and is as \
         wide as one.",
        "    return base + a;",
        "    return phys[base +^ a];",
    ),
    code(
        "C020",
        "a condition with effects",
        "Assumptions, `halted:`, `when:` and the like are only looked at: they may neither write nor trap.",
        "  small: {that: \"taken(0) == 0\", why: \"the field has three bits\"}",
        "  small: {that: \"flags.level <= LIMIT\", why: \"the field has three bits\"}",
    ),
    code(
        "C021",
        "this unfolds too far",
        "Functions are written out where they are called and loops are unrolled; there is a limit to what comes out. Shorten \
         the loops, or split the instruction up.",
        "      for i in 0..4096 { for j in 0..4096 { r[d] = r[d] + 1; } }",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C022",
        "not possible here",
        "Only an instruction's semantics may trap, be unpredictable, leave a value open or commit. In `reset:`, trap sequences \
         and assumptions use `phys[…]`, which never traps.",
        "  reset: \"pc = 8; mem[0] = 1;\"",
        "  reset: \"pc = 8; bound = cells(mem);\"",
    ),
    code(
        "C023",
        "the name is taken",
        "A local has the name of another local or of a component. Assign without `let`, or choose another name.",
        "      let pc = r[d] + r[s];\n      r[d] = pc;",
        "      let sum = r[d] + r[s];\n      r[d] = sum;",
    ),
    code(
        "C024",
        "`break` or `return` at the wrong place",
        "`break` leaves a loop, `return` a function; with a value where the function has a result.",
        "      if d == 1 { break; }",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C025",
        "too many arbitrary bits",
        "Every value of `arbitrary(n)` is looked at by itself, so an instruction may have four bits of it. `undefined(n)` may \
         have any width.",
        "      r[d] = zext(arbitrary(5), 16);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C030",
        "nothing uses this",
        "A warning: a local, an operand or a function is never used. Remove it, or let its name begin with `_`.",
        "      let twice = r[d] + r[d];\n      r[d] = clipped(r[d]);",
        "      r[d] = clipped(r[d]);",
    ),
    code(
        "C031",
        "this is never reached",
        "A warning: the statement stands behind a trap, a `return` or something else that is always taken.",
        "      trap(call);\n      clear();",
        "      trap(call);",
    ),
    code(
        "C032",
        "an instruction without semantics",
        "A warning: what the instruction does is unknown, and no theorem can be proved of the machine.",
        "  call:\n    encoding: \"0111 ------------\"\n    expect:",
        "  call:\n    encoding: \"0111 ------------\"\n    semantics: |\n      trap(call);\n    expect:",
    ),
    code(
        "C033",
        "relocation that wraps around",
        "A warning: the sum loses its carry, so a large address reaches low storage, and the monitor's map f cannot be \
         composed. Add with `+^`, which keeps the carry.",
        "    require a < bound && base +^ a < cells(mem) else trap(memory);\n    return phys[base + a];",
        "    require a < bound && base +^ a < cells(mem) else trap(memory);\n    return phys[base +^ a];",
    ),
    code(
        "C034",
        "a comparison with 0 that is always or never true",
        "A warning: values have no sign, so none is below 0. `slt(a, 0)` and its like compare with a sign.",
        "    if x < 0 { return 7; }",
        "    if x > 7 { return 7; }",
    ),
];
