//! One spelling for expressions that versions of a server print in several ways.

use super::cursor::group_length;
use super::lex::Token;

/// The expression as text: without the parentheses around it and the introducers of plain ASCII strings,
/// keywords in lower case, and one name for `CURRENT_TIMESTAMP` and for `utf8`.
///
/// Operators are as the server printed them, and its parentheses inside stay: leaving them out
/// would call different expressions equal.
pub fn expression(tokens: &[Token]) -> String {
    let tokens = outermost(tokens);
    let mut text = String::new();
    let mut before: Option<&Token> = None;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at.saturating_add(1));
        if is_introducer(token, next) {
            continue;
        }
        if needs_space(before, token) {
            text.push(' ');
        }
        text.push_str(&spelled(token, next));
        before = Some(token);
    }
    text
}

/// Without parentheses that go around all of it.
fn outermost(tokens: &[Token]) -> &[Token] {
    match tokens {
        [_, inner @ .., _] if group_length(tokens) == Some(tokens.len()) => outermost(inner),
        _ => tokens,
    }
}

/// A character set in front of a string that is the same in each: it is that of whoever created the table.
fn is_introducer(token: &Token, next: Option<&Token>) -> bool {
    match (token, next) {
        (Token::Word(word), Some(Token::Text(text))) => word.starts_with('_') && text.is_ascii(),
        _ => false,
    }
}

fn needs_space(before: Option<&Token>, token: &Token) -> bool {
    let Some(before) = before else { return false };
    let tight_after = before.is_mark("(");
    let tight_before = token.is_mark(")") || token.is_mark(",");
    let call = token.is_mark("(") && matches!(before, Token::Word(word) if !is_operator(word));
    let prefixed = matches!((before, token), (Token::Word(word), Token::Text(_)) if is_prefix(word));
    !(tight_after || tight_before || call || prefixed)
}

/// `b'101'`, `x'6162'` and introducers stand before their string without a space.
fn is_prefix(word: &str) -> bool {
    word.starts_with('_') || matches!(word.to_ascii_lowercase().as_str(), "b" | "x" | "n")
}

fn is_operator(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "and"
            | "or"
            | "xor"
            | "not"
            | "in"
            | "is"
            | "like"
            | "between"
            | "when"
            | "then"
            | "else"
            | "case"
            | "as"
            | "div"
    )
}

fn spelled(token: &Token, next: Option<&Token>) -> String {
    match token {
        Token::Name(name) => format!("`{}`", name.replace('`', "``")),
        Token::Text(text) => quoted(text),
        Token::Mark(mark) => mark.clone(),
        Token::Word(word) => keyword(word, next.is_some_and(|next| next.is_mark("("))),
    }
}

fn keyword(word: &str, is_call: bool) -> String {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "current_timestamp" | "now" | "localtime" | "localtimestamp" => {
            format!("current_timestamp{}", if is_call { "" } else { "()" })
        }
        // Servers before MySQL 8.0.24 and MariaDB 10.6 call utf8mb3 utf8.
        "utf8" => "utf8mb3".to_owned(),
        "_utf8" => "_utf8mb3".to_owned(),
        name if name.starts_with("utf8_") => name.replacen("utf8_", "utf8mb3_", 1),
        _ => lower,
    }
}

/// A string as it would be written; bytes that are no text as `x'…'`.
pub fn quoted(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) if !text.contains('\0') => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\r', "\\r");
            format!("'{escaped}'")
        }
        _ => format!("x'{}'", hexadecimal(text)),
    }
}

/// Two digits a byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::super::lex::tokens;
    use super::*;

    fn of(text: &str) -> String {
        expression(&tokens(text.as_bytes()).unwrap())
    }

    #[test]
    fn spellings_of_one_expression_are_one() {
        assert_eq!(of("((`a` + 1))"), of("`a` + 1"));
        assert_eq!(of("(concat(`b`,_utf8mb4'x'))"), "concat(`b`, 'x')");
        assert_eq!(of("CURRENT_TIMESTAMP"), of("current_timestamp()"));
        assert_eq!(of("CURRENT_TIMESTAMP(3)"), "current_timestamp(3)");
        assert_eq!(of("convert(`a` using utf8)"), of("convert(`a` using utf8mb3)"));
        assert_eq!(of("b'101'"), "b'101'");
    }

    #[test]
    fn different_expressions_stay_different() {
        assert_ne!(of("(`a` + 1) * 2"), of("`a` + (1 * 2)"));
        assert_ne!(of("_latin1'é'"), of("_utf8mb4'é'"));
        assert_ne!(of("'A'"), of("'a'"));
        assert_ne!(of("(`a`) or (`b`)"), of("`a`) or (`b`"));
    }
}
