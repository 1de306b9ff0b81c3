//! What `analyze check --strict` points out.

use super::{Code, code};

pub(super) const ALL: &[Code] = &[
    code(
        "A001",
        "no sources",
        "A specification is worth what it was written from. Name the manual, with section or page, under `sources:`.",
        "year: 1974\nnotes:",
        "year: 1974\nsources: [\"no manual: it is an example\"]\nnotes:",
    ),
    code(
        "A002",
        "nothing is expected of the theorems",
        "With `expect:` a slip that changes a verdict is noticed; without it nobody looks.",
        "",
        "expect: {vmm: holds, hvmm: holds}",
    ),
    code(
        "A003",
        "there are encodings and no reset",
        "Programs start in the state that `reset:` describes; without it everything is zero, also the bound.",
        "  unlisted: \"trap(illegal);\"\n  halted: \"key == 0xffff\"",
        "  unlisted: \"trap(illegal);\"\n  reset: \"pc = 8; bound = cells(mem);\"\n  halted: \"key == 0xffff\"",
    ),
    code(
        "A004",
        "there are encodings and no halted",
        "Programs end where `halted:` is true; without it they run until the limit of steps.",
        "  reset: \"pc = 8; bound = cells(mem);\"\n",
        "  reset: \"pc = 8; bound = cells(mem);\"\n  halted: \"key == 0xffff\"\n",
    ),
    code(
        "A005",
        "the PSW is not used by any trap",
        "`psw:` names the layout that a trap saves and loads; `on-trap:` has to store and load it.",
        "  on-trap: |\n    phys[0; 4] = mode :: 0u15 :: pc :: base :: bound;\n    mode :: pc :: base :: bound = phys[4; 4][63] :: phys[4; 4][47:0];\n",
        "  on-trap: |\n    phys[0; 4] = psw;\n    psw = phys[4; 4];\n",
    ),
    code(
        "A006",
        "a component that nothing uses",
        "No instruction, trap or condition reads or writes the component. Leave it out, or add the instructions that use it.",
        "  key:   {role: R, kind: resource, width: 16}\n  lamp:  {role: E, width: 1}\n",
        "  key:   {role: R, kind: resource, width: 16}\n",
    ),
    code(
        "A007",
        "a trap that no instruction raises",
        "An interrupt is raised by no instruction: name it in `notes:`. Any other trap can be left out.",
        "    call:       {kind: program, saves: next}\n    timer:      {kind: program}\n",
        "    call:       {kind: program, saves: next}\n",
    ),
    code(
        "A008",
        "nothing is expected of an instruction",
        "`expect:` says what the author thinks of the instruction, and a change of it is noticed.",
        "      clear();\n      for i in 1..8 { r[i] = 0; }\n",
        "      clear();\n      for i in 1..8 { r[i] = 0; }\n    expect: [innocuous, not privileged]\n",
    ),
    code(
        "A009",
        "a supervisor call saves its own P",
        "A handler that returns to the saved P would execute the call again. Mostly a call goes on behind it; where the machine \
         is otherwise, say so in `notes:` of the instruction.",
        "    call:       {kind: program, saves: this}",
        "    call:       {kind: program, saves: next}",
    ),
    code(
        "A010",
        "a memory trap where the mode forbids something",
        "The definitions leave memory traps out of account, so a privilege check that raises one is not seen as a check. \
         It has to raise a trap of `kind: privilege`.",
        "      require mode == supervisor else trap(memory);\n      psw = mem[zext(a, 16); 4];",
        "      require mode == supervisor else trap(privileged);\n      psw = mem[zext(a, 16); 4];",
    ),
    code(
        "A011",
        "a comparison that is never true",
        "Comparisons take numbers without a sign, and none is below 0. `slt(x, 0)` compares with a sign.",
        "      flags.zero = sum < 0;",
        "      flags.zero = sum == 0;",
    ),
];
