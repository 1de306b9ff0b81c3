//! Habits from other languages: what a syntax error means to someone who knows C, Python, Rust or Verilog.

use crate::diagnostic::{Span, did_you_mean};
use crate::lexer::{KEYWORDS, Token};

/// Where a syntax error was found.
pub(crate) struct Place<'t> {
    /// The tokens of the statement before the error.
    pub(crate) before: &'t [(Token, Span)],
    /// The token that was not expected, and what follows.
    pub(crate) after: &'t [(Token, Span)],
    /// What was expected.
    pub(crate) expected: &'t str,
}

impl Place<'_> {
    fn head(&self) -> &str {
        text(self.before.first().or(self.after.first()))
    }

    fn found(&self) -> &str {
        text(self.after.first())
    }

    fn next(&self) -> &str {
        text(self.after.get(1))
    }

    /// The nth token before the error, from 1.
    fn back(&self, n: usize) -> &str {
        text(self.before.len().checked_sub(n).and_then(|i| self.before.get(i)))
    }

    /// What to write instead.
    pub(crate) fn advice(&self) -> Option<String> {
        let fixed = self.operator().or_else(|| self.declaration()).or_else(|| self.word());
        let fixed = fixed.or_else(|| self.block()).or_else(|| self.foreign());
        fixed.map(str::to_owned).or_else(|| self.written()).or_else(|| self.keyword())
    }

    /// Operators of other languages are two tokens here.
    fn operator(&self) -> Option<&'static str> {
        Some(match (self.back(1), self.found(), self.next()) {
            ("==" | "!=", "=", _) => "`==` and `!=` compare",
            ("+", "+", _) | (_, "+", "+") => "there is no `++`: write `x = x + 1;`",
            ("-", ";", _) if self.back(2) == "-" => "there is no `--`: write `x = x - 1;`",
            ("*", "*", _) => "there is no power: `1 << n` is 2 to the n",
            ("<", ">", _) => "`!=` is unequal",
            (">>", ">", _) => {
                "`x >> n` shifts to the right, and `sar(x, n)` does so and keeps the sign"
            }
            ("<<", "<", _) => "`<<` shifts to the left",
            (_, ":", "=") => "`=` assigns",
            (_, "=", _) if self.expected == "`{`" || self.expected.starts_with("`else trap") => {
                "`==` compares, `=` assigns"
            }
            (_, "->", _) => "a field is written `r.f`",
            (_, "..", _) if self.expected == "`]`" => "a slice is written with `:`, as in `x[7:0]`",
            ("]", "(" | "<", _) | (_, ":", _) if self.expected == "`;`" => {
                "a slice is written `x[7:0]`"
            }
            (_, "{", _) if self.expected == "an expression" => "`a :: b` joins values",
            (".", _, _) if matches!(self.after.first(), Some((Token::Number(..), _))) => {
                "all numbers are whole"
            }
            _ => return None,
        })
    }

    fn declaration(&self) -> Option<&'static str> {
        Some(match (self.head(), self.back(1), self.found()) {
            ("let", "mut", _) => "every local can be assigned to: leave `mut` out",
            ("let", _, ";") if self.before.len() == 2 => {
                "a local has a value, and its width: `let t = 0u16;`"
            }
            ("let", _, ":") => "a local is as wide as its value: `let t = 0u16;`",
            ("fn", _, ")" | ",") if self.expected == "`:`" => {
                "a parameter has a width in bits: `fn f(x: 32)`"
            }
            ("fn", _, ":") if self.expected == "`{`" => {
                "the width of the result stands behind `->`: `fn f(x: 32) -> 32 { … }`"
            }
            ("fn", ":" | "->", _) => "a width is the number of bits alone: `fn f(x: 32) -> 32`",
            _ => return None,
        })
    }

    fn block(&self) -> Option<&'static str> {
        const BLOCK: &str = "a block stands in `{ … }`, even one of one statement";
        Some(match (self.head(), self.expected, self.found()) {
            ("for", "the name of the loop constant" | "`in`" | "`..`", _) => {
                "a loop is written `for i in 0..4 { … }`"
            }
            ("if", "`{`", "then" | ":") => BLOCK,
            ("if", "`{`", _) if ["else", ")"].contains(&self.back(1)) => BLOCK,
            ("else", ..) => "`else` stands behind the `}` of an `if`",
            ("require", "`)`", ",") => "write `require … else trap(…);`",
            ("}", ..) => "this `}` is one too many, or a `{` is missing before",
            (";", ..) => "this `;` is one too many",
            _ => return None,
        })
    }

    /// A statement that begins with a word of another language, and does not use it as a name.
    fn foreign(&self) -> Option<&'static str> {
        let second = if self.before.is_empty() {
            self.next()
        } else {
            text(self.before.get(1).or(self.after.first()))
        };
        if ["=", "[", ".", "::"].contains(&second) { None } else { statement(self.head()) }
    }

    /// Words where an operator should stand.
    fn word(&self) -> Option<&'static str> {
        let word = |word: &str| {
            Some(match word {
                "and" => "write `&&`",
                "or" => "write `||`",
                "xor" => "write `^`",
                "mod" => "write `%`",
                "div" => "write `/`",
                "is" => "write `==`",
                "if" => "a choice of two values is written `condition ? a : b`",
                "as" => "`zext(x, 32)`, `sext(x, 32)` and `trunc(x, 32)` change a width",
                "downto" => "a slice is written `x[7:0]`",
                _ => return None,
            })
        };
        match self.back(1) {
            "not" => Some("write `!`"),
            ")" if is_type(self.back(2)) && self.back(3) == "(" => word("as"),
            _ => word(self.found()),
        }
    }

    /// Advice that names what was written.
    fn written(&self) -> Option<String> {
        const ASSIGNED: &[&str] = &["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&&", "||"];
        let (back, found) = (self.back(1), self.found());
        if found == "=" && ASSIGNED.contains(&back) {
            return Some(format!("there is no `{back}=`: write `x = x {back} …;`"));
        }
        if is_type(self.head()) && self.before.len() == 1 && !found.is_empty() {
            return Some(format!("a local is declared by `let`: `let {found} = …;`"));
        }
        if found == ":" && self.before.len() == 1 {
            let head = self.head();
            return Some(format!("if `{head}:` is a key, indent it like the key of this text"));
        }
        let is_word = matches!(self.after.first(), Some((Token::Word(_), _)));
        let traps = back == "trap" || self.expected.starts_with("`trap(...)`");
        (traps && is_word).then(|| format!("write `trap({found})`"))
    }

    /// A slip in the keyword that the statement begins with.
    fn keyword(&self) -> Option<String> {
        const HEADS: [&str; 9] =
            ["let", "if", "for", "require", "return", "break", "commit", "unpredictable", "fn"];
        let head = self.head();
        let word = matches!(self.before.first(), Some((Token::Word(_), _)));
        if !word || KEYWORDS.contains(&head) { None } else { did_you_mean(head, HEADS) }
    }
}

