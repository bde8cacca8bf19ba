//! The partitions of a definition.

use super::Partitioning;
use super::cursor::{Cursor, pieces};
use super::lex::Token;
use super::text::expression;

/// Reads what follows `PARTITION BY`.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn parse(tokens: &[Token]) -> Result<Partitioning, String> {
    let list_at = tokens
        .windows(2)
        .position(|pair| matches!(pair, [open, word] if open.is_mark("(") && word.is_word("PARTITION")));
    let (scheme, list) = tokens.split_at(list_at.unwrap_or(tokens.len()));
    let mut partitions = Vec::new();
    let mut cursor = Cursor::new(list);
    if let Some(group) = cursor.group() {
        for piece in pieces(group) {
            partition(piece, "PARTITION", &mut partitions)?;
        }
    }
    match cursor.peek() {
        Some(token) => Err(format!("the partitions are followed by {token:?}")),
        None => Ok(Partitioning { scheme: expression(&bare(scheme)), partitions }),
    }
}

/// Names without their backticks: some versions print them, and some do not.
fn bare(tokens: &[Token]) -> Vec<Token> {
    let bare = |token: &Token| match token {
        Token::Name(name) => Token::Word(name.clone()),
        other => other.clone(),
    };
    tokens.iter().map(bare).collect()
}

/// Reads a partition, or a subpartition, and what is inside.
fn partition(tokens: &[Token], word: &str, into: &mut Vec<(String, String)>) -> Result<(), String> {
    let mut cursor = Cursor::new(tokens);
    if !cursor.take_words(&[word]) {
        return Err("a partition is expected".to_owned());
    }
    let name = cursor.name().ok_or("a partition has no name")?;
    let mut clause: Vec<Token> = Vec::new();
    let mut inner = Vec::new();
    while let Some(token) = cursor.peek() {
        let subpartitions =
            matches!(cursor.rest(), [open, word, ..] if open.is_mark("(") && word.is_word("SUBPARTITION"));
        if place_or_comment(&mut cursor) {
        } else if subpartitions {
            for piece in pieces(cursor.group().ok_or("a list of subpartitions has no end")?) {
                partition(piece, "SUBPARTITION", &mut inner)?;
            }
        } else {
            clause.push(token.clone());
            cursor.next();
        }
    }
    into.push((name, without_parentheses(&expression(&bare(&clause)))));
    into.append(&mut inner);
    Ok(())
}

/// MAXVALUE alone is written with parentheses or without.
fn without_parentheses(clause: &str) -> String {
    clause.replace("(maxvalue)", " maxvalue").replace("than  maxvalue", "than maxvalue")
}

/// Passes over the engine, which is the table's, and over what says nothing of the rows.
fn place_or_comment(cursor: &mut Cursor<'_>) -> bool {
    cursor.take_words(&["STORAGE"]);
    let found = ["ENGINE", "COMMENT", "NODEGROUP"].iter().any(|word| cursor.take_words(&[word]))
        || cursor.take_words(&["DATA", "DIRECTORY"])
        || cursor.take_words(&["INDEX", "DIRECTORY"]);
    if found {
        cursor.take_mark("=");
        cursor.next();
    }
    found
}
