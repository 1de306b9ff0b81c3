//! The assembler against specifications: what it writes decodes to what was meant, what is wrong is
//! said where it stands, and no text breaks it.

use model::bits::mask;
use model::diagnostic::{Diagnostic, Sources};
use model::interp::operand_condition;
use model::isa::{Class, Endian, Isa};
use proptest::prelude::*;
use refvmm::asm::{Image, assemble, disassemble};
use refvmm::decode::{Decoded, decode, encode_cells};

fn load(name: &str) -> Isa {
    let path = format!("{}/../isa-specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    model::load(&path, &open, &mut Sources::default()).expect("the specification loads").isa
}

fn image(isa: &Isa, text: &str) -> Image {
    let mut sources = Sources::default();
    assemble(isa, "test.s", text, &mut sources).unwrap_or_else(|errors| {
        let all: Vec<_> = errors.iter().map(|e| e.render(&sources, false)).collect();
        panic!("{}", all.join("\n"))
    })
}

fn cells(isa: &Isa, text: &str) -> Vec<u128> {
    image(isa, text).cells.into_values().collect()
}

fn errors(isa: &Isa, text: &str) -> Vec<Diagnostic> {
    assemble(isa, "test.s", text, &mut Sources::default()).expect_err("the text is refused")
}

/// Pseudo-random numbers from one seed.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
    }

    fn operands(&mut self, class: &Class) -> Option<Vec<u128>> {
        (0..200).find_map(|_| {
            let value = |o: &model::isa::Operand| match (o.fixed, self.next() % 4) {
                (Some(value), _) => value,
                (None, 0) => mask(o.width),
                (None, _) => u128::from(self.next()) & mask(o.width),
            };
            let values: Vec<u128> = class.operands.iter().map(value).collect();
            class.when.as_ref().is_none_or(|w| operand_condition(w, &values)).then_some(values)
        })
    }
}

/// The bundled specifications all of whose instructions have an encoding.
fn with_encodings() -> Vec<String> {
    let files = std::fs::read_dir(format!("{}/../isa-specs", env!("CARGO_MANIFEST_DIR")));
    let paths = files.expect("the folder is there").map(|it| it.expect("it is listed").path());
    let names = paths.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    let names = names.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| load(name).classes.iter().all(|class| class.pattern.is_some()))
        .collect();
    names.sort();
    assert!(names.len() > 10, "{names:?}");
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Disassembled and assembled again, every class of every machine is itself.
    #[test]
    fn assembling_inverts_disassembling(seed: u64) {
        for name in with_encodings() {
            let isa = load(&name);
            let mut stream = Stream(seed);
            let mut meant = Vec::new();
            for (class, it) in isa.classes.iter().enumerate().filter(|(_, c)| c.pattern.is_some()) {
                // Of a narrow case no operands may be found.
                let Some(operands) = stream.operands(it) else { continue };
                meant.push(Decoded { class, operands });
            }
            let text: Vec<String> = meant.iter().map(|d| disassemble(&isa, d)).collect();
            let image = image(&isa, &text.join("\n"));
            prop_assert_eq!(image.lines.len(), meant.len());
            for ((address, line), meant) in image.lines.iter().zip(&meant) {
                let class = &isa.classes[meant.class];
                let width = isa.storage.width;
                let cells: Vec<u128> =
                    (*address..*address + class.length).map(|a| image.cells[&a]).collect();
                let encoded = encode_cells(&isa, class, &meant.operands);
                prop_assert_eq!(Some(&cells), encoded.as_ref());
                let join = |word: u128, cell: &u128| word << width | cell;
                let word = match isa.endian {
                    Endian::Big => cells.iter().fold(0, join),
                    Endian::Little => cells.iter().rev().fold(0, join),
                };
                let decoded = decode(&isa, word, width * class.length as u32);
                prop_assert_eq!(decoded.as_ref(), Some(meant), "{}: {}", name, text[line - 1]);
            }
        }
    }

    /// Mutilated programs are assembled or refused, never more.
    #[test]
    fn no_text_breaks_it(seed: u64) {
        let isa = load("g3");
        let mut stream = Stream(seed);
        for _ in 0..60 {
            let mut text = PROGRAM.as_bytes().to_vec();
            let strange = "\"'().:;,=-><~%/\\ \n\r\t09azré".as_bytes();
            for _ in 0..=stream.next() % 4 {
                if text.is_empty() {
                    break;
                }
                let at = stream.next() as usize % text.len();
                let from = stream.next() as usize % text.len();
                let length = stream.next() as usize % 12;
                match stream.next() % 5 {
                    0 => text.truncate(at + 1),
                    1 => text[at] = strange[stream.next() as usize % strange.len()],
                    2 => drop(text.drain(at..(at + length).min(text.len()))),
                    3 => {
                        let piece = text[from..(from + length).min(text.len())].to_vec();
                        text.splice(at..at, piece);
                    }
                    _ => text[at] = stream.next() as u8,
                }
            }
            let text = String::from_utf8_lossy(&text);
            let mut sources = Sources::default();
            if let Err(found) = assemble(&isa, "test.s", &text, &mut sources) {
                prop_assert!(!found.is_empty());
                let shown: usize = found.iter().map(|d| d.render(&sources, true).len()).sum();
                prop_assert!(shown > 0);
            }
        }
    }
}

