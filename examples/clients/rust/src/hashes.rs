//! Hashes over canonical JSON (RFC 8785), JSON as messages carry it, and the form of ids.

use std::path::Path;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::Failure;

/// "sha256:" and the SHA-256 of the canonical form of a JSON value.
pub fn content_hash(value: &Value) -> String {
    let digest = Sha256::digest(canonical(value));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

pub fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("a value that came from JSON is JSON")
}

pub fn is_identifier(text: &str) -> bool {
    let fits = |one: char| matches!(one, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    (1..=128).contains(&text.len()) && text.chars().all(fits) && !text.contains("..")
}

/// A JSON object out of a message; its numbers are doubles.
pub fn from_struct(document: Struct) -> Value {
    let fields = document.fields.into_iter();
    Value::Object(fields.map(|(name, value)| (name, from_value(value))).collect())
}

fn from_value(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(one)) => one.into(),
        Some(Kind::NumberValue(one)) => Number::from_f64(one).map_or(Value::Null, Value::Number),
        Some(Kind::StringValue(one)) => one.into(),
        Some(Kind::ListValue(one)) => one.values.into_iter().map(from_value).collect(),
        Some(Kind::StructValue(one)) => from_struct(one),
    }
}

/// The message of a JSON object; anything else is an empty one.
pub fn to_struct(value: &Value) -> Struct {
    let empty = Map::new();
    let fields = value.as_object().unwrap_or(&empty).iter();
    Struct { fields: fields.map(|(name, one)| (name.clone(), to_value(one))).collect() }
}

fn to_value(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(one) => Kind::BoolValue(*one),
        Value::Number(one) => Kind::NumberValue(one.as_f64().unwrap_or_default()),
        Value::String(one) => Kind::StringValue(one.clone()),
        Value::Array(list) => {
            Kind::ListValue(ListValue { values: list.iter().map(to_value).collect() })
        }
        Value::Object(_) => Kind::StructValue(to_struct(value)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// Compares this program with tests/vectors, as every client of this folder does.
pub fn check_vectors(folder: &str) -> Result<(), Failure> {
    let hashes = read(folder, "canonical_json.json")?;
    let ids = read(folder, "ids.json")?;
    let vectors = listed(&hashes, "vectors");
    for one in vectors {
        let input: Value = serde_json::from_str(text(one, "input"))?;
        let arrived = from_struct(to_struct(&input)); // as a message carries it
        let form = String::from_utf8(canonical(&arrived))?;
        check(form == text(one, "canonical"), &format!("{}: {form}", text(one, "name")))?;
        check(content_hash(&arrived) == text(one, "hash"), text(one, "name"))?;
    }
    for one in listed(&ids, "valid") {
        check(one.as_str().is_some_and(is_identifier), &one.to_string())?;
    }
    for one in listed(&ids, "invalid") {
        check(!is_identifier(text(one, "id")), text(one, "why"))?;
    }
    let count = vectors.len() + listed(&ids, "valid").len() + listed(&ids, "invalid").len();
    println!("vectors {count}");
    Ok(())
}

fn read(folder: &str, name: &str) -> Result<Value, Failure> {
    Ok(serde_json::from_str(&std::fs::read_to_string(Path::new(folder).join(name))?)?)
}

fn listed<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name].as_str().unwrap_or_default()
}

fn check(holds: bool, what: &str) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(what.into())
    }
}
