//! What is found in databases of other languages that are imported. Their examples are the importers' tests.

use super::{Code, code};

pub(super) const ALL: &[Code] = &[
    code(
        "U001",
        "a file of the database cannot be read",
        "It is not there, too large or not UTF-8. The rest of the database is read.",
        "",
        "",
    ),
    code(
        "U002",
        "a file of the database is no YAML",
        "What stands in it is missed; the rest of the database is read.",
        "",
        "",
    ),
    code(
        "U003",
        "a part that is inherited is not there",
        "`$inherits:` names a file or a key of it that the folder does not have. An instruction whose encoding is missing \
         for this reason is translated by its code, with its operands as numbers of registers.",
        "",
        "",
    ),
    code(
        "U004",
        "a record of the database is not complete",
        "A key is missing, or its value has not the form that the database's schemas ask for. The record is missed.",
        "",
        "",
    ),
    code(
        "U005",
        "a field is an alias of itself",
        "`alias:` says which field keeps the bits. Following it leads back to where it began, so nobody does.",
        "",
        "",
    ),
    code(
        "U010",
        "a character or number that is no part of IDL",
        "The operation is unknown. IDL has C-style and Verilog-style numbers of at most 128 bits here.",
        "",
        "",
    ),
    code(
        "U011",
        "something else was expected in a text of IDL",
        "The text does not follow the grammar of IDL, and the operation is unknown. The message says what was expected.",
        "",
        "",
    ),
    code(
        "U020",
        "a construct of IDL that is not supported",
        "The importer has no translation for it. The operation is unknown, which is never counted as proved.",
        "",
        "",
    ),
    code(
        "U021",
        "a function, name or extent that is not known at import",
        "The function is neither in the database nor modelled, or which bits, register or rounds are meant depends on the \
         state. The operation is unknown.",
        "",
        "",
    ),
    code(
        "U022",
        "types or widths of IDL that do not fit",
        "By the rules of IDL this is an error: a bit that a value does not have, a Boolean where bits are wanted, a signed \
         value compared with an unsigned one. The operation is unknown.",
        "",
        "",
    ),
    code(
        "U023",
        "a CSR or field that the database does not have",
        "The text names it, and no file describes it. The operation is unknown.",
        "",
        "",
    ),
    code(
        "U024",
        "a parameter without a value",
        "The text asks for a parameter that the configuration does not set. Boolean parameters stay open; of others a \
         value is needed: add it under `params:` of the configuration.",
        "",
        "",
    ),
    code(
        "U025",
        "the type of a field is not settled",
        "`type()` or `reset_value()` of a field depends on state, so it is not known who writes the field.",
        "",
        "",
    ),
    code(
        "U101",
        "a literal that comes to zero",
        "A C-style literal of IDL is only as wide as it has to be, so its complement, or the literal shifted to the left, is \
         zero. That is what the database says; it is hardly what is meant. Say the width: `~64'hf`.",
        "",
        "",
    ),
    code(
        "U103",
        "code that may end without a value",
        "On some way no `return` is reached. What happens there is unknown.",
        "",
        "",
    ),
    code(
        "U104",
        "a write to a read-only field",
        "The operation assigns to a field that has the type RO under this configuration. Nothing is written.",
        "",
        "",
    ),
    code(
        "U105",
        "software reads another CSR",
        "`sw_read()` of a CSR gives the bits of a CSR that none of its fields is an alias of. Its name and number say otherwise.",
        "",
        "",
    ),
    code(
        "U106",
        "a field that is read at another place",
        "`sw_read()` of a CSR shifts a field to other bits than `location:` says.",
        "",
        "",
    ),
    code(
        "U107",
        "the number of a CSR says something else",
        "Bits 9 and 8 of the number say the least mode that may access a CSR, bits 11 and 10 whether it can be written. `priv_mode:` or `writable:` says something else.",
        "",
        "",
    ),
    code(
        "U108",
        "a field outside its register, or over another",
        "A field has bits that its register has not, or that belong to another field.",
        "",
        "",
    ),
    code(
        "U110",
        "a number of a register that wraps",
        "The sum that numbers a register is only as wide as its operands, so behind 31 comes 0.",
        "",
        "",
    ),
    code(
        "U111",
        "a return from a trap that forgets something",
        "On one way the instruction sets the mode and on another it does not, or it leaves a field as it is that most other returns clear.",
        "",
        "",
    ),
    code(
        "U113",
        "declared, and without code",
        "`access:` says when the instruction executes, and `operation()` is empty. What it does is unknown.",
        "",
        "",
    ),
    code(
        "U114",
        "a trap that is prose alone",
        "By the description of a field something traps where it is set. The code of what traps never looks at the field.",
        "",
        "",
    ),
];
