//! Errors of files and of the text of semantics.

use super::{Code, code};

pub(super) const ALL: &[Code] = &[
    code(
        "L001",
        "a character that is no part of the language",
        "Names are letters, digits and `_`; comments begin with `//` or `#`. The message says which character it is.",
        "      r[d] = sum § 1;",
        "      r[d] = sum;",
    ),
    code(
        "L002",
        "this is not a number",
        "Numbers are 10, 0x1f, 0o17 and 0b101, with a width where the context does not say it: 5u36. A leading zero alone \
         is refused, because it means octal to some readers.",
        "    if x > 07 { return 7; }",
        "    if x > 7 { return 7; }",
    ),
    code(
        "L010",
        "something else was expected here",
        "The text does not follow the grammar; the message says what was expected and what stands there. Often a `;` or a \
         bracket is missing one line above, or `=` stands where `==` is meant.",
        "      require mode = supervisor else trap(privileged);\n      special[n] = r[d];",
        "      require mode == supervisor else trap(privileged);\n      special[n] = r[d];",
    ),
    code(
        "L011",
        "nested too deep, or too many operators",
        "There is a limit to the depth of nesting and to the operators of one statement, so that no text can exhaust the \
         program. Split the statement up with `let`.",
        "",
        "",
    ),
    code(
        "L012",
        "comparisons do not chain",
        "`0 < x < 4` would compare a bit with 4. Write both comparisons, with `&&` between them.",
        "    require 0 <= a < bound && base +^ a < cells(mem) else trap(memory);",
        "    require a < bound && base +^ a < cells(mem) else trap(memory);",
    ),
    code(
        "S000",
        "the file cannot be read",
        "There is no such file, it may not be read, or it is not UTF-8; the message says which.",
        "",
        "",
    ),
    code(
        "S001",
        "the specification is too large",
        "A specification has at most four million bytes.",
        "",
        "",
    ),
    code(
        "S002",
        "this is not YAML",
        "The file does not follow the rules of YAML: indentation, quotes, brackets, or a tab. A value with `: ` or `#` in it \
         needs quotes.",
        "title: A small machine: an example",
        "title: A small machine",
    ),
    code(
        "S003",
        "a key stands twice",
        "One of the two would be lost without a word, and an instruction with it. Rename one or remove it.",
        "  pc:    {role: P, width: 16}\n  pc:    {role: P, width: 16}\n",
        "  pc:    {role: P, width: 16}\n",
    ),
    code(
        "S004",
        "anchors, aliases, merge keys and tags are not allowed",
        "What stands in a specification should stand where it is read. An unquoted `!x`, `&x` or `*x` is taken for one of \
         these: quote it.",
        "  halted: !key",
        "  halted: \"key == 0xffff\"",
    ),
    code(
        "S005",
        "the file is empty",
        "A specification begins with `pgisa: 1` and `isa: name`.",
        "",
        "",
    ),
    code(
        "S006",
        "the version or the name is missing",
        "A specification begins with `pgisa: 1`, the version of the language, and `isa: name`.",
        "isa: example",
        "pgisa: 1\nisa: example",
    ),
    code(
        "S010",
        "a value of another form was expected",
        "A key wants a number, a text, a list or a mapping, and something else stands behind it.",
        "constants: [7]",
        "constants: {LIMIT: 7}",
    ),
    code(
        "S011",
        "a number was expected",
        "Numbers are 10, 0x1f, 0o17 and 0b101; a leading zero alone is refused.",
        "  pc:    {role: P, width: sixteen}",
        "  pc:    {role: P, width: 16}",
    ),
    code(
        "S012",
        "escapes in code",
        "Semantics in quotes with `\\` or doubled quotes could not be shown where they stand. Write a block: `|` and an \
         indented line.",
        "  unlisted: \"trap(\\x69llegal);\"",
        "  unlisted: \"trap(illegal);\"",
    ),
    code(
        "S013",
        "a word that is not known here",
        "Only certain words are allowed at this place; the message lists them or the closest one.",
        "  base:  {role: R, kind: relocatoin, width: 16}",
        "  base:  {role: R, kind: relocation, width: 16}",
    ),
    code(
        "S014",
        "a key that is not known here",
        "A misspelt key would be ignored without a word. The message names the keys that are known at this place.",
        "  halt: \"key == 0xffff\"",
        "  halted: \"key == 0xffff\"",
    ),
    code(
        "S015",
        "a control character in a text",
        "Texts are printed as they are, and control characters would change what a terminal does.",
        "title: \"A \\u001b machine\"",
        "title: A small machine",
    ),
    code(
        "S020",
        "the base cannot be extended",
        "`extends:` names a file relative to this one. It must exist, and no file may extend itself.",
        "pgisa: 1\nisa: mine\nextends: exampel.yaml\n",
        "pgisa: 1\nisa: mine\nextends: example.yaml\n",
    ),
    code(
        "S021",
        "this kind of patch is not possible here",
        "`patch: before` runs semantics before those of an existing instruction; everything else can be replaced or removed, \
         the machine section replaced only.",
        "pgisa: 1\nisa: mine\nextends: example.yaml\nstate:\n  pc: {patch: before, role: P, width: 16}\n",
        "pgisa: 1\nisa: mine\nextends: example.yaml\nstate:\n  pc: {patch: replace, role: P, width: 16}\n",
    ),
    code(
        "S022",
        "the base has this already",
        "Something of the same name stands in the base. Say what happens to it: `patch: before`, `replace` or `remove`.",
        "pgisa: 1\nisa: mine\nextends: example.yaml\ninstructions:\n  call: {encoding: \"0111 ------------\", semantics: \"trap(call);\"}\n",
        "pgisa: 1\nisa: mine\nextends: example.yaml\ninstructions:\n  call: {patch: replace, encoding: \"0111 ------------\", semantics: \"trap(call);\"}\n",
    ),
    code(
        "S023",
        "there is nothing of this name to patch",
        "`patch:` changes what the file named by `extends:` has. Correct the name, or leave `patch:` out to add something new.",
        "pgisa: 1\nisa: mine\nextends: example.yaml\ninstructions:\n  cal: {patch: remove}\n",
        "pgisa: 1\nisa: mine\nextends: example.yaml\ninstructions:\n  call: {patch: remove}\n",
    ),
];
