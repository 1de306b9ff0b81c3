//! Forged, damaged and foreign certificates are rejected.

use std::path::{Path, PathBuf};

use analyzer::Options;
use analyzer::certificate::{Verified, prove, verify};
use model::diagnostic::Sources;
use model::isa::{Isa, Profile};
use serde_json::Value;

const OPTIONS: Options<'_> = Options { profile: Profile::Refined, pair: None, timeout: None };
const SPEC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../proptests/small/g3-small.yaml");

fn load(change: impl Fn(String) -> String) -> Option<(Isa, Sources)> {
    let mut sources = Sources::default();
    let open = |path: &str| std::fs::read_to_string(path).map(&change).map_err(|e| e.to_string());
    model::load(SPEC, &open, &mut sources).ok().map(|loaded| (loaded.isa, sources))
}

/// A certificate in a directory of its own.
struct Certificate {
    isa: Isa,
    sources: Sources,
    directory: PathBuf,
    manifest: String,
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Certificate {
    fn new(name: &str) -> Self {
        Self::of(name, |text| text)
    }

    /// Of a specification that was changed.
    fn of(name: &str, change: impl Fn(String) -> String) -> Self {
        Self::by(name, change, OPTIONS)
    }

    /// Of what the options ask for.
    fn by(name: &str, change: impl Fn(String) -> String, options: Options<'_>) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificate-{name}"));
        let _ = std::fs::remove_dir_all(&directory);
        let (isa, sources) = load(change).expect("the specification loads");
        prove(&isa, &sources, options, &directory, true, &|_, _| {}).expect("it is written");
        let manifest =
            std::fs::read_to_string(directory.join("manifest.json")).expect("it is there");
        Self { isa, sources, directory, manifest }
    }

    fn verify(&self) -> Result<Verified, String> {
        self.verify_as(OPTIONS)
    }

    fn verify_as(&self, options: Options<'_>) -> Result<Verified, String> {
        verify(&self.isa, &self.sources, options, &self.directory, &|_, _| {})
    }

    /// Everything that is wrong with it.
    fn findings(&self) -> String {
        self.verify().map_or_else(|why| why, |verified| verified.wrong.join("; "))
    }

    /// What is wrong with it under another manifest.
    fn findings_with(&self, manifest: &[u8]) -> String {
        let path = self.directory.join("manifest.json");
        std::fs::write(&path, manifest).expect("it is written");
        let findings = self.findings();
        std::fs::write(&path, &self.manifest).expect("it is written");
        findings
    }

    fn accepted(&self) -> bool {
        self.verify().is_ok_and(|verified| verified.wrong.is_empty())
    }

    fn with_manifest(&self, text: &str) -> bool {
        let path = self.directory.join("manifest.json");
        std::fs::write(&path, text).expect("it is written");
        let accepted = self.accepted();
        std::fs::write(&path, &self.manifest).expect("it is written");
        accepted
    }

    fn proofs(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.directory.join("proofs")).expect("it is there");
        let all = all.map(|e| e.expect("it is there").path());
        let mut all: Vec<PathBuf> =
            all.filter(|path| path.extension().is_some_and(|e| e == "lrat")).collect();
        all.sort();
        all
    }
}

