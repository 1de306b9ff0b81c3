//! A headless Chromium, where there is one: `CHROMIUM` names it, or it is on the path. It is spoken to over its pipe, in
//! the `DevTools` protocol of Chrome: objects of JSON, each ended by a NUL.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    profile: PathBuf,
    session: Option<String>,
    sent: u64,
    /// What the page complained about.
    pub(crate) complaints: Vec<Value>,
}

/// The program; nothing where the machine has none.
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let mut all = std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name)));
    all.find(|program| program.is_file())
}

impl Browser {
    pub(crate) fn start(program: &Path) -> Self {
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let profile = profile.join(format!("pages-profile-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&profile);
        // The shell lays the pipe where Chromium expects it: it reads 3 and writes 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"])
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--remote-debugging-pipe", &format!("--user-data-dir={}", profile.display())])
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut it =
            Self { child, to, from, profile, session: None, sent: 0, complaints: Vec::new() };
        let targets = it.call("Target.getTargets", &json!({}));
        let all = targets["targetInfos"].as_array().expect("targets");
        let page = all.iter().find(|it| it["type"] == "page").expect("there is a page");
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = it.call("Target.attachToTarget", &attach);
        it.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            it.call(domain, &json!({}));
        }
        it
    }

    /// One command and its result; what the page complains about meanwhile is kept.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let mut answer = Vec::new();
            self.from.read_until(0, &mut answer).expect("the browser speaks");
            assert!(answer.pop().is_some(), "the browser has ended");
            let answer: Value = serde_json::from_slice(&answer).expect("it speaks JSON");
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            let event = answer["method"].as_str().unwrap_or_default();
            if ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"]
                .contains(&event)
            {
                self.complaints.push(answer["params"].clone());
            }
        }
    }

    /// The value of an expression on the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &ask);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Opens a file in a window of a width.
    pub(crate) fn open(&mut self, file: &Path, width: u32, dark: bool) {
        self.complaints.clear();
        let mobile = width < 600;
        let window =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", &window);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
        self.call("Page.navigate", &json!({"url": format!("file://{}", file.display())}));
        self.value("new Promise(done => { if (document.readyState === 'complete') done(); else addEventListener('load', done); })");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
