//! A validator for the part of JSON Schema (draft 7) that the shipped schemas use.

use serde_json::Value;

/// Everything in which a value is not as the schema says. With `closed`, a key that the schema does not name is wrong,
/// too: the shipped schema lets formats grow, and what is printed today has to be described.
pub(crate) fn violations(schema: &Value, value: &Value, closed: bool) -> Vec<String> {
    let mut all = Vec::new();
    check(&Validator { root: schema, closed }, schema, value, "", &mut all);
    all
}

struct Validator<'s> {
    root: &'s Value,
    closed: bool,
}

/// Every keyword that is understood.
const KEYWORDS: [&str; 18] = [
    "$schema",
    "$ref",
    "title",
    "description",
    "definitions",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "pattern",
    "oneOf",
    "allOf",
];

fn check(v: &Validator<'_>, schema: &Value, value: &Value, at: &str, all: &mut Vec<String>) {
    let keys = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema} is no schema"));
    for key in keys.keys() {
        assert!(KEYWORDS.contains(&key.as_str()), "the validator does not know `{key}`");
    }
    let mut wrong = |what: String| all.push(format!("{at}: {what}"));
    if let Some(word) = schema["$ref"].as_str() {
        let name = word.strip_prefix("#/definitions/").expect("references are local");
        let target = &v.root["definitions"][name];
        assert!(target.is_object(), "there is no definition {name}");
        return check(v, target, value, at, all);
    }
    let types = match &schema["type"] {
        Value::Null => Vec::new(),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let is = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("`{other}` is no type"),
    };
    if !types.is_empty() && !types.iter().any(is) {
        return wrong(format!("{value} is no {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        wrong(format!("{value} is none of {}", schema["enum"]));
    }
    if keys.get("const").is_some_and(|only| only != value) {
        wrong(format!("{value} is not {}", schema["const"]));
    }
    if schema["minimum"].as_f64().is_some_and(|least| value.as_f64().is_some_and(|it| it < least)) {
        wrong(format!("{value} is too small"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str()) {
        assert_eq!(pattern, "^V[0-9]{3}$", "the only pattern that is understood");
        let mut digits = text.strip_prefix('V').unwrap_or("").chars();
        if text.len() != 4 || !digits.all(|c| c.is_ascii_digit()) {
            wrong(format!("{text} is no code"));
        }
    }
    if let Some(elements) = value.as_array() {
        let length = elements.len() as u64;
        if schema["minItems"].as_u64().is_some_and(|least| length < least)
            || schema["maxItems"].as_u64().is_some_and(|most| length > most)
        {
            wrong(format!("{length} elements"));
        }
        if let Some(items) = keys.get("items") {
            for (i, element) in elements.iter().enumerate() {
                check(v, items, element, &format!("{at}/{i}"), all);
            }
        }
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(name.as_str().expect("names are strings")) {
                all.push(format!("{at}: {name} is missing"));
            }
        }
        for (key, inner) in object {
            let at = format!("{at}/{key}");
            match (schema["properties"].get(key), keys.get("additionalProperties")) {
                (Some(own), _) => check(v, own, inner, &at, all),
                (None, Some(Value::Bool(false))) => all.push(format!("{at}: it may not be here")),
                (None, Some(more)) => check(v, more, inner, &at, all),
                (None, None) if v.closed && keys.contains_key("properties") => {
                    all.push(format!("{at}: the schema does not name it"));
                }
                (None, None) => {}
            }
        }
    }
    for inner in schema["allOf"].as_array().into_iter().flatten() {
        check(v, inner, value, at, all);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let tried: Vec<Vec<String>> = choices
            .iter()
            .map(|inner| {
                let mut found = Vec::new();
                check(v, inner, value, at, &mut found);
                found
            })
            .collect();
        if tried.iter().filter(|found| found.is_empty()).count() != 1 {
            all.push(format!("{at}: not one of the choices: {tried:?}"));
        }
    }
}