/// A manifest as the prover writes it: everything in its order, on lines of its own.
fn written(manifest: &Value) -> String {
    const ORDER: &[&str] = &[
        "certificate",
        "tool",
        "isa",
        "specification",
        "profile",
        "pairs",
        "assumptions",
        "theorems",
        "obligations",
        "vmm",
        "hvmm",
        "premise",
        "verdict",
        "offending",
        "by",
        "argument",
        "differs",
        "depends",
        "changes",
        "arena",
        "lemmas",
        "formula",
        "sha256",
        "operands",
        "choices",
        "first",
        "before",
        "cells",
        "registers",
        "storage",
    ];
    fn write(value: &Value, indent: usize) -> String {
        let next = indent + 2;
        let (open, close, items): (_, _, Vec<String>) = match value {
            Value::Object(map) => {
                let mut items: Vec<_> = map.iter().collect();
                let place = |name: &str| ORDER.iter().position(|o| *o == name);
                items.sort_by_key(|(name, _)| (place(name).unwrap_or(ORDER.len()), *name));
                let item = |(name, value): (_, _)| {
                    format!("{}: {}", Value::String(String::clone(name)), write(value, next))
                };
                ("{", "}", items.into_iter().map(item).collect())
            }
            Value::Array(items) => ("[", "]", items.iter().map(|i| write(i, next)).collect()),
            scalar => return scalar.to_string(),
        };
        if items.is_empty() {
            return format!("{open}{close}");
        }
        let line = format!("\n{:next$}", "");
        let items = items.join(&format!(",{line}"));
        format!("{open}{line}{items}\n{:indent$}{close}", "")
    }
    write(manifest, 0) + "\n"
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % bound as u64) as usize
    }
}

#[test]
fn the_certificate_itself_is_accepted() {
    let certificate = Certificate::new("itself");
    let verified = certificate.verify().expect("it can be read");
    assert_eq!(verified.wrong, Vec::<String>::new());
    assert!(verified.proved.plain >= 5, "{}", verified.proved);
    assert!(verified.proved.structural > 0 && verified.proved.witnesses > 0);
    assert!(
        verified
            .follows
            .iter()
            .all(|(_, _, premise, verdict)| premise == "holds" && verdict == "holds")
    );
}

#[test]
fn a_specification_with_one_other_character_is_rejected() {
    let certificate = Certificate::new("specification");
    let original = std::fs::read_to_string(SPEC).expect("it is there");
    let mut random = Random(1);
    let (mut tried, mut loaded) = (0, 0);
    while tried < 300 {
        let place = random.below(original.len());
        if !original.is_char_boundary(place) || !original.is_char_boundary(place + 1) {
            continue;
        }
        let other = b"#x0 1=<u"[random.below(8)] as char;
        if original[place..].starts_with(other) {
            continue;
        }
        tried += 1;
        let change = |text: String| {
            let mut text = text;
            text.replace_range(place..=place, &other.to_string());
            text
        };
        let Some((isa, sources)) = load(change) else { continue };
        loaded += 1;
        let verified = verify(&isa, &sources, OPTIONS, &certificate.directory, &|_, _| {});
        assert!(
            verified.is_err() || verified.is_ok_and(|v| !v.wrong.is_empty()),
            "at {place}: {other}"
        );
    }
    assert!(loaded > 20, "{loaded} changed specifications load");
}

#[test]
fn damaged_proofs_are_rejected() {
    let certificate = Certificate::new("proofs");
    let proofs = certificate.proofs();
    assert!(proofs.len() >= 3, "{} proofs", proofs.len());
    let mut random = Random(2);
    for round in 0..400 {
        let path = &proofs[random.below(proofs.len())];
        let text = std::fs::read_to_string(path).expect("it is there");
        let lines: Vec<&str> = text.lines().collect();
        let changed = match round % 4 {
            0 => text[..random.below(text.len())].to_owned(),
            1 => {
                let mut lines = lines.clone();
                lines.remove(random.below(lines.len()));
                lines.join("\n") + "\n"
            }
            2 => {
                let mut lines = lines.clone();
                let (i, j) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(i, j);
                lines.join("\n") + "\n"
            }
            _ => std::fs::read_to_string(&proofs[random.below(proofs.len())]).expect("it is there"),
        };
        if changed == text {
            continue;
        }
        std::fs::write(path, &changed).expect("it is written");
        assert!(!certificate.accepted(), "round {round}: {}", path.display());
        std::fs::write(path, &text).expect("it is written");
    }
    let removed = std::fs::read_to_string(&proofs[0]).expect("it is there");
    std::fs::remove_file(&proofs[0]).expect("it is there");
    assert!(!certificate.accepted(), "a proof is missing");
    std::fs::write(&proofs[0], removed).expect("it is written");
    assert!(certificate.accepted(), "everything is as it was");
}

