//! Indexes and constraints of a definition.

use super::cursor::{Cursor, names, pieces};
use super::lex::Token;
use super::text::expression;
use super::{CheckConstraint, ForeignKey, IndexDetail, IndexKind, KeyPartDetail};

/// Reads an index whose kind has been read.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn index(kind: IndexKind, cursor: &mut Cursor<'_>) -> Result<IndexDetail, String> {
    let name = match kind {
        IndexKind::Primary => "PRIMARY".to_owned(),
        _ => cursor.name().ok_or("an index has no name")?,
    };
    let parts = cursor.group().ok_or_else(|| format!("index {name} has no columns"))?;
    let parts = pieces(parts).into_iter().map(part).collect::<Result<Vec<_>, String>>()?;
    let mut index = IndexDetail { name, kind, parts, hidden: false, attributes: Vec::new() };
    while let Some(token) = cursor.peek() {
        if cursor.take_words(&["INVISIBLE"]) || cursor.take_words(&["IGNORED"]) {
            index.hidden = true;
        } else if cursor.take_words(&["COMMENT"]) {
            cursor.next();
        } else if !cursor.take_words(&["USING", "BTREE"]) {
            // BTREE is what an index is anyway, and only printed where somebody wrote it.
            index.attributes.push(clause(cursor, token));
        }
    }
    Ok(index)
}

/// A word with its value: `KEY_BLOCK_SIZE=4`, `USING HASH`, `WITH PARSER ngram`.
fn clause(cursor: &mut Cursor<'_>, first: &Token) -> String {
    let all = cursor.rest();
    cursor.next();
    if first.is_word("WITH") {
        cursor.next();
    }
    if cursor.take_mark("=") || first.is_word("WITH") || first.is_word("USING") {
        cursor.next();
    }
    let taken = all.len().saturating_sub(cursor.rest().len());
    expression(all.get(..taken).unwrap_or_default())
}

fn part(tokens: &[Token]) -> Result<KeyPartDetail, String> {
    let mut cursor = Cursor::new(tokens);
    let mut part = KeyPartDetail::default();
    match cursor.group() {
        Some(group) => part.of = format!("({})", expression(group)),
        None => {
            part.of = cursor.name().ok_or("a key part has no column")?;
            let length = cursor.group().map(expression);
            part.length = length.map(|digits| digits.parse().map_err(|_| "a prefix is not a number")).transpose()?;
        }
    }
    part.descending = cursor.take_words(&["DESC"]);
    if !part.descending {
        cursor.take_words(&["ASC"]);
    }
    if !cursor.rest().is_empty() {
        part.attributes.push(expression(cursor.rest()));
    }
    Ok(part)
}

/// Reads a foreign key whose name and `FOREIGN KEY` have been read.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn foreign_key(name: String, cursor: &mut Cursor<'_>) -> Result<ForeignKey, String> {
    let broken = || format!("foreign key {name} is incomplete");
    let columns = names(cursor.group().ok_or_else(broken)?)?;
    if !cursor.take_words(&["REFERENCES"]) {
        return Err(broken());
    }
    let first = cursor.name().ok_or_else(broken)?;
    // `db`.`table`: the point is a word of its own.
    let (referenced_database, referenced_table) = match cursor.take_words(&["."]) {
        true => (Some(first), cursor.name().ok_or_else(broken)?),
        false => (None, first),
    };
    let referenced_columns = names(cursor.group().ok_or_else(broken)?)?;
    let (mut on_delete, mut on_update) = ("RESTRICT".to_owned(), "RESTRICT".to_owned());
    while let Some(token) = cursor.peek() {
        if cursor.take_words(&["ON", "DELETE"]) {
            on_delete = action(cursor).ok_or_else(broken)?;
        } else if cursor.take_words(&["ON", "UPDATE"]) {
            on_update = action(cursor).ok_or_else(broken)?;
        } else {
            return Err(format!("foreign key {name} ends with {token:?}"));
        }
    }
    let constraint = ForeignKey { name, columns, referenced_database, referenced_table, ..ForeignKey::default() };
    Ok(ForeignKey { referenced_columns, on_delete, on_update, ..constraint })
}

fn action(cursor: &mut Cursor<'_>) -> Option<String> {
    let words: [(&[&str], &str); 5] = [
        (&["NO", "ACTION"], "RESTRICT"),
        (&["RESTRICT"], "RESTRICT"),
        (&["CASCADE"], "CASCADE"),
        (&["SET", "NULL"], "SET NULL"),
        (&["SET", "DEFAULT"], "SET DEFAULT"),
    ];
    words.into_iter().find(|(words, _)| cursor.take_words(words)).map(|(_, name)| name.to_owned())
}

/// Reads a CHECK whose name and `CHECK` have been read.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn check(name: String, cursor: &mut Cursor<'_>) -> Result<CheckConstraint, String> {
    let condition = cursor.group().ok_or_else(|| format!("constraint {name} has no condition"))?;
    let enforced = !cursor.take_words(&["NOT", "ENFORCED"]);
    match cursor.peek() {
        None => Ok(CheckConstraint { name, expression: expression(condition), enforced }),
        Some(token) => Err(format!("constraint {name} ends with {token:?}")),
    }
}
