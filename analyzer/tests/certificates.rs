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
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificate-{name}"));
        let _ = std::fs::remove_dir_all(&directory);
        let (isa, sources) = load(change).expect("the specification loads");
        prove(&isa, &sources, OPTIONS, &directory, false, &|_, _| {}).expect("it is written");
        let manifest =
            std::fs::read_to_string(directory.join("manifest.json")).expect("it is there");
        Self { isa, sources, directory, manifest }
    }

    fn verify(&self) -> Result<Verified, String> {
        verify(&self.isa, &self.sources, &self.directory, &|_, _| {})
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
        let mut all: Vec<PathBuf> = all.map(|e| e.expect("it is there").path()).collect();
        all.sort();
        all
    }
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
        let verified = verify(&isa, &sources, &certificate.directory, &|_, _| {});
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
                let field = ["certificate", "tool", "isa", "specification", "profile", "pair"]
                    [random.below(6)];
                forged[field] = ["g4", "extended", "0"][random.below(3)].into();
            }
        }
        if forged == honest || equal_evidence(&forged, &honest) {
            continue;
        }
        kinds[kind] += 1;
        assert!(!certificate.with_manifest(&forged.to_string()), "kind {kind}: {a} {b}");
    }
    assert!(kinds.iter().all(|n| *n >= 50), "{kinds:?}");
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
    for field in ["differs", "depends", "changes"] {
        let mut forged = honest.clone();
        forged["obligations"][key][field] = serde_json::json!(["halted"]);
        assert!(!certificate.with_manifest(&forged.to_string()), "{field}");
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
        certificate.with_manifest(&manifest.to_string())
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