#[test]
fn forged_manifests_are_rejected() {
    let certificate = Certificate::new("manifest");
    let honest: Value = serde_json::from_str(&certificate.manifest).expect("it is JSON");
    let keys: Vec<String> =
        honest["obligations"].as_object().expect("a map").keys().cloned().collect();
    let mut random = Random(3);
    let mut kinds = [0; 6];
    for round in 0..1200 {
        let kind = round % kinds.len();
        let mut forged = honest.clone();
        let obligations = &mut forged["obligations"];
        let (a, b) = (&keys[random.below(keys.len())], &keys[random.below(keys.len())]);
        match kind {
            // Another's evidence.
            0 => obligations[a] = honest["obligations"][b].clone(),
            // One obligation less.
            1 => {
                obligations.as_object_mut().expect("a map").remove(a);
            }
            // One that nobody asks for.
            2 => obligations[format!("{a}/again")] = honest["obligations"][b].clone(),
            // A "yes" for a "no" and the other way round.
            3 => {
                obligations[a] = if honest["obligations"][a]["by"] == "witness" {
                    serde_json::json!({"by": "rewriting"})
                } else {
                    let witness = |k: &&String| honest["obligations"][*k]["by"] == "witness";
                    let some = keys.iter().find(witness).expect("there are witnesses");
                    honest["obligations"][some].clone()
                };
            }
            // Another theorem.
            4 => {
                let theorem = ["vmm", "hvmm"][random.below(2)];
                let part = ["premise", "verdict"][random.below(2)];
                forged["theorems"]["supervisor:user"][theorem][part] =
                    ["fails", "refuted", "undecided", "vacuous"][random.below(4)].into();
            }
            // Another header.
            _ => {
                let field = ["certificate", "tool", "isa", "specification", "profile", "pairs"]
                    [random.below(6)];
                forged[field] = ["g4", "extended", "0"][random.below(3)].into();
            }
        }
        if forged == honest || equal_evidence(&forged, &honest) {
            continue;
        }
        kinds[kind] += 1;
        assert!(!certificate.with_manifest(&written(&forged)), "kind {kind}: {a} {b}");
    }
    assert!(kinds.iter().all(|n| *n >= 50), "{kinds:?}");
    assert_eq!(written(&honest), certificate.manifest, "forgeries are written as the prover does");
}

const SHOWN: &str = "supervisor:user mov privileged/against";