const PROGRAM: &str = r#"
size = 3                        ; a comment with "quotes' and ;
        .equ  step, -1          // another one
        .org  8
start:  li    r1, size
loop:   addi  r1, R1, step
        BNE   r1, r0, ->loop
        sw    r1, table - 1 (r0)
        jmp   end
table:  .word 1, 'a', table + size * 2, ~0, 0x1f | 0b100 << 4, -(7 / 2) % 2
        .data 2: 0x1122334455667788
        .string "a;\"\n"
        .ascii "\x41\\"
        .space 2, 0xff
        .align 16
end: stop: halt
        .entry start
"#;

#[test]
fn every_statement_does_what_it_says() {
    let isa = load("g3");
    let image = image(&isa, PROGRAM);
    assert_eq!(image.entry, Some(8));
    let labels: Vec<_> = image.labels.iter().map(|(n, a)| (n.as_str(), *a)).collect();
    assert_eq!(labels, [("end", 32), ("loop", 9), ("start", 8), ("stop", 32), ("table", 13)]);
    let found: Vec<u128> = image.cells.values().copied().collect();
    let minus = |n: u32| u128::from(n.wrapping_neg());
    let all = [
        0x0320_0003,
        0x0824_ffff,
        0x1604_fffe,
        0x0220_000c,
        0x1800_0020, // start to table
        1,
        97,
        19,
        minus(1),
        0x5f,
        minus(1),
        0x1122_3344,
        0x5566_7788,
        97,
        59,
        34,
        10,
        0,
        0x41,
        0x5c,
        0xff,
        0xff,
        0x2000_0000,
    ];
    assert_eq!(found, all);
    assert_eq!(image.cells.keys().next_back(), Some(&32));
    assert_eq!((image.lines[&8], image.lines[&32]), (5, 16));
    assert_eq!(image, self::image(&isa, &PROGRAM.replace('\n', "\r\n")));
}

#[test]
fn distances_count_from_the_next_instruction() {
    let g3 = load("g3");
    assert_eq!(cells(&g3, "beq r1, r2, ->.")[0] & 0xffff, 0xffff);
    assert_eq!(cells(&g3, "beq r1, r2, ->x\n.word 1, 2\nx:")[0] & 0xffff, 2);
    assert_eq!(cells(&g3, "x: .word 1\nbeq r1, r2, x - . - 1")[1] & 0xffff, 0xfffe);
    // The 68000 counts from the displacement, two bytes into the instruction.
    let m68000 = load("m68000");
    assert_eq!(cells(&m68000, "x: nop\nbra ->x + 2"), [0x4e, 0x71, 0x60, 0x00, 0xff, 0xfc]);
}

#[test]
fn cases_are_chosen_by_their_operands() {
    let isa = load("pdp10");
    for (f, name) in [(0, "jrst[0]"), (1, "jrst[1]"), (4, "jrst[4]"), (9, "jrst[other]")] {
        let word = cells(&isa, &format!("JRST {f}, 0, ac2, 0o140"))[0];
        let decoded = decode(&isa, word, 36).expect("an instruction");
        assert_eq!(isa.classes[decoded.class].name, name);
        assert_eq!(decoded.operands, [f, 0, 2, 0o140]);
        assert_eq!(disassemble(&isa, &decoded), format!("jrst {f}, 0, ac2, 0x60"));
    }
}

#[test]
fn registers_are_shown_where_operands_index_one_file() {
    let shown = |isa: &Isa, text: &str, width: u32| {
        let word = cells(isa, text).iter().fold(0, |w, c| w << isa.storage.width | c);
        disassemble(isa, &decode(isa, word, width).expect("an instruction"))
    };
    let g3 = load("g3");
    assert_eq!(shown(&g3, "lw 1, -1(2)", 32), "lw r1, 0xffff(r2)");
    assert_eq!(shown(&g3, "svc 5", 32), "svc 5");
    let m68010 = load("m68010");
    assert_eq!(shown(&m68010, "move_load an3, dn4", 16), "move_load an3, dn4");
    assert_eq!(shown(&m68010, "movec_to 1, an2, 0x801", 32), "movec_to 1, 2, 0x801");
    assert_eq!(shown(&load("pdp10"), "move 1, 0, 2, 3", 36), "move ac1, 0, ac2, 3");
}