/// Words that begin statements elsewhere.
pub(crate) fn statement(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "while" | "do" | "loop" | "until" | "repeat" => {
            "loops are bounded: `for i in 0..4 { … }`, which `break` leaves"
        }
        "switch" | "match" | "case" => "write `if … { … } else if … { … } else { … }`",
        "elif" | "elsif" | "elseif" => "write `else if`",
        "assert" | "ensure" | "assume" => "write `require … else trap(…);`",
        "raise" | "throw" | "exception" | "fault" | "interrupt" => "write `trap(name);`",
        "goto" | "jump" => "there are no jumps within semantics: use `if` and `else`",
        "continue" => "there is no `continue`: put the rest of the round into an `if`",
        "begin" | "end" => "a block stands in `{ … }`",
        "halt" | "hlt" | "stop" => {
            "this is no statement: `halted:` under `machine:` says when the machine has stopped"
        }
        "nop" | "pass" | "skip" => "what does nothing has `semantics: \"\"`",
        "def" | "func" | "function" | "proc" => "a function is written `fn f(x: 32) -> 32 { … }`",
        _ => return None,
    })
}

/// Functions of other languages.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "signed" | "asr" | "sra" => {
            "signed are `slt`, `sle`, `sgt`, `sge`, `sdiv`, `srem` and `sar`; `sext(x, n)` widens with the sign"
        }
        "sign_extend" | "signext" | "signextend" | "exts" | "sx" => "write `sext(x, n)`",
        "zero_extend" | "zeroext" | "zeroextend" | "extz" | "zx" | "unsigned" => {
            "write `zext(x, n)`"
        }
        "concat" | "cat" => "write `a :: b`",
        name if is_type(name) => "`zext(x, 32)`, `sext(x, 32)` and `trunc(x, 32)` change a width",
        name => return statement(name),
    })
}

/// Words for what a machine names itself.
pub(crate) fn is_storage(name: &str) -> bool {
    ["memory", "m", "ram", "storage", "mem"].contains(&name.to_ascii_lowercase().as_str())
}

/// Words for a register file.
pub(crate) fn is_registers(name: &str) -> bool {
    ["reg", "regs", "gpr", "registers", "rf", "x"].contains(&name.to_ascii_lowercase().as_str())
}

/// Words that declare a variable elsewhere.
pub(crate) fn is_type(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "int", "uint", "char", "short", "long", "bool", "unsigned", "var", "const", "auto", "bits",
        "bit", "reg", "wire",
    ];
    let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let sized = ["u", "i", "int", "uint"].contains(&&word[..word.len() - digits.len()]);
    WORDS.contains(&word)
        || sized && !digits.is_empty() && digits.trim_end_matches("_t").parse::<u32>().is_ok()
}

fn text(token: Option<&(Token, Span)>) -> &str {
    match token.map(|(token, _)| token) {
        Some(Token::Word(word)) => word,
        Some(Token::Mark(mark)) => mark,
        Some(Token::Number(..) | Token::Junk | Token::End) | None => "",
    }
}
