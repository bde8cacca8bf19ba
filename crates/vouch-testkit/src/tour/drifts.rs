//! What is put on a replica of the tour: [`plant`].

use super::shop::DATABASE;
use crate::DiffKind::{ReplicaOnly, SourceOnly};
use crate::{Expected, Result, Server, drift};

/// A drift that was put on a replica.
#[derive(Clone, Debug)]
pub struct Planted {
    /// Where, what, and which rows must be found.
    pub drifted: drift::Drifted,
    /// Why the checksum of [`Planted::folds_alike`] does not see it.
    pub why_unseen: &'static str,
    /// The columns that are folded, and the conditions of the chunks with the drift in it.
    folded: (&'static str, Vec<String>),
}

impl Planted {
    /// Whether the checksum that is in wide use, row count and `BIT_XOR(CRC32(row))` of every chunk of
    /// the source, is the same on both servers although the rows are not.
    pub fn folds_alike(&self, source: &Server, replica: &Server) -> Result<bool> {
        let (columns, chunks) = &self.folded;
        for chunk in chunks {
            let sql = format!(
                "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', {columns}))) FROM {} WHERE {chunk}",
                self.drifted.table
            );
            if source.query_strings(&sql)? != replica.query_strings(&sql)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Puts a drift of every kind on `replica`, whose tables were made for `rows` rows. Nothing of it is logged.
pub fn plant(replica: &Server, rows: u64) -> Result<Vec<Planted>> {
    let drifts = [swap(), same_change(), duplicates(), gap(rows * 12 / 100), null_key(), separator()];
    drifts
        .into_iter()
        .map(|(planted, sql)| drift::sql(replica, &format!("USE {DATABASE}; {sql}")).map(|()| planted))
        .collect()
}

struct Words {
    table: &'static str,
    what: String,
    why_unseen: &'static str,
}

fn planted(words: Words, columns: &'static str, chunks: Vec<String>, rows: Vec<Expected>) -> Planted {
    let Words { table, what, why_unseen } = words;
    let drifted = drift::Drifted { table: format!("{DATABASE}.{table}"), what, rows };
    Planted { drifted, why_unseen, folded: (columns, chunks) }
}

fn swap() -> (Planted, String) {
    let words = Words {
        table: "accounts",
        what: "the balances of accounts 1 and 2 swapped".to_owned(),
        why_unseen: "equal changes of two rows cancel under XOR",
    };
    let rows = [1, 2].map(|id| Expected::changed("id", id, &["balance"])).to_vec();
    let planted = planted(words, "id, owner, balance, changed_at", vec!["id BETWEEN 1 AND 100".to_owned()], rows);
    (planted, "UPDATE accounts SET balance = 2003 - balance WHERE id IN (1, 2)".to_owned())
}

fn same_change() -> (Planted, String) {
    let words = Words {
        table: "orders",
        what: "the dates of orders 101 and 102 moved by a day".to_owned(),
        why_unseen: "equal changes of two rows cancel under XOR",
    };
    let rows = [101, 102].map(|id| Expected::changed("id", id, &["placed_at"])).to_vec();
    let planted =
        planted(words, "id, account, item, placed_at, total, status", vec!["id BETWEEN 1 AND 200".to_owned()], rows);
    (planted, "UPDATE orders SET placed_at = placed_at + INTERVAL 1 DAY WHERE id IN (101, 102)".to_owned())
}

fn duplicates() -> (Planted, String) {
    let words = Words {
        table: "audit_log",
        what: "two identical rows replaced by two other identical ones".to_owned(),
        why_unseen: "two equal rows cancel under XOR",
    };
    let rows = vec![Expected::multiset(SourceOnly, 2), Expected::multiset(ReplicaOnly, 2)];
    let planted = planted(words, "at, actor, action", vec!["actor <> 'shop'".to_owned()], rows);
    (planted, "UPDATE audit_log SET action = 'refunded 90.00' WHERE actor = 'anna'".to_owned())
}

fn gap(rows: u64) -> (Planted, String) {
    let (before, after) = (rows / 2, rows / 2 + 1001);
    let id = before + 500;
    let words = Words {
        table: "invoices",
        what: format!("row {id} added between the keys {before} and {after}"),
        why_unseen: "chunks that end at keys of the source leave the gap to nobody",
    };
    let chunks = vec![format!("id BETWEEN 1 AND {before}"), format!("id >= {after}")];
    let planted = planted(words, "id, number, amount, due", chunks, vec![Expected::replica_only("id", id)]);
    (planted, format!("INSERT INTO invoices VALUES ({id}, 'R-X', 990.00, '2024-05-05')"))
}

fn null_key() -> (Planted, String) {
    let words = Words {
        table: "coupons",
        what: "in a row whose only key is NULL, 20 turned into 90".to_owned(),
        why_unseen: "NULL is in no range of keys",
    };
    let rows = vec![Expected::multiset(SourceOnly, 1), Expected::multiset(ReplicaOnly, 1)];
    let planted = planted(words, "code, percent, note", vec!["code >= ''".to_owned()], rows);
    (planted, "UPDATE coupons SET percent = 90 WHERE code IS NULL AND percent = 20".to_owned())
}

fn separator() -> (Planted, String) {
    let words = Words {
        table: "parts",
        what: "('a#b', 'c') of row 7 turned into ('a', 'b#c')".to_owned(),
        why_unseen: "both are a#b#c once the columns are joined",
    };
    let rows = vec![Expected::changed("id", 7, &["maker", "model"])];
    let planted = planted(words, "id, maker, model", vec!["id >= 1".to_owned()], rows);
    (planted, "UPDATE parts SET maker = 'a', model = 'b#c' WHERE id = 7".to_owned())
}