/// Forms that no bundled machine has: other marks and words, none at all, two lengths, little endian.
const FORMS: &str = r#"
pgisa: 1
isa: forms
title: Assembler forms of all kinds
endian: little
state:
  mem: {role: E, width: 8, cells: 256}
  gr:  {role: E, width: 8, count: 4}
  pc:  {role: P, width: 8}
machine:
  modes: []
  address: "return phys[a];"
  address-width: 8
  traps: {}
  unlisted: unpredictable
  reset: "pc = 0;"
instructions:
  load:
    encoding: "0001 d[2] s[2]"
    syntax: "Move.L (s)+, -@d"
    semantics: "gr[d] = mem[gr[s]];"
  load_imm:
    encoding: "0010 00 d[2] imm[8]"
    syntax: "move.l #imm to d"
    semantics: "gr[d] = imm;"
  twice:
    encoding: "0011 d[2] --"
    syntax: "twice d, d"
    semantics: "gr[d] = gr[d] + gr[d];"
  near:
    encoding: "0100 a[4]"
    syntax: "go a"
    semantics: "pc = zext(a, 8);"
    cases:
      low: {when: "a < 8"}
      top: {when: "a >= 12"}
  far:
    encoding: "0101 ---- a[7:0] b[8]"
    semantics: "pc = a + b;"
  page:
    encoding: "0110 a[4]"
    semantics: "pc = pc[7:4] :: a;"
"#;

#[test]
fn every_sort_of_form_is_read() {
    let open = |_: &str| Ok(FORMS.to_owned());
    let loaded = model::load("forms.yaml", &open, &mut Sources::default());
    let isa = loaded.expect("the specification loads").isa;
    // Little endian: the last byte of the encoding comes first.
    for (text, shown, expected) in [
        ("MOVE.l (gr2)+, -@ gr1", "Move.L (gr2)+, -@gr1", vec![0x16]),
        ("move.l # -1 TO 3", "move.l #0xff to gr3", vec![0xff, 0x23]),
        ("twice gr2, 1 + 1", "twice gr2, gr2", vec![0x38]),
        ("go 0xf", "go 0xf", vec![0x4f]),
        ("GO 9", "go 9", vec![0x49]),
        // Neither an address nor a distance: nothing is refused.
        ("x: page x", "page 0", vec![0x60]),
        ("x: page ->x + 2", "page 1", vec![0x61]),
        ("far 1, 'b'", "far 1, 0x62", vec![0x62, 1, 0x50]),
    ] {
        assert_eq!(cells(&isa, text), expected, "{text}");
        let word = expected.iter().rev().fold(0, |word, cell| word << 8 | cell);
        let decoded = decode(&isa, word, 8 * expected.len() as u32).expect("an instruction");
        assert_eq!(disassemble(&isa, &decoded), shown);
    }
    assert_eq!(cells(&isa, ".data 3: 0x112233, -2"), [0x33, 0x22, 0x11, 0xfe, 0xff, 0xff]);
    for (text, code, message) in [
        ("twice gr1, gr2", "P023", "`twice` does not take these operands"),
        ("move.l (gr2)-, -@gr1", "P010", "expected `+`, found `-`"),
        ("move.l 3", "P010", "expected `(`, found a number"),
        (".data 17: 0", "P022", "a value has 128 bits at most, not 136"),
        (".ascii \"\u{153}\"", "P022", "'\u{153}' does not fit a cell of 8 bits"),
    ] {
        let found = errors(&isa, text);
        assert_eq!((found[0].code, found[0].message.as_str()), (code, message), "{text}");
    }
}

