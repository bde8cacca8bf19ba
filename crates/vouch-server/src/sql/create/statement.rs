//! `CREATE TABLE` as a server prints it: a list of columns and keys, options, partitions.

use super::cursor::{Cursor, pieces};
use super::lex::{self, Token};
use super::text::expression;
use super::{FullDefinition, IndexKind, Language, column, key, partition};
use std::collections::BTreeMap;

/// Reads a statement.
///
/// # Errors
/// In words, what was expected and is not there.
pub fn parse(statement: &[u8], language: Language) -> Result<FullDefinition, String> {
    let tokens = lex::tokens(statement)?;
    let mut cursor = Cursor::new(&tokens);
    cursor.take_words(&["CREATE"]);
    cursor.take_words(&["TEMPORARY"]);
    if !cursor.take_words(&["TABLE"]) {
        return Err("it is no CREATE TABLE".to_owned());
    }
    cursor.name().ok_or("the table has no name")?;
    let mut definition = FullDefinition {
        language,
        columns: Vec::new(),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        periods: Vec::new(),
        versioned: false,
        partitioning: None,
        options: BTreeMap::new(),
    };
    for piece in pieces(cursor.group().ok_or("the table has no columns")?) {
        element(piece, &mut definition)?;
    }
    options(&mut cursor, &mut definition)?;
    if cursor.take_words(&["PARTITION", "BY"]) {
        definition.partitioning = Some(partition::parse(cursor.rest())?);
    }
    Ok(definition)
}

/// A column, an index or a constraint.
fn element(tokens: &[Token], definition: &mut FullDefinition) -> Result<(), String> {
    let mut cursor = Cursor::new(tokens);
    if matches!(cursor.peek(), Some(Token::Name(_))) {
        let (column, check) = column::parse(tokens, definition.language.flavor)?;
        definition.columns.push(column);
        definition.checks.extend(check);
        return Ok(());
    }
    if let Some(kind) = index_kind(&mut cursor) {
        definition.indexes.push(key::index(kind, &mut cursor)?);
        return Ok(());
    }
    if cursor.take_words(&["PERIOD", "FOR"]) {
        let name = cursor.name().ok_or("a period has no name")?;
        definition.periods.push(format!("{name} {}", expression_in_parentheses(cursor.rest())));
        return Ok(());
    }
    let name = match cursor.take_words(&["CONSTRAINT"]) {
        true => cursor.name().ok_or("a constraint has no name")?,
        false => String::new(),
    };
    if cursor.take_words(&["FOREIGN", "KEY"]) {
        definition.foreign_keys.push(key::foreign_key(name, &mut cursor)?);
    } else if cursor.take_words(&["CHECK"]) {
        definition.checks.push(key::check(name, &mut cursor)?);
    } else {
        return Err(format!("neither a column nor a key: {}", expression(tokens)));
    }
    Ok(())
}

fn expression_in_parentheses(tokens: &[Token]) -> String {
    format!("({})", expression(tokens))
}

fn index_kind(cursor: &mut Cursor<'_>) -> Option<IndexKind> {
    let kinds: [(&[&str], IndexKind); 6] = [
        (&["PRIMARY", "KEY"], IndexKind::Primary),
        (&["UNIQUE", "KEY"], IndexKind::Unique),
        (&["KEY"], IndexKind::Plain),
        (&["FULLTEXT", "KEY"], IndexKind::Fulltext),
        (&["SPATIAL", "KEY"], IndexKind::Spatial),
        (&["VECTOR", "KEY"], IndexKind::Vector),
    ];
    kinds.into_iter().find(|(words, _)| cursor.take_words(words)).map(|(_, kind)| kind)
}

/// Options that say nothing of the definition, or are known from elsewhere: comments, counters, places, the engine.
const PASSED_OVER: [&str; 7] =
    ["engine", "row_format", "auto_increment", "comment", "data directory", "index directory", "connection"];

fn options(cursor: &mut Cursor<'_>, definition: &mut FullDefinition) -> Result<(), String> {
    while let Some(token) = cursor.peek() {
        if cursor.at_words(&["PARTITION", "BY"]) {
            return Ok(());
        }
        if cursor.take_words(&["WITH", "SYSTEM", "VERSIONING"]) {
            definition.versioned = true;
            continue;
        }
        if cursor.take_words(&["DEFAULT"]) || cursor.take_mark(",") {
            continue;
        }
        let mut name = cursor.name().ok_or_else(|| format!("an option begins with {token:?}"))?.to_ascii_lowercase();
        if cursor.take_words(&["DIRECTORY"]) {
            name.push_str(" directory");
        }
        cursor.take_mark("=");
        let value = option_value(cursor).ok_or_else(|| format!("option {name} has no value"))?;
        if !PASSED_OVER.contains(&name.as_str()) {
            definition.options.insert(name, value);
        }
    }
    Ok(())
}

