//! JSON, strictly: a tree without duplicate keys, and reading it field by field.
//!
//! Main types: [`Json`], [`Fields`]. Invariant: a document with two values for
//! one key is refused, and so is a field that nobody asked for.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value. Keys keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(u64),
    /// A number that is negative, has a fraction or is too large: no field takes one.
    OtherNumber,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Parses a document.
///
/// # Errors
/// What is wrong, with the line.
pub fn parse(bytes: &[u8]) -> Result<Json, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

impl Json {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "true or false",
            Json::Number(_) | Json::OtherNumber => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(u64::try_from(value).map_or(Json::OtherNumber, Json::Number))
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let (mut object, mut keys) = (Vec::new(), std::collections::HashSet::new());
        while let Some((key, value)) = entries.next_entry::<String, Json>()? {
            if !keys.insert(key.clone()) {
                return Err(de::Error::custom(format!("the key `{}` stands there twice", key.escape_debug())));
            }
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}

/// What is wrong in a document, and where.
pub type Wrong = String;

/// The fields of an object, taken one by one.
pub struct Fields {
    path: String,
    entries: Vec<(String, Json)>,
}

impl Fields {
    /// The fields of `value`, which stands at `path`.
    ///
    /// # Errors
    /// It is no object.
    pub fn of(value: Json, path: &str) -> Result<Fields, Wrong> {
        match value {
            Json::Object(entries) => Ok(Fields { path: path.to_owned(), entries }),
            other => Err(format!("{} is {} and not an object", shown(path), other.kind())),
        }
    }

    /// Where a field of this object stands.
    pub fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A field's value; `None` where it is absent or null.
    pub fn optional(&mut self, name: &str) -> Option<Json> {
        let at = self.entries.iter().position(|(key, _)| key == name)?;
        Some(self.entries.swap_remove(at).1).filter(|value| *value != Json::Null)
    }

    /// A string; `None` where it is absent or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn text_or_none(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        match self.optional(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{} is {} and not a string", self.at(name), other.kind())),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// It is absent or something else.
    pub fn text(&mut self, name: &str) -> Result<String, Wrong> {
        self.text_or_none(name)?.ok_or_else(|| format!("{} is missing", self.at(name)))
    }

    /// A whole number from 0; `None` where it is absent or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn number_or_none(&mut self, name: &str) -> Result<Option<u64>, Wrong> {
        match self.optional(name) {
            None => Ok(None),
            Some(Json::Number(number)) => Ok(Some(number)),
            Some(other) => Err(format!("{} is {} and not a whole number from 0", self.at(name), other.kind())),
        }
    }

    /// A whole number from 0.
    ///
    /// # Errors
    /// It is absent or something else.
    pub fn number(&mut self, name: &str) -> Result<u64, Wrong> {
        self.number_or_none(name)?.ok_or_else(|| format!("{} is missing", self.at(name)))
    }

    /// True or false.
    ///
    /// # Errors
    /// It is absent or something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Wrong> {
        self.flag_or_none(name)?.ok_or_else(|| format!("{} is missing", self.at(name)))
    }

    /// The strings of a list; `None` where it is absent or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn texts_or_none(&mut self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        let text = |(at, value): (String, Json)| match value {
            Json::Text(text) => Ok(text),
            other => Err(format!("{at} is {} and not a string", other.kind())),
        };
        self.list_or_none(name)?.map(|items| items.into_iter().map(text).collect()).transpose()
    }

    /// The strings of a list; empty where it is absent or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, Wrong> {
        Ok(self.texts_or_none(name)?.unwrap_or_default())
    }

    /// True or false; `None` where it is absent or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag_or_none(&mut self, name: &str) -> Result<Option<bool>, Wrong> {
        match self.optional(name) {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(format!("{} is {} and not true or false", self.at(name), other.kind())),
        }
    }

    /// The items of a list, each with its place; empty where the list is absent.
    ///
    /// # Errors
    /// It is something else.
    pub fn list(&mut self, name: &str) -> Result<Vec<(String, Json)>, Wrong> {
        Ok(self.list_or_none(name)?.unwrap_or_default())
    }

    /// The items of a list, each with its place; `None` where it is absent or null.
    fn list_or_none(&mut self, name: &str) -> Result<Option<Vec<(String, Json)>>, Wrong> {
        let at = self.at(name);
        match self.optional(name) {
            None => Ok(None),
            Some(Json::List(items)) => {
                let placed = items.into_iter().enumerate().map(|(index, item)| (format!("{at}[{index}]"), item));
                Ok(Some(placed.collect()))
            }
            Some(other) => Err(format!("{at} is {} and not a list", other.kind())),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A field that was not taken.
    pub fn end(self) -> Result<(), Wrong> {
        match self.entries.first() {
            Some((key, _)) => Err(format!("{} is no field that is known", self.at(&key.escape_debug().to_string()))),
            None => Ok(()),
        }
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the document" } else { path }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_duplicate_key_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse(text.as_bytes()).unwrap_err().contains("stands there twice"), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for text in ["", "{", "{\"a\":1}x", "{\"a\":01}", "[1,]", "nul", "\"\u{1}\"", "{\"a\":\"\\ud800\"}"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn a_field_that_nobody_asked_for_is_refused() {
        let mut fields = Fields::of(parse(br#"{"a":1,"b":-1}"#).unwrap(), "x").unwrap();
        assert_eq!(fields.number("a"), Ok(1));
        assert!(fields.end().unwrap_err().contains("x.b is no field"));
    }
}