#[test]
fn errors_have_a_place_and_a_reason() {
    let isa = load("g3");
    let cases = [
        ("li r1, 017", "P002", "`017` is not a number"),
        ("li r1, (2", "P010", "expected `)`, found the end of the line"),
        ("lw r1, 4[r2]", "P010", "expected `(`, found `[`"),
        ("lw r1, 4(r2) 5", "P010", "expected the end of the line, found a number"),
        ("adi r1, r1, 1", "P020", "there is no instruction `adi`"),
        (".wrod 1", "P021", "there is no directive `.wrod`"),
        ("li r1, 65536", "P022", "65536 does not fit 16 bits"),
        ("li r1, -32769", "P022", "-32769 does not fit 16 bits"),
        ("mov 8, r1", "P022", "8 does not fit 3 bits"),
        (".word 1 << 32", "P022", "4294967296 does not fit 32 bits"),
        ("li r1, r2", "P024", "`imm` is a number, not a register"),
        ("li r1, r2 + 1", "P024", "a register stands where a number is expected"),
        (".word r2", "P024", "a register stands where a number is expected"),
        ("a: jmp ->a", "P025", "`imm` of `jmp` is an address, not a distance"),
        ("a: call r6, ->a + 1", "P025", "`imm` of `call` is an address, not a distance"),
        ("a: bne r1, r0, a", "P025", "`imm` of `bne` is a distance, not an address"),
        ("r3: halt", "P030", "`r3` is the name of a register"),
        ("a: halt\na = 2", "P031", "`a` is defined twice"),
        ("jmp r9", "P032", "`r9` is not defined"),
        ("a = b\nb = a\njmp a", "P033", "`a` is defined by itself, or through too many names"),
        (".space a\na: halt", "P034", "`a` is not known yet"),
        (".word 1 / 0", "P035", "the operation has no result"),
        (".word 1 << 127", "P035", "the operation has no result"),
        (".align 0", "P040", "0 is not a number of cells from 1 to 65536"),
        (".org 65537", "P040", "65537 is not an address from 0 to 65536"),
        (".org 65535\n.word 1, 2", "P041", "storage has 65536 cells only"),
        (".word 1, 2\n.org 1\nhalt", "P043", "cells 1 to 1 are taken"),
        (".org 1\nhalt\n.org 0\n.space 3", "P043", "cells 0 to 2 are taken"),
    ];
    for (text, code, message) in cases {
        let found = errors(&isa, text);
        let found: Vec<_> = found.iter().map(|d| (d.code, d.message.as_str())).collect();
        assert!(found.contains(&(code, message)), "{text}: {found:?}");
    }
}

#[test]
fn all_errors_of_a_text_are_found() {
    let found = errors(&load("g3"), "mvo r1, r2\nx: li r1, y\nsvc\n.org 99999");
    let found: Vec<_> = found.iter().map(|d| d.code).collect();
    assert_eq!(found, ["P020", "P032", "P010", "P040"]);
}

#[test]
fn errors_show_their_line_and_what_would_be_right() {
    let isa = load("g3");
    let text = "        li r1, lop\nloop:   lw r1, r2\n";
    let mut sources = Sources::default();
    let found = assemble(&isa, "test.s", text, &mut sources).expect_err("the text is refused");
    let shown: Vec<_> = found.iter().map(|e| e.render(&sources, false)).collect();
    let expected = "\
error[P032]: `lop` is not defined
 --> test.s:1:16
  |
1 |         li r1, lop
  |                ^^^
  |
  = help: did you mean `loop`?
error[P010]: expected `(`, found the end of the line
 --> test.s:2:18
  |
2 | loop:   lw r1, r2
  |                  ^ expected `(`
  |
  = help: it is written `lw d, imm(s)`";
    assert_eq!(shown.join("\n"), expected);
}

#[test]
fn hostile_texts_are_refused_soon() {
    let start = std::time::Instant::now();
    let isa = load("m68000");
    let chain = |up: bool| {
        let link =
            |i: u32| format!("a{} = a{i} + a{i}", if up { i + 1 } else { i.wrapping_sub(1) });
        let links: Vec<String> = (1..5000).map(link).collect();
        links.join("\n")
    };
    let texts = [
        format!(".word {}1", "(".repeat(100_000)),
        format!(".word {}1", "-".repeat(100_000)),
        format!(".word {}1", "~(".repeat(100_000)),
        format!(".word {}", "1 + ".repeat(100_000)),
        ".space 16777216".into(),
        ".space 1 << 120".into(),
        ".space 1000000\n.space 1000000".into(),
        format!("{}\n.word a5000", chain(true)),
        format!("{}\n.word a0", chain(false)),
        (0..50_000).map(|i| format!("lable{i}: lbael{i} 1")).collect::<Vec<_>>().join("\n"),
        "x\n".repeat(600_000),
        format!("{}:\n.word {0}y", "x".repeat(400_000)),
    ];
    for text in texts {
        let found = errors(&isa, &text);
        assert!((1..=100).contains(&found.len()));
    }
    let sum = format!(".word {}0", "1 + ".repeat(200));
    assert_eq!(image(&isa, &sum).cells[&0], 200);
    assert!(start.elapsed().as_secs() < 20);
}
