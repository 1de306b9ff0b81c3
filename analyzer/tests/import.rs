//! Importing the RISC-V Unified Database: a small folder written for these tests, and a whole one where there is one.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use analyzer::import::riscv_unified_db::{Choices, Imported, import};
use model::diagnostic::Sources;

/// The extensions of the small database.
const SMALL: &str = "I,Zicsr,Sm,U";

/// A copy of the small database, in a folder of its own.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import").join(name);
        let _ = fs::remove_dir_all(&folder);
        copy(Path::new("tests/import/database"), &folder);
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.join("spec/std/isa").join(file)
    }

    /// Replaces a piece of a file.
    fn change(&self, file: &str, from: &str, to: &str) -> &Self {
        let path = self.path(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
        self
    }

    /// Adds an instruction with these operands: xd, xs1, xs2 and imm, which has 5 bits.
    fn add(&self, name: &str, operation: &str) -> &Self {
        let lines: Vec<String> = operation.lines().map(|line| format!("  {line}\n")).collect();
        let text = format!(
            "kind: instruction\nname: {name}\nlong_name: a probe\ndefinedBy:\n  extension: {{name: I}}\nencoding:\n  \
             match: \"-------------------------1111111\"\n  variables:\n    - {{name: imm, location: 29-25}}\n    \
             - {{name: xs2, location: 24-20}}\n    - {{name: xs1, location: 19-15}}\n    - {{name: xd, location: 11-7}}\n\
             access: {{s: always, u: always, vs: always, vu: always}}\noperation(): |\n{}",
            lines.concat()
        );
        fs::write(self.path(&format!("inst/I/{name}.yaml")), text).unwrap();
        self
    }

    fn import(&self) -> Imported {
        let extensions = SMALL.split(',').map(str::to_owned).collect();
        import(&self.0, &Choices { extensions: Some(extensions), ..Choices::default() }).unwrap()
    }

    fn analyze(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
        command.current_dir(self.0.parent().unwrap());
        let extensions = ["--extensions", SMALL];
        command.args(arguments).args(extensions).output().unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (entry, target) = (entry.unwrap(), to);
        let (path, target) = (entry.path(), target.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

/// The semantics of an instruction of an imported specification.
fn semantics(text: &str, name: &str) -> String {
    let at = text.find(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no {name}"));
    let rest = &text[at..];
    let begin = rest.find("    semantics: ").unwrap() + "    semantics: ".len();
    let lines = rest[begin..]
        .lines()
        .take_while(|line| line.starts_with("      ") || *line == "|" || line.starts_with('"'));
    lines.filter(|line| *line != "|").map(str::trim).collect::<Vec<_>>().join(" ")
}

fn loaded(it: &Imported) -> model::Loaded {
    let open = |_: &str| Ok(it.text.clone());
    let mut sources = Sources::default();
    model::load("imported.yaml", &open, &mut sources).unwrap_or_else(|errors| {
        let texts: Vec<String> =
            errors.iter().take(12).map(|it| it.render(&sources, false)).collect();
        panic!("{} errors:\n{}", errors.len(), texts.join("\n"))
    })
}

/// Each operation, and what it is in our language: widths are those of IDL.
const OPERATIONS: &[(&str, &str)] = &[
    ("X[xd] = X[xs1] & ~64'hF;", "set(xd, x[xs1] & 0xfffffffffffffff0);"),
    ("X[xd] = 1 + 1;", "set(xd, 0);"),
    ("X[xd] = 1 `+ 1;", "set(xd, 2);"),
    ("X[xd] = 1 << 1;", "set(xd, 0);"),
    ("X[xd] = 1 `<< 3;", "set(xd, 8);"),
    ("X[xd] = $signed(imm);", "set(xd, sext(imm, 64));"),
    ("X[xd] = imm;", "set(xd, zext(imm, 64));"),
    ("X[xd] = -1s;", "set(xd, 0xffffffffffffffff);"),
    ("X[xd] = -4'd13;", "set(xd, 3);"),
    (
        "Bits<32> a = X[xs1][31:0];\nX[xd] = $signed(a + a);",
        "let a = x[xs1][31:0]; set(xd, sext(a + a, 64));",
    ),
    ("X[xd] = {2{X[xs1][0]}};", "set(xd, zext(sext(x[xs1][0], 2), 64));"),
    ("X[xd] = {2'b01, imm};", "set(xd, zext(1u2 :: imm, 64));"),
    ("X[xd] = imm / 32;", "set(xd, 0);"),
    (
        "X[xd] = $signed(X[xs1]) < $signed(imm) ? 1 : 0;",
        "set(xd, zext(slt(x[xs1], sext(imm, 64)) ? 1u1 : 0u1, 64));",
    ),
    ("X[xd] = X[xs1] >>> imm;", "set(xd, sar(x[xs1], imm));"),
    ("X[xd] = sext(X[xs1], 32);", "set(xd, sext(x[xs1][31:0], 64));"),
    ("X[xd] = (X[xs1] * X[xs2])[63:0];", "set(xd, x[xs1] * x[xs2]);"),
    (
        "XReg n = 0;\nfor (U32 i = 0; i < 2; i++) {\n  if (X[xs1][i] == 1) {\n    n = n + 1;\n  }\n}\nX[xd] = n;",
        "let n = 0u64; if x[xs1][0] == 1 { n = n + 1; } if x[xs1][1] == 1 { n = n + 1; } set(xd, n);",
    ),
    ("if (xlen() == 32) {\n  X[xd] = 1;\n} else {\n  X[xd] = 2;\n}", "set(xd, 2);"),
    ("$pc = $pc + imm;", "pc = pc - 4 + zext(imm, 64);"),
    ("CSR[mstatus].MIE = 1;", "mstatus.mie = 1;"),
    ("X[xd] = CSR[mstatus].MPP;", "set(xd, zext(mstatus.mpp, 64));"),
    ("X[0] = 1;", "\"\""),
    (
        "raise(ExceptionCode::IllegalInstruction, mode(), $encoding) if (X[xs1] == 0);",
        "if x[xs1] == 0 { trap(IllegalInstruction); }",
    ),
];

#[test]
fn operations_are_translated_by_the_widths_of_idl() {
    let database = Copy::new("operations");
    for (i, (operation, _)) in OPERATIONS.iter().enumerate() {
        database.add(&format!("probe{i}"), operation);
    }
    let imported = database.import();
    assert_eq!(imported.counts.failed(), 0, "{}", imported.counts.text());
    let wrong: Vec<String> = (OPERATIONS.iter().enumerate())
        .map(|(i, (operation, wanted))| {
            (operation, semantics(&imported.text, &format!("probe{i}")), wanted)
        })
        .filter(|(_, found, wanted)| found != *wanted)
        .map(|(operation, found, wanted)| format!("{operation}\n  is {found}\n  not {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    loaded(&imported);
}

/// What is wrong with an operation: the code, and the line of the operation.
const WRONG: &[(&str, &str, usize)] = &[
    ("X[xd] = §;", "U010", 1),
    ("X[xd] = 8'hfff0 +;", "U011", 1),
    ("X[xd] = 1;\nX[xd] = 4'hff;", "U022", 2),
    ("X[xd] = nobody(X[xs1]);", "U021", 1),
    ("X[xd] = X[xs1][64];", "U022", 1),
    ("if (X[xs1]) {\n  X[xd] = 1;\n}", "U022", 1),
    ("X[xd] = $signed(X[xs1]) < X[xs2] ? 1 : 0;", "U022", 1),
    ("X[xd] = 1;\nX[xd] = CSR[nobody].FIELD;", "U023", 2),
    ("X[xd] = CSR[mstatus].NOBODY;", "U023", 1),
    ("X[xd] = NOBODY;", "U021", 1),
    ("X[xd] = X[xs1][imm:0];", "U021", 1),
];

#[test]
fn what_is_wrong_with_an_operation_is_said_at_its_line_and_the_rest_goes_on() {
    let database = Copy::new("wrong");
    for (i, (operation, ..)) in WRONG.iter().enumerate() {
        database.add(&format!("probe{i}"), operation);
    }
    let imported = database.import();
    for (i, (operation, code, line)) in WRONG.iter().enumerate() {
        let file = format!("probe{i}.yaml");
        let of = |it: &&model::diagnostic::Diagnostic| {
            it.span.is_some_and(|span| {
                imported.sources.files[span.file as usize].path.ends_with(&file)
            })
        };
        let found: Vec<_> = imported.found.iter().filter(of).collect();
        let [one] = &found[..] else { panic!("{operation}: {found:?}") };
        let (at, _) = imported.sources.position(one.span.unwrap());
        assert_eq!((one.code, at - 14), (*code, *line), "{operation}: {}", one.message);
        assert_eq!(semantics(&imported.text, &format!("probe{i}")), "\"unknown;\"", "{operation}");
    }
    assert_eq!(imported.counts.failed(), WRONG.len());
    assert_eq!(imported.counts.translated, 9);
    loaded(&imported);
}

#[test]
fn a_file_that_cannot_be_read_is_one_diagnostic() {
    let database = Copy::new("files");
    database.change("inst/I/addi.yaml", "kind: instruction", "kind: [instruction");
    database.change("inst/I/and.yaml", "location: 24-20", "location: a-b");
    database.change(
        "csr/mscratch.yaml",
        "location_rv64: 63-0, type: RW",
        "location_rv64: 63-0, alias: mscratch.SCRATCH, type: RW",
    );
    let imported = database.import();
    let codes: Vec<&str> = imported.found.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["U002", "U004", "U005"], "{:?}", imported.found);
    assert_eq!(imported.counts.translated, 8);
    loaded(&imported);
}

#[test]
fn what_the_database_says_is_zero_is_zero_and_a_lint_says_so() {
    let database = Copy::new("lints");
    database
        .add("mask", "X[xd] = X[xs1] & ~0xF;")
        .add("shift", "X[xd] = X[xs1] & ~(1 << X[xs2][5:0]);");
    let imported = database.import();
    assert_eq!(semantics(&imported.text, "mask"), "set(xd, 0);");
    let codes: Vec<&str> = imported.found.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["U101", "U101"]);
}

#[test]
fn the_command_writes_a_file_whole_or_not_at_all() {
    let database = Copy::new("command");
    let folder = database.0.file_name().unwrap().to_str().unwrap().to_owned();
    let written = database.0.parent().unwrap().join("command.yaml");
    let _ = fs::remove_file(&written);
    let run = |arguments: &[&str]| database.analyze(arguments).status.code();
    assert_eq!(run(&["import", "riscv-unified-db", &folder, "-o", "command.yaml"]), Some(0));
    assert!(fs::read_to_string(&written).unwrap().starts_with("pgisa: 1\n"));
    // It is not written over.
    assert_eq!(run(&["import", "riscv-unified-db", &folder, "-o", "command.yaml"]), Some(2));
    assert_eq!(
        run(&["import", "riscv-unified-db", &folder, "-o", "command.yaml", "--force"]),
        Some(0)
    );
    // Something is unknown.
    database.add("probe", "X[xd] = nobody();");
    assert_eq!(run(&["import", "riscv-unified-db", &folder]), Some(3));
    // Nothing of it is a database.
    fs::create_dir_all(database.0.parent().unwrap().join("empty/inst")).unwrap();
    assert_eq!(run(&["import", "riscv-unified-db", "empty", "-o", "empty.yaml"]), Some(2));
    assert!(!database.0.parent().unwrap().join("empty.yaml").exists());
    assert_eq!(run(&["import", "riscv-unified-db", "nowhere"]), Some(2));
}

#[test]
fn an_instruction_that_reads_a_machine_register_fails_the_gate_at_its_file() {
    let database = Copy::new("gate");
    let folder = database.0.file_name().unwrap().to_str().unwrap().to_owned();
    let baseline = database.0.parent().unwrap().join("gate.json");
    let _ = fs::remove_file(&baseline);
    let first = database.analyze(&[
        "check",
        &folder,
        "--write-baseline",
        "gate.json",
        "--format",
        "concise",
    ]);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stdout));
    database.add("rdstatus", "X[xd] = $bits(CSR[mstatus]);");
    let gate =
        ["check", &folder, "--baseline", "gate.json", "--require", "vmm", "--format", "github"];
    let failed = database.analyze(&gate);
    let text = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{text}");
    assert!(text.contains("inst/I/rdstatus.yaml,line=2"), "{text}");
    database.add("rdstatus", "if (mode() != PrivilegeMode::M) {\n  raise(ExceptionCode::IllegalInstruction, mode(), $encoding);\n}\nX[xd] = $bits(CSR[mstatus]);");
    database.change("inst/I/rdstatus.yaml", "u: always", "u: never");
    let passed = database.analyze(&gate);
    assert_eq!(passed.status.code(), Some(0), "{}", String::from_utf8_lossy(&passed.stdout));
}

#[test]
fn what_is_declared_and_not_checked_is_a_finding_with_a_state() {
    let database = Copy::new("declared");
    let folder = database.0.file_name().unwrap().to_str().unwrap().to_owned();
    database.change(
        "inst/S/mret.yaml",
        "mode() != PrivilegeMode::M",
        "mode() == PrivilegeMode::VU",
    );
    let code = database.analyze(&["check", &folder, "--format", "reports"]);
    let text = String::from_utf8_lossy(&code.stdout).into_owned();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let findings = json["reports"][0]["findings"].as_array().unwrap();
    let declared: Vec<_> = findings.iter().filter(|it| it["code"] == "V012").collect();
    assert_eq!(declared.len(), 1, "{findings:?}");
    let message = declared[0]["message"].as_str().unwrap();
    assert!(message.starts_with("mret: `access:` says never in user mode, and its code may do otherwise: completes: mret"), "{message}");
    assert!(
        declared[0]["at"]["file"].as_str().unwrap().ends_with("inst/S/mret.yaml"),
        "{declared:?}"
    );
    assert_eq!(declared[0]["at"]["line"], 9, "{declared:?}");
    // With the declaration as a guard nothing is left to find.
    let guarded = database.analyze(&[
        "check",
        &folder,
        "--reading",
        "declared",
        "--require",
        "vmm",
        "--format",
        "concise",
    ]);
    assert_eq!(guarded.status.code(), Some(0), "{}", String::from_utf8_lossy(&guarded.stdout));
}

// ---- A whole database ----

/// A folder with a whole database: named by the environment, or unpacked from an archive beside the project.
fn whole() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("RISCV_UNIFIED_DB") {
        return Some(folder.into());
    }
    let archive = PathBuf::from("../../shared/corpora/riscv-unified-db/data.tar.xz");
    if !archive.exists() {
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("riscv-unified-db");
    fs::create_dir_all(&folder).unwrap();
    let unpacked = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&folder).status();
    unpacked.is_ok_and(|it| it.success()).then_some(folder)
}

/// All extensions of the corpus whose instructions need no floating point.
const ALL: &str = "I,M,A,B,C,Zba,Zbb,Zbs,Zbkb,Zbc,Zcb,Zicsr,Zifencei,Zicntr,Zihintpause,Zicond,Zicbom,Zicbop,Zicboz,Zawrs,\
                   Sm,S,U,H,Sv39,Sv48,Svinval,Smrnmi,Sdext";

#[test]
fn of_a_whole_database_nearly_everything_is_translated() {
    let Some(folder) = whole() else { return };
    let extensions = Some(ALL.split(',').map(str::to_owned).collect());
    let standard = import(&folder, &Choices { extensions, ..Choices::default() }).unwrap();
    let custom = folder.join("cfgs/qc_iu.yaml").display().to_string();
    let vendor =
        import(&folder, &Choices { configuration: Some(custom), ..Choices::default() }).unwrap();
    for imported in [&standard, &vendor] {
        let counts = &imported.counts;
        let with_code = counts.translated + counts.failed();
        assert!(counts.translated * 100 >= with_code * 95, "{}", counts.text());
        loaded(imported);
    }
}
