//! A column of a definition.

use super::cursor::Cursor;
use super::lex::Token;
use super::text::{expression, hexadecimal};
use super::{CheckConstraint, ColumnDetail, DefaultValue, Generated};
use crate::flavor::Flavor;

/// Reads a column, and the CHECK that belongs to it.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn parse(tokens: &[Token], flavor: Flavor) -> Result<(ColumnDetail, Option<CheckConstraint>), String> {
    let mut cursor = Cursor::new(tokens);
    let mut column = ColumnDetail { name: cursor.name().ok_or("a column has no name")?, ..ColumnDetail::default() };
    let mut check = None;
    let data_type = data_type(&mut cursor)?;
    let binary = data_type.ends_with("binary") || data_type.ends_with("blob");
    let mut nullable = true;
    while let Some(token) = cursor.peek() {
        if cursor.take_words(&["NOT", "NULL"]) {
            nullable = false;
        } else if skipped(&mut cursor) {
        } else if cursor.take_words(&["DEFAULT"]) {
            column.default = Some(default(&mut cursor, binary)?);
        } else if cursor.take_words(&["ON", "UPDATE"]) {
            column.on_update = Some(expression(operand(&mut cursor)?));
        } else if cursor.take_words(&["AUTO_INCREMENT"]) {
            column.auto_increment = true;
        } else if cursor.take_words(&["INVISIBLE"]) {
            column.invisible = true;
        } else if cursor.take_words(&["GENERATED", "ALWAYS", "AS"]) {
            column.generated = Some(generated(&mut cursor)?);
        } else if cursor.take_words(&["CHECK"]) {
            let expression = expression(cursor.group().ok_or("a CHECK has no condition")?);
            check = Some(CheckConstraint { name: column.name.clone(), expression, enforced: true });
        } else {
            column.attributes.push(attribute(&mut cursor, token));
        }
    }
    // MySQL prints no DEFAULT NULL for these, which have no other constant default.
    if flavor == Flavor::Mysql && nullable && column.generated.is_none() && has_silent_null(&data_type) {
        column.default.get_or_insert(DefaultValue::Null);
    }
    Ok((column, check))
}

