//! The JSON Schemas of manifests, made from their shapes: [`schema`].

use crate::json::Json;
use crate::model::Method;
use crate::shape::{Bond, DOCUMENT_V1, DOCUMENT_V2, Field, Object, Rule, Shape};
use crate::write;

/// The versions of the format that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Version 1.
    V1,
    /// Version 2.
    V2,
}

/// The schema of a version as a file, ending with a newline. What parts of a manifest say about each other beyond
/// it (names that stand twice, totals, times) is held by the strict reader alone.
pub fn schema(version: Version) -> Vec<u8> {
    let (number, document) = match version {
        Version::V1 => (1, &DOCUMENT_V1),
        Version::V2 => (2, &DOCUMENT_V2),
    };
    let about = format!("See manifest-v{number}.md. The bytes of the file are what is signed.");
    let mut entries = vec![
        entry("$schema", text("https://json-schema.org/draft/2020-12/schema")),
        entry("$id", text(&format!("manifest-v{number}.schema.json"))),
        entry("title", text(&format!("Manifest of a backup, version {number}"))),
        entry("description", text(&about)),
    ];
    entries.extend(object(document));
    write::text_of(&Json::Object(entries))
}

fn object(object: &Object) -> Vec<(String, Json)> {
    let properties = object.fields.iter().map(|field| entry(field.name, property(field))).collect();
    let required = object.fields.iter().filter(|field| field.required).map(|field| text(field.name)).collect();
    let mut entries = vec![
        entry("type", text("object")),
        entry("properties", Json::Object(properties)),
        entry("required", Json::List(required)),
        entry("additionalProperties", Json::Bool(false)),
    ];
    entries.extend(bond(object.bond));
    entries
}

fn property(field: &Field) -> Json {
    let mut entries = vec![entry("description", text(field.about))];
    let value = match &field.shape {
        Shape::Version(number) => vec![entry("const", Json::Number(*number))],
        Shape::Flag => vec![entry("type", text("boolean"))],
        Shape::Texts(rule) => {
            vec![entry("type", text("array")), entry("items", Json::Object(string(*rule)))]
        }
        Shape::Whole => vec![entry("type", text("integer")), entry("minimum", Json::Number(0))],
        Shape::Text(rule) => string(*rule),
        Shape::Object(inner) => object(inner),
        Shape::List(item) => vec![entry("type", text("array")), entry("items", Json::Object(object(item)))],
    };
    match field.required {
        true => entries.extend(value),
        // Null stands for nothing wherever a field may be absent.
        false => entries.push(entry("oneOf", Json::List(vec![Json::Object(value), one("type", text("null"))]))),
    }
    if field.name == "tables" && matches!(field.shape, Shape::List(_)) {
        // The one list that may not be empty: without a table to verify a manifest proves nothing.
        entries.push(entry("contains", one("properties", one("class", one("const", text("verify"))))));
    }
    Json::Object(entries)
}

fn string(rule: Rule) -> Vec<(String, Json)> {
    let mut entries = vec![entry("type", text("string"))];
    let pattern = |pattern: &str| vec![entry("pattern", text(pattern))];
    entries.extend(match rule {
        Rule::Any => Vec::new(),
        Rule::Filled => vec![entry("minLength", Json::Number(1))],
        Rule::Id => pattern("^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        Rule::Time => vec![entry("format", text("date-time"))],
        Rule::OneOf(words) => vec![entry("enum", Json::List(words.iter().map(|word| text(word)).collect()))],
        Rule::Name => pattern("^[^\\u0000]{1,256}$"),
        Rule::Path => pattern("^([^/.\\u0000][^/\\u0000]*|\\.[^/.\\u0000][^/\\u0000]*|\\.\\.[^/\\u0000]+)(/([^/.\\u0000][^/\\u0000]*|\\.[^/.\\u0000][^/\\u0000]*|\\.\\.[^/\\u0000]+))*$"),
        Rule::FileDigest => pattern("^sha256:[0-9a-f]{64}$"),
        Rule::Hex => pattern("^[0-9a-f]{64}$"),
    });
    entries
}

fn bond(bond: Bond) -> Vec<(String, Json)> {
    let is = |name: &str, value: &str| one("properties", one(name, one("const", text(value))));
    match bond {
        Bond::Free | Bond::Document | Bond::Backup => Vec::new(),
        Bond::Table => vec![entry("if", is("class", "verify")), entry("then", needs(&[("digest", "object")]))],
        Bond::TableV2 => {
            let rules = [
                (is("class", "verify"), needs(&[("digest", "object")])),
                (
                    digested_by(Method::RowSha256Tree),
                    needs(&[("rows", "integer"), ("key", "array"), ("ranges", "array")]),
                ),
                (digested_by(Method::RowLthash), needs(&[("rows", "integer")])),
            ];
            let rule = |(condition, then)| Json::Object(vec![entry("if", condition), entry("then", then)]);
            vec![entry("allOf", Json::List(rules.into_iter().map(rule).collect()))]
        }
        Bond::Digest => {
            let values = Method::ALL.iter().map(|method| {
                Json::Object(vec![
                    entry("if", is("method", method.name())),
                    entry("then", one("properties", one("value", one("pattern", text(method.pattern()))))),
                ])
            });
            vec![entry("allOf", Json::List(values.collect()))]
        }
    }
}

/// Whether the digest of a table is by that method.
fn digested_by(method: Method) -> Json {
    let digest = Json::Object(vec![
        entry("type", text("object")),
        entry("required", Json::List(vec![text("method")])),
        entry("properties", one("method", one("const", text(method.name())))),
    ]);
    Json::Object(vec![entry("required", Json::List(vec![text("digest")])), entry("properties", one("digest", digest))])
}

/// Fields that must be there, each of that type: null stands for nothing, and so does an empty list.
fn needs(fields: &[(&str, &str)]) -> Json {
    let property = |kind: &str| {
        let filled = (kind == "array").then(|| entry("contains", one("type", text("object"))));
        Json::Object([entry("type", text(kind))].into_iter().chain(filled).collect())
    };
    Json::Object(vec![
        entry("required", Json::List(fields.iter().map(|(name, _)| text(name)).collect())),
        entry("properties", Json::Object(fields.iter().map(|(name, kind)| entry(name, property(kind))).collect())),
    ])
}

fn entry(name: &str, value: Json) -> (String, Json) {
    (name.to_owned(), value)
}

fn one(name: &str, value: Json) -> Json {
    Json::Object(vec![entry(name, value)])
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}
