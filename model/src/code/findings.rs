//! Findings of the analysis; title and explanation stand with the rules.

use super::Code;
use crate::rule::Rule;

/// The codes of all rules.
pub(super) fn all() -> impl Iterator<Item = Code> {
    Rule::ALL.into_iter().map(|rule| {
        let (wrong, right) = example(rule);
        let (code, title, explanation) = (rule.code(), rule.title(), rule.explanation());
        Code { code, title, explanation, wrong, right }
    })
}

/// What draws a finding, and what does not.
const fn example(rule: Rule) -> (&'static str, &'static str) {
    const CHECKED: &str =
        "      require mode == supervisor else trap(privileged);\n      special[n] = r[d];";
    match rule {
        Rule::Sensitive => ("      if mode == supervisor { special[n] = r[d]; }", CHECKED),
        Rule::UserSensitive | Rule::Expectation => ("      special[n] = r[d];", CHECKED),
        Rule::SquareBreaks => {
            ("      require mode == user else trap(illegal);\n      clear();", "      clear();")
        }
        Rule::UserSquareBreaks => ("      r[d] = base;", "      r[d] = mem[zext(a, 16)];"),
        Rule::Unconfined => ("      r[d] = phys[a];", "      r[d] = mem[zext(a, 16)];"),
        Rule::TrapEntry => ("    pc = phys[4];", "    psw = phys[4; 4];"),
        Rule::Undecided => ("      unknown;", "      r[d] = clipped(r[d]);"),
        Rule::StaleAllow => (
            "      trap(call);\n    allow: {sensitive-unprivileged: \"guests of ours are patched\"}",
            "      trap(call);",
        ),
        Rule::Specification => ("  pc:    {role: P, width: 16", "  pc:    {role: P, width: 16}"),
        Rule::Required | Rule::Declared | Rule::Database => ("", ""),
    }
}