/// What is stated twice, in other words or in another order is no manifest, whichever is right.
#[test]
fn there_is_one_way_to_write_a_manifest() {
    let certificate = Certificate::new("text");
    let text = &certificate.manifest;
    let refused = |what: &str, forged: &str| {
        assert_ne!(text, forged, "{what}: nothing is forged");
        let findings = certificate.findings_with(forged.as_bytes());
        assert!(findings.contains("manifest.json"), "{what}: {findings:?}");
    };
    let before = |line: &str, inserted: &str| text.replacen(line, &format!("{inserted}{line}"), 1);
    let shown = format!("    \"{SHOWN}\": ");
    refused("an answer twice", &before(&shown, &format!("{shown}{{\"by\": \"rewriting\"}},\n")));
    let judged = "{\"premise\": \"fails\", \"verdict\": \"refuted\", \"offending\": [\"lw\"]}";
    let pair = "    \"supervisor:user\": ";
    let theorems = format!("{pair}{{\"vmm\": {judged}, \"hvmm\": {judged}}},\n");
    refused("the theorems twice", &before(pair, &theorems));
    let from = text.find(&shown).expect("it is there");
    let (head, entry) = text.split_at(from);
    let later = |old: &str, new: &str| format!("{head}{}", entry.replacen(old, new, 1));
    refused("a register twice", &later("\"mode\": [", "\"mode\": [\"0x0\"], \"mode\": ["));
    refused("zeros in front", &later("\"0x", "\"0x0"));
    refused("a cell of zero", &later("\"storage\": {}", "\"storage\": {\"0x0\": \"0x0\"}"));
    refused("a null that goes unsaid", &later("\"first\": null,", ""));
    refused("blanks", &format!("{text} "));
    refused("on one line", &serde_json::from_str::<Value>(text).expect("JSON").to_string());
    refused("escapes", &text.replacen("\"isa\": \"g", "\"isa\": \"\\u0067", 1));
    refused("a key in other case", &text.replacen("\"isa\"", "\"ISA\"", 1));
    refused("an unknown key", &text.replacen("\"isa\"", "\"more\": 1, \"isa\"", 1));
    refused(
        "a number too large",
        &text.replacen("\"certificate\": 2", "\"certificate\": 4294967298", 1),
    );
    refused("truncated", &text[..text.len() / 2]);
    refused("nothing", "");
    refused("a null byte", &format!("{text}\0"));
    refused("a byte order mark", &format!("\u{feff}{text}"));
    refused("deep", &"[".repeat(1 << 20));
    let long =
        certificate.findings_with(text.replacen("mov ", &"\x1b".repeat(1 << 20), 1).as_bytes());
    assert!(long.len() < 10_000 && !long.contains('\x1b'), "{} bytes of findings", long.len());
    let mut bytes = text.clone().into_bytes();
    bytes[from + 5] = 0xff;
    assert!(certificate.findings_with(&bytes).contains("UTF-8"));
    let mut lines: Vec<&str> = text.lines().collect();
    let line = lines.iter().position(|l| l.contains("\"profile\"")).expect("it is there");
    lines.swap(line, line - 1);
    refused("reordered", &(lines.join("\n") + "\n"));
    assert!(certificate.accepted(), "everything is as it was");
}

/// A witness has as many states as the question, and places the guest where the question does.
#[test]
fn a_witness_has_the_form_of_its_question() {
    let certificate = Certificate::new("form");
    let honest: Value = serde_json::from_str(&certificate.manifest).expect("it is JSON");
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut forged = honest.clone();
        change(&mut forged["obligations"][SHOWN]);
        let findings = certificate.findings_with(written(&forged).as_bytes());
        assert!(findings.contains("the form that the question asks for"), "{findings:?}");
    };
    refused(&|entry| entry["first"] = "0x0".into());
    refused(&|entry| {
        let states = entry["before"].as_array_mut().expect("states");
        states.push(states[0].clone());
    });
    refused(&|entry| entry["before"] = serde_json::json!([]));
}

/// A certificate is one of what is asked for: a part of it is no certificate of the whole.
#[test]
fn a_certificate_of_something_else_is_rejected() {
    let both = |text: String| {
        let pair = "{supervisor: supervisor, user: user}";
        text.replace(pair, &format!("{pair}, {{supervisor: user, user: supervisor}}"))
    };
    let first = Options { pair: Some("supervisor"), ..OPTIONS };
    let same = Options { pair: Some("supervisor:user"), ..OPTIONS };
    let second = Options { pair: Some("user"), ..OPTIONS };
    let literal = Options { profile: Profile::Literal, ..OPTIONS };
    let wrong = |certificate: &Certificate, options| {
        certificate.verify_as(options).expect("it can be read").wrong.join("; ")
    };
    let whole = Certificate::of("both", both);
    assert_eq!(wrong(&whole, OPTIONS), "");
    let findings = wrong(&whole, first);
    let text = "it is of all pairs of modes, and the pair supervisor:user is asked for";
    assert_eq!(findings, text);
    let part = Certificate::by("part", both, first);
    assert_eq!(wrong(&part, same), "");
    assert!(wrong(&part, OPTIONS).contains("all pairs of modes is asked for"));
    assert!(wrong(&part, second).contains("the pair user:supervisor is asked for"));
    // One of the pairs, and the claim that it is all of them.
    let mut forged: Value = serde_json::from_str(&part.manifest).expect("it is JSON");
    forged["pairs"] = Value::Null;
    assert!(!part.with_manifest(&written(&forged)));
    let other = Certificate::by("literal", |text| text, literal);
    assert_eq!(wrong(&other, literal), "");
    let text = "it is of profile `literal`, and `refined` is asked for";
    assert_eq!(wrong(&other, OPTIONS), text);
    // On a machine with one pair, that pair is all of them.
    let only = Certificate::by("only", |text| text, first);
    assert_eq!(wrong(&only, OPTIONS), "");
}