fn has_silent_null(data_type: &str) -> bool {
    let shapes =
        ["json", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"];
    data_type.ends_with("text")
        || data_type.ends_with("blob")
        || data_type == "geomcollection"
        || data_type == "geometrycollection"
        || shapes.contains(&data_type)
}

/// Passes over the type, which `information_schema` describes; returns its name.
fn data_type(cursor: &mut Cursor<'_>) -> Result<String, String> {
    let name = cursor.name().ok_or("a column has no type")?;
    cursor.whole_group();
    Ok(name.to_ascii_lowercase())
}

/// What says nothing that is not known from elsewhere, and comments.
fn skipped(cursor: &mut Cursor<'_>) -> bool {
    let single = ["UNSIGNED", "SIGNED", "ZEROFILL", "NULL", "VISIBLE"];
    let takes_one = ["COLLATE", "COMMENT"];
    if single.iter().any(|word| cursor.take_words(&[word])) {
        return true;
    }
    if cursor.take_words(&["CHARACTER", "SET"]) || takes_one.iter().any(|word| cursor.take_words(&[word])) {
        cursor.next();
        return true;
    }
    false
}

fn generated(cursor: &mut Cursor<'_>) -> Result<Generated, String> {
    let expression = match cursor.group() {
        Some(group) => expression(group),
        None if cursor.take_words(&["ROW", "START"]) => "row start".to_owned(),
        None if cursor.take_words(&["ROW", "END"]) => "row end".to_owned(),
        None => return Err("a generated column has no expression".to_owned()),
    };
    let stored = cursor.take_words(&["STORED"]) || cursor.take_words(&["PERSISTENT"]);
    if !stored {
        cursor.take_words(&["VIRTUAL"]);
    }
    Ok(Generated { expression, stored })
}

/// One operand: a constant, a call, or anything in parentheses.
fn operand<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [Token], String> {
    let all = cursor.rest();
    if cursor.whole_group().is_none() {
        let signed = cursor.take_mark("-") || cursor.take_mark("+");
        let first = cursor.next().ok_or("a value is missing")?;
        if matches!(first, Token::Word(_)) && !signed {
            // An introducer or b'…' before its string; the arguments of a function.
            match cursor.peek() {
                Some(Token::Text(_)) => drop(cursor.next()),
                _ => drop(cursor.whole_group()),
            }
        }
    }
    let taken = all.len().saturating_sub(cursor.rest().len());
    all.get(..taken).ok_or_else(|| "a value is missing".to_owned())
}

fn default(cursor: &mut Cursor<'_>, binary: bool) -> Result<DefaultValue, String> {
    let tokens = operand(cursor)?;
    Ok(constant(tokens, binary).unwrap_or_else(|| DefaultValue::Expression(expression(tokens))))
}

/// The value of a constant; `None` for what has to be computed.
fn constant(tokens: &[Token], binary: bool) -> Option<DefaultValue> {
    match tokens {
        [Token::Text(text)] => Some(of_text(text, binary)),
        [Token::Word(word)] if word.eq_ignore_ascii_case("NULL") => Some(DefaultValue::Null),
        [Token::Word(word)] if word.starts_with("0x") => word.get(2..).map(|digits| of_digits(digits.as_bytes())),
        [Token::Word(number)] if is_number(number) => Some(DefaultValue::Literal(number.clone())),
        [Token::Mark(sign), Token::Word(number)] if is_number(number) => Some(signed(sign, number)),
        // MySQL prints -1 in an expression as -(1).
        [Token::Mark(sign), open, Token::Word(number), _] if open.is_mark("(") && is_number(number) => {
            Some(signed(sign, number))
        }
        [Token::Word(mark), Token::Text(digits)] if mark.eq_ignore_ascii_case("x") => Some(of_digits(digits)),
        // (_utf8mb4'abc') of MySQL is 'abc' of MariaDB, and of MySQL without the parentheses; so are (1) and (0x00FF).
        [open, inner @ .., close] if open.is_mark("(") && close.is_mark(")") => match inner {
            [Token::Word(mark), Token::Text(text)] if mark.starts_with('_') && text.is_ascii() => {
                Some(of_text(text, binary))
            }
            inner => constant(inner, binary),
        },
        _ => None,
    }
}

fn signed(sign: &str, number: &str) -> DefaultValue {
    DefaultValue::Literal(format!("{}{number}", sign.trim_start_matches('+')))
}

fn is_number(word: &str) -> bool {
    word.bytes().next().is_some_and(|first| first.is_ascii_digit() || first == b'.')
}

/// Bytes are compared as bytes: MariaDB printed them as text up to 11.4, and as x'…' since.
fn of_text(text: &[u8], binary: bool) -> DefaultValue {
    match std::str::from_utf8(text) {
        Ok(text) if !binary => DefaultValue::Literal(text.to_owned()),
        _ => DefaultValue::Bytes(hexadecimal(text)),
    }
}

fn of_digits(digits: &[u8]) -> DefaultValue {
    DefaultValue::Bytes(String::from_utf8_lossy(digits).to_ascii_lowercase())
}

/// A clause that is compared as text: up to the next one that may begin.
fn attribute(cursor: &mut Cursor<'_>, first: &Token) -> String {
    let all = cursor.rest();
    cursor.next();
    let value = match first {
        Token::Word(word) => ["SRID", "REF_SYSTEM_ID", "COLUMN_FORMAT", "STORAGE", "ENGINE_ATTRIBUTE"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known)),
        _ => false,
    };
    if cursor.take_words(&["SYSTEM", "VERSIONING"]) {
    } else if cursor.take_mark("=") || value {
        cursor.next();
    }
    let taken = all.len().saturating_sub(cursor.rest().len());
    expression(all.get(..taken).unwrap_or_default())
}