fn option_value(cursor: &mut Cursor<'_>) -> Option<String> {
    if let Some(group) = cursor.whole_group() {
        return Some(expression(group));
    }
    match cursor.next()? {
        Token::Name(name) => Some(name.clone()),
        token => Some(expression(std::slice::from_ref(token))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DefaultValue, ForeignKey, Generated};
    use super::*;
    use crate::flavor::Flavor;

    fn parsed(statement: &str) -> FullDefinition {
        let language = Language { flavor: Flavor::Mysql, descending: true, hidden_indexes: true, checks: true };
        parse(statement.as_bytes(), language).unwrap()
    }

    fn column<'a>(definition: &'a FullDefinition, name: &str) -> &'a super::super::ColumnDetail {
        definition.columns.iter().find(|column| column.name == name).unwrap()
    }

    /// As MySQL 9.7 prints it.
    const MYSQL: &str = "CREATE TABLE `t` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `a` int DEFAULT '5',
  `b` varchar(20) DEFAULT 'it''s \"x\"',
  `bn` varchar(20) DEFAULT 'NULL',
  `d` datetime DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `g` point NOT NULL /*!80003 SRID 4326 */,
  `bz` varbinary(9) DEFAULT 0x00FF,
  `gv` int GENERATED ALWAYS AS ((`a` + 1)) VIRTUAL,
  `gs` varchar(30) GENERATED ALWAYS AS (concat(`b`,_utf8mb4'x')) STORED,
  `inv` int DEFAULT '3' /*!80023 INVISIBLE */ COMMENT 'c, (x',
  `tx` text DEFAULT (_utf8mb4'abc'),
  `ex` int DEFAULT ((1 + `a`)),
  `en` enum('a,)','it''s') CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'it''s',
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq` (`b`),
  KEY `pre` (`b`(5),`a` DESC) /*!80000 INVISIBLE */,
  KEY `mix` (`id`,((`a` + 1)) DESC) USING BTREE COMMENT 'hi',
  FULLTEXT KEY `ft` (`tx`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `fk1` FOREIGN KEY (`a`, `b`) REFERENCES `other`.`p` (`id`, `x`) ON DELETE CASCADE ON UPDATE SET NULL,
  CONSTRAINT `t_ibfk_1` FOREIGN KEY (`a`) REFERENCES `p` (`k`),
  CONSTRAINT `t_chk_1` CHECK (((`a` > 0) and (`a` < 10))) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci STATS_PERSISTENT=1 COMMENT='PARTITION BY'
/*!50100 PARTITION BY RANGE (year(`d`))
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION p0 VALUES LESS THAN (2020) COMMENT = 'x' ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */";

    /// The same as MariaDB would print it, as far as it can.
    const MARIADB: &str = "CREATE TABLE `t` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `a` int(11) DEFAULT 5,
  `b` varchar(20) DEFAULT 'it''s \"x\"',
  `d` datetime DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `bz` varbinary(9) DEFAULT x'00ff',
  `gv` int(11) GENERATED ALWAYS AS (`a` + 1) VIRTUAL,
  `inv` int(11) INVISIBLE DEFAULT 3 COMMENT 'c, (x',
  `ex` int(11) DEFAULT (1 + `a`),
  `neg` float DEFAULT -1.5,
  `cz` varchar(99) /*M!100301 COMPRESSED*/ DEFAULT NULL,
  `nv` int(11) DEFAULT NULL WITHOUT SYSTEM VERSIONING,
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT json_array() CHECK (json_valid(`j`)),
  `rs` timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE,
  PRIMARY KEY (`id`,`re`),
  UNIQUE KEY `u` (`b`) USING HASH,
  KEY `ig` (`a`) IGNORED,
  PERIOD FOR SYSTEM_TIME (`rs`, `re`),
  CONSTRAINT `CONSTRAINT_1` CHECK (`a` <> 3 or `b` = 'x')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci `PAGE_COMPRESSED`=1 WITH SYSTEM VERSIONING
 PARTITION BY RANGE (year(`d`))
SUBPARTITION BY HASH (`id`)
SUBPARTITIONS 2
(PARTITION `p0` VALUES LESS THAN (2020) ENGINE = InnoDB,
 PARTITION `p1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB)";

    #[test]
    fn columns_are_read() {
        let mysql = parsed(MYSQL);
        assert!(column(&mysql, "id").auto_increment && column(&mysql, "id").default.is_none());
        let default = |name: &str| column(&mysql, name).default.clone().unwrap();
        assert_eq!(default("a"), DefaultValue::Literal("5".into()));
        assert_eq!(default("b"), DefaultValue::Literal("it's \"x\"".into()));
        assert_eq!(default("bn"), DefaultValue::Literal("NULL".into()));
        assert_eq!(default("bz"), DefaultValue::Bytes("00ff".into()));
        assert_eq!(default("tx"), DefaultValue::Literal("abc".into()));
        assert_eq!(default("ex"), DefaultValue::Expression("1 + `a`".into()));
        assert_eq!(default("en"), DefaultValue::Literal("it's".into()));
        assert_eq!(column(&mysql, "d").on_update.as_deref(), Some("current_timestamp()"));
        assert_eq!(
            column(&mysql, "gs").generated,
            Some(Generated { expression: "concat(`b`, 'x')".into(), stored: true })
        );
        assert!(column(&mysql, "inv").invisible);
        assert_eq!(column(&mysql, "g").attributes, ["srid 4326"]);
    }

    #[test]
    fn what_both_flavors_can_say_reads_alike() {
        let (mysql, mariadb) = (parsed(MYSQL), parsed(MARIADB));
        for name in ["id", "a", "b", "d", "bz", "gv", "inv", "ex"] {
            assert_eq!(column(&mysql, name), column(&mariadb, name));
        }
        assert_eq!(mysql.partitioning, mariadb.partitioning);
        assert!(mariadb.versioned && mariadb.periods == ["SYSTEM_TIME (`rs`, `re`)"]);
        assert_eq!(column(&mariadb, "cz").attributes, ["compressed"]);
        assert_eq!(column(&mariadb, "nv").attributes, ["without system versioning"]);
        assert_eq!(column(&mariadb, "neg").default, Some(DefaultValue::Literal("-1.5".into())));
        assert_eq!(mariadb.checks.len(), 2);
        assert_eq!(mariadb.options.get("page_compressed").map(String::as_str), Some("1"));
        assert!(mariadb.indexes.iter().any(|index| index.name == "ig" && index.hidden));
    }

    #[test]
    fn keys_and_constraints_are_read() {
        let mysql = parsed(MYSQL);
        let index = |name: &str| mysql.indexes.iter().find(|index| index.name == name).unwrap();
        assert_eq!(index("pre").parts[0].length, Some(5));
        assert!(index("pre").parts[1].descending && index("pre").hidden);
        assert_eq!(index("mix").parts[1].of, "(`a` + 1)");
        assert!(index("mix").attributes.is_empty() && index("uq").kind == IndexKind::Unique);
        assert_eq!(index("ft").attributes, ["with parser `ngram`"]);
        let expected = ForeignKey {
            name: "fk1".into(),
            columns: vec!["a".into(), "b".into()],
            referenced_database: Some("other".into()),
            referenced_table: "p".into(),
            referenced_columns: vec!["id".into(), "x".into()],
            on_delete: "CASCADE".into(),
            on_update: "SET NULL".into(),
        };
        assert_eq!(mysql.foreign_keys[0], expected);
        assert_eq!(mysql.foreign_keys[1].on_delete, "RESTRICT");
        assert_eq!(mysql.checks[0].expression, "(`a` > 0) and (`a` < 10)");
        assert!(!mysql.checks[0].enforced);
        assert!(!mysql.options.contains_key("auto_increment") && mysql.options.contains_key("charset"));
    }

    #[test]
    fn partitions_are_read() {
        let of =
            |clause: &str| parsed(&format!("CREATE TABLE `t` (`id` int) ENGINE=InnoDB {clause}")).partitioning.unwrap();
        let named = parsed(MYSQL).partitioning.unwrap();
        assert_eq!(named.scheme, "range(year(d)) subpartition by hash(id) subpartitions 2");
        assert_eq!(named.partitions[0], ("p0".to_owned(), "values less than(2020)".to_owned()));
        assert_eq!(of("/*!50100 PARTITION BY KEY () PARTITIONS 3 */").scheme, "key() partitions 3");
        let history = of("PARTITION BY SYSTEM_TIME (PARTITION `p0` HISTORY ENGINE = InnoDB, PARTITION `p1` CURRENT)");
        assert_eq!(history.partitions[1], ("p1".to_owned(), "current".to_owned()));
        let (a, b) = (
            of("PARTITION BY LIST (a) (PARTITION p0 VALUES IN (1,2))"),
            of("PARTITION BY LIST (a) (PARTITION p0 VALUES IN (1,3))"),
        );
        assert_ne!(a, b);
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_no_guess() {
        let language = Language { flavor: Flavor::Mysql, descending: true, hidden_indexes: true, checks: true };
        for statement in [
            "",
            "CREATE TABLE `t`",
            "CREATE TABLE \"t\" (\"id\" int)",
            "CREATE TABLE `t` (`id` int",
            "CREATE VIEW `v` AS SELECT 1",
        ] {
            assert!(parse(statement.as_bytes(), language).is_err(), "{statement}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let language = Language { flavor: Flavor::Mysql, descending: true, hidden_indexes: true, checks: true };
            let mut statement = b"CREATE TABLE `t` (".to_vec();
            statement.extend(bytes);
            drop(parse(&statement, language));
        }
    }
}