/// What takes a file's place, how it is made, and what is said of it.
#[cfg(unix)]
type Maker<'m> = (&'static str, &'m dyn Fn(&Path), &'static str);

/// A certificate is a manifest, proofs and their formulas: files, and nothing else.
#[cfg(unix)]
#[test]
fn what_is_no_file_of_a_certificate_is_rejected() {
    use std::os::unix::fs::symlink;
    let certificate = Certificate::new("files");
    let proof = certificate.proofs().first().expect("there are proofs").clone();
    let aside = certificate.directory.with_extension("aside");
    let remove = |path: &Path| {
        let _ = std::fs::remove_file(path);
        let _ = std::fs::remove_dir_all(path);
    };
    let manifest = certificate.directory.join("manifest.json");
    let proofs = certificate.directory.join("proofs");
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo is there").success());
    };
    let huge = |path: &Path| {
        let file = std::fs::File::create(path).expect("it is created");
        file.set_len(1 << 40).expect("a file with a hole");
    };
    for path in [&manifest, &proof, &proofs] {
        let makers: [Maker<'_>; 5] = [
            ("a pipe", &pipe, "this is not a"),
            (
                "a link out of the directory",
                &|path| symlink(&aside, path).expect("a link"),
                "this is not a",
            ),
            ("a device", &|path| symlink("/dev/zero", path).expect("a link"), "this is not a"),
            ("a directory", &|path| std::fs::create_dir(path).expect("made"), ""),
            ("endless", &huge, ""),
        ];
        for (what, make, why) in makers {
            remove(&aside);
            std::fs::rename(path, &aside).expect("it is there");
            make(path);
            let findings = certificate.findings();
            remove(path);
            std::fs::rename(&aside, path).expect("it is there");
            assert!(!findings.is_empty() && findings.contains(why), "{what}: {findings:?}");
        }
    }
    assert_eq!(certificate.findings(), "");
    let name = proof.file_name().expect("a name").to_string_lossy().into_owned();
    for (path, text) in [
        (certificate.directory.join("notes"), ""),
        (proofs.join("more.lrat"), ""),
        (proofs.join(name.to_uppercase()), ""),
        (proofs.join(format!("{name}.lrat")), ""),
        (proofs.join("\u{7}"), ""),
        (proofs.join(name.replace(".lrat", ".cnf")), "p cnf 1 2\n1 0\n-1 0\n"),
    ] {
        let kept = std::fs::read(&path).ok();
        std::fs::write(&path, text).expect("it is written");
        assert_ne!(certificate.findings(), "", "{}", path.display());
        match kept {
            Some(kept) => std::fs::write(&path, kept).expect("it is written"),
            None => std::fs::remove_file(&path).expect("it is there"),
        }
    }
    assert_eq!(certificate.findings(), "");
}

