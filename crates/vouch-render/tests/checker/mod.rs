//! A checker for the part of JSON Schema that the schemas of `docs` use.
//!
//! Main type: [`Schemas`]. Invariant: a keyword that it does not know is an
//! error, so that no part of a schema is silently not checked.

use regex::Regex;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::HashMap;

/// Keywords that say nothing about validity.
const SILENT: [&str; 6] = ["$schema", "$id", "$defs", "title", "description", "then"];

/// Schemas by their `$id`.
pub struct Schemas(HashMap<String, Value>);

impl Schemas {
    /// Reads schemas from their text.
    pub fn new(texts: &[&str]) -> Self {
        let parsed = texts.iter().map(|text| serde_json::from_str::<Value>(text).expect("a schema is JSON"));
        Schemas(parsed.map(|schema| (schema["$id"].as_str().expect("a schema has an id").to_owned(), schema)).collect())
    }

    /// Every way in which `value` breaks the schema `id`; empty when it is valid.
    pub fn check(&self, id: &str, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let check = Check { schemas: self, file: id };
        check.value(self.get(id), value, "$", &mut faults);
        faults
    }

    fn get(&self, id: &str) -> &Value {
        self.0.get(id).unwrap_or_else(|| panic!("no schema {id}"))
    }
}

/// A check within one file, which local references are relative to.
struct Check<'a> {
    schemas: &'a Schemas,
    file: &'a str,
}

impl Check<'_> {
    fn value(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            match keyword.as_str() {
                silent if SILENT.contains(&silent) => {}
                "$ref" => self.reference(rule.as_str().unwrap(), value, at, faults),
                "oneOf" => self.one_of(rule, value, at, faults),
                "allOf" => rule.as_array().unwrap().iter().for_each(|all| self.value(all, value, at, faults)),
                "if" => self.when(rule, &schema["then"], value, at, faults),
                "contains" => self.contains(rule, value, at, faults),
                "properties" => self.properties(rule, value, at, faults),
                "items" => self.items(rule, value, at, faults),
                "additionalProperties" => no_more(schema, value, at, faults),
                "required" => required(rule, value, at, faults),
                plain => {
                    faults.extend(broken(plain, rule, value).then(|| format!("{at}: {plain} {rule} broken by {value}")))
                }
            }
        }
    }

    fn reference(&self, target: &str, value: &Value, at: &str, faults: &mut Vec<String>) {
        let (file, path) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { self.file } else { file };
        let schema = self.schemas.get(file).pointer(path).unwrap_or_else(|| panic!("nothing at {target}"));
        Check { schemas: self.schemas, file }.value(schema, value, at, faults);
    }

    fn one_of(&self, rule: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let branches = rule.as_array().unwrap();
        let results = branches.iter().map(|branch| {
            let mut own = Vec::new();
            self.value(branch, value, at, &mut own);
            own
        });
        let results: Vec<Vec<String>> = results.collect();
        let valid = results.iter().filter(|own| own.is_empty()).count();
        if valid != 1 {
            faults.push(format!("{at}: {valid} branches of oneOf hold"));
            faults.extend(results.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
    }

    fn when(&self, rule: &Value, then: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let mut own = Vec::new();
        self.value(rule, value, at, &mut own);
        if own.is_empty() {
            self.value(then, value, at, faults);
        }
    }

    fn contains(&self, rule: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let Some(items) = value.as_array() else { return };
        let holds = |item: &Value| {
            let mut own = Vec::new();
            self.value(rule, item, at, &mut own);
            own.is_empty()
        };
        faults.extend((!items.iter().any(holds)).then(|| format!("{at}: contains {rule} broken")));
    }

    fn properties(&self, rule: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let Some(object) = value.as_object() else { return };
        for (name, schema) in rule.as_object().unwrap() {
            if let Some(member) = object.get(name) {
                self.value(schema, member, &format!("{at}.{name}"), faults);
            }
        }
    }

    fn items(&self, rule: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.value(rule, item, &format!("{at}[{index}]"), faults);
        }
    }
}

/// `additionalProperties` is only ever `false` here.
fn no_more(schema: &Map<String, Value>, value: &Value, at: &str, faults: &mut Vec<String>) {
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    let known = schema["properties"].as_object().unwrap();
    let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
    faults.extend(names.filter(|name| !known.contains_key(*name)).map(|name| format!("{at}: {name} is not known")));
}

fn required(rule: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    let names = rule.as_array().unwrap().iter().filter_map(Value::as_str);
    faults.extend(names.filter(|name| !object.contains_key(*name)).map(|name| format!("{at}: {name} is missing")));
}

thread_local! {
    /// Thousands of documents are checked against the same patterns, and compiling one is slow.
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::default();
}

fn has_pattern(pattern: &str, text: &str) -> bool {
    PATTERNS.with_borrow_mut(|known| {
        known.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    })
}

/// Whether a keyword about a single value is broken.
fn broken(keyword: &str, rule: &Value, value: &Value) -> bool {
    match keyword {
        "type" => !types(rule).iter().any(|name| is_a(name, value)),
        "enum" => !rule.as_array().unwrap().contains(value),
        "const" => rule != value,
        "minimum" => value.as_i64().is_some_and(|number| number < rule.as_i64().unwrap()),
        "maximum" => value.as_u64().is_some_and(|number| number > rule.as_u64().unwrap()),
        "format" => value.as_str().is_some_and(|text| !is_time(rule, text)),
        "pattern" => value.as_str().is_some_and(|text| !has_pattern(rule.as_str().unwrap(), text)),
        "minLength" => value.as_str().is_some_and(|text| (text.chars().count() as u64) < rule.as_u64().unwrap()),
        unknown => panic!("the checker does not know {unknown}"),
    }
}

fn types(rule: &Value) -> Vec<&str> {
    rule.as_array()
        .map_or_else(|| vec![rule.as_str().unwrap()], |names| names.iter().filter_map(Value::as_str).collect())
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        unknown => panic!("the checker does not know the type {unknown}"),
    }
}

fn is_time(rule: &Value, text: &str) -> bool {
    assert_eq!(rule, "date-time");
    text.len() >= 20 && text.parse::<jiff::Timestamp>().is_ok()
}