/// The reason that stands behind an answer is one of the definition that asked.
#[test]
fn no_definition_borrows_the_argument_of_another() {
    let certificate = Certificate::new("argument");
    let honest: Value = serde_json::from_str(&certificate.manifest).expect("it is JSON");
    let mut seen = std::collections::BTreeSet::new();
    for (key, entry) in honest["obligations"].as_object().expect("a map") {
        let Some(argument) = entry["argument"].as_str() else { continue };
        if argument == "neither the mode nor R is changed" {
            assert!(key.contains(" control-sensitive/"), "{key}: {argument}");
        }
        // The machine has no clock.
        if key.contains(" time-sensitive/") {
            assert!(argument.starts_with("there are no such states"), "{key}: {argument}");
        }
        seen.insert(argument);
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

/// Whether two manifests state the same, witnesses of equal questions aside: what shows one
/// property of an instruction may well show another.
fn equal_evidence(forged: &Value, honest: &Value) -> bool {
    let strip = |manifest: &Value| {
        let mut manifest = manifest.clone();
        for entry in manifest["obligations"].as_object_mut().expect("a map").values_mut() {
            if ["witness", "structural", "rewriting"].iter().any(|by| entry["by"] == *by) {
                *entry = entry["by"].clone();
            }
        }
        manifest
    };
    strip(forged) == strip(honest)
}

#[test]
fn what_a_result_depends_on_cannot_be_restated() {
    let certificate = Certificate::new("structure");
    let honest: Value = serde_json::from_str(&certificate.manifest).expect("it is JSON");
    let key = "supervisor:user add control-sensitive/user";
    assert_eq!(honest["obligations"][key]["by"], "structural");
    for (field, other) in [
        ("differs", serde_json::json!(["halted"])),
        ("depends", serde_json::json!(["halted"])),
        ("changes", serde_json::json!(["halted"])),
        ("argument", "the result depends on nothing that differs".into()),
    ] {
        let mut forged = honest.clone();
        forged["obligations"][key][field] = other;
        assert!(!certificate.with_manifest(&written(&forged)), "{field}");
    }
}

/// A witness has to be a state that the assumptions admit, and to show what it is there for.
#[test]
fn a_witness_is_admitted_and_shows() {
    let assume = "assume:\n  running: {that: \"halted == 0\", why: nothing else runs}\nmachine:\n";
    let certificate = Certificate::of("witness", |text| text.replace("machine:\n", assume));
    assert!(certificate.accepted());
    let honest: Value = serde_json::from_str(&certificate.manifest).expect("it is JSON");
    let key = "supervisor:user mov privileged/against";
    let with = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut manifest = honest.clone();
        change(manifest["obligations"][key]["before"].as_array_mut().expect("there are states"));
        certificate.with_manifest(&written(&manifest))
    };
    let set = |register: &'static str| {
        move |states: &mut Vec<Value>| {
            for state in states {
                state["registers"][register] = serde_json::json!(["0x1"]);
            }
        }
    };
    assert!(with(&set("pc")), "another state shows it too");
    assert!(!with(&set("halted")), "the assumption does not hold");
    assert!(!with(&set("mode")), "no state is a supervisor's");
}

#[test]
fn damaged_manifests_never_change_a_verdict() {
    let certificate = Certificate::new("damaged");
    let honest = certificate.verify().expect("it can be read").follows;
    let mut random = Random(4);
    for _ in 0..400 {
        let mut text = certificate.manifest.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let place = random.below(text.len());
            match random.below(3) {
                0 => text[place] = b"0123456789abcdefx\"{}[],: "[random.below(25)],
                1 => text.truncate(place.max(1)),
                _ => {
                    text.remove(place);
                }
            }
        }
        let Ok(text) = String::from_utf8(text) else { continue };
        std::fs::write(certificate.directory.join("manifest.json"), &text).expect("is written");
        if let Ok(verified) = certificate.verify()
            && verified.wrong.is_empty()
        {
            assert_eq!(verified.follows, honest);
        }
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written() {
    let certificate = Certificate::new("whole");
    let again = prove(
        &certificate.isa,
        &certificate.sources,
        OPTIONS,
        &certificate.directory,
        false,
        &|_, _| {},
    );
    assert!(again.is_err(), "the directory is not empty");
    assert!(certificate.accepted(), "and it is as it was");
    let nowhere = Path::new("/dev/null/certificate");
    assert!(
        prove(&certificate.isa, &certificate.sources, OPTIONS, nowhere, false, &|_, _| {}).is_err()
    );
}
