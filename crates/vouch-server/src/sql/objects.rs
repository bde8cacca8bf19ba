//! Views, routines, triggers and events: what a database has besides tables.

use crate::session::{Result, Session};
use crate::sql::decode;
use mysql_common::Row;

/// A view, routine, trigger or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// `view`, `procedure`, `function`, `trigger`, `event`.
    pub kind: String,
    /// The database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// What it is made of, one part after the other; `None` when the account may not see it.
    pub definition: Option<Vec<String>>,
    /// What else decides over what it does: the character sets it was created under; of an event, when it runs.
    pub circumstances: Vec<String>,
    /// Whether an event runs; `None` for everything else.
    pub state: Option<EventState>,
}

/// Whether an event runs. It differs between a source and its replicas on purpose, so it is no part of a definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventState {
    /// It runs.
    Enabled,
    /// Somebody disabled it.
    Disabled,
    /// It came by replication, and so it does not run on a replica; nor after a failover, unless it is enabled.
    DisabledOnReplica,
    /// A state that is not known.
    Other(String),
}

impl EventState {
    fn of(status: &str) -> Self {
        match status {
            "ENABLED" => EventState::Enabled,
            "DISABLED" => EventState::Disabled,
            // MySQL renamed it in 8.0; MariaDB kept the old name.
            "SLAVESIDE_DISABLED" | "REPLICA_SIDE_DISABLED" => EventState::DisabledOnReplica,
            other => EventState::Other(other.to_owned()),
        }
    }

    /// As a definition writes it: `ENABLE`, `DISABLE`, `DISABLE ON REPLICA`.
    pub fn name(&self) -> &str {
        match self {
            EventState::Enabled => "ENABLE",
            EventState::Disabled => "DISABLE",
            EventState::DisabledOnReplica => "DISABLE ON REPLICA",
            EventState::Other(name) => name,
        }
    }
}

/// A query per kind; `d`, `n`, `k` name the object, `x` is what may be hidden, `p0` and so on are the other parts,
/// `c0` and so on the circumstances, `s` the state of an event. Digests of definitions rest on the parts: they stay.
const QUERIES: &[&str] = &[
    "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS n, 'view' AS k, NULLIF(VIEW_DEFINITION, '') AS x, CHECK_OPTION AS p0, \
        SECURITY_TYPE AS p1, DEFINER AS p2, CHARACTER_SET_CLIENT AS c0, COLLATION_CONNECTION AS c1 \
        FROM information_schema.VIEWS",
    "SELECT ROUTINE_SCHEMA AS d, ROUTINE_NAME AS n, LOWER(ROUTINE_TYPE) AS k, ROUTINE_DEFINITION AS x, \
        DTD_IDENTIFIER AS p0, IS_DETERMINISTIC AS p1, SQL_DATA_ACCESS AS p2, SECURITY_TYPE AS p3, SQL_MODE AS p4, \
        DEFINER AS p5, CHARACTER_SET_CLIENT AS c0, COLLATION_CONNECTION AS c1, DATABASE_COLLATION AS c2 \
        FROM information_schema.ROUTINES",
    "SELECT TRIGGER_SCHEMA AS d, TRIGGER_NAME AS n, 'trigger' AS k, ACTION_STATEMENT AS x, EVENT_MANIPULATION AS p0, \
        ACTION_TIMING AS p1, EVENT_OBJECT_TABLE AS p2, ACTION_ORDER AS p3, SQL_MODE AS p4, DEFINER AS p5, \
        CHARACTER_SET_CLIENT AS c0, COLLATION_CONNECTION AS c1, DATABASE_COLLATION AS c2 \
        FROM information_schema.TRIGGERS",
    // Whether an event is enabled differs between a source and its replicas, on purpose.
    "SELECT EVENT_SCHEMA AS d, EVENT_NAME AS n, 'event' AS k, EVENT_DEFINITION AS x, EVENT_TYPE AS p0, \
        INTERVAL_VALUE AS p1, INTERVAL_FIELD AS p2, EXECUTE_AT AS p3, SQL_MODE AS p4, DEFINER AS p5, \
        CHARACTER_SET_CLIENT AS c0, COLLATION_CONNECTION AS c1, DATABASE_COLLATION AS c2, STARTS AS c3, ENDS AS c4, \
        ON_COMPLETION AS c5, TIME_ZONE AS c6, STATUS AS s FROM information_schema.EVENTS",
];

const PARAMETERS: &str = "SELECT SPECIFIC_SCHEMA AS d, SPECIFIC_NAME AS n, LOWER(ROUTINE_TYPE) AS k, \
    CONCAT_WS(' ', PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER, CHARACTER_SET_NAME) AS p \
    FROM information_schema.PARAMETERS WHERE ORDINAL_POSITION > 0 \
    ORDER BY SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION";

const SYSTEM: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

fn text(row: &Row, name: &str) -> String {
    decode::text(row, &[name]).unwrap_or_default()
}

fn entry(row: &Row) -> ObjectEntry {
    let parts = (0..6).map(|at| text(row, &format!("p{at}")));
    let definition = decode::text(row, &["x"]).map(|text| std::iter::once(text).chain(parts).collect());
    ObjectEntry {
        kind: text(row, "k"),
        database: text(row, "d"),
        name: text(row, "n"),
        definition,
        circumstances: (0..7).map(|at| text(row, &format!("c{at}"))).collect(),
        state: decode::text(row, &["s"]).map(|status| EventState::of(&status)),
    }
}

impl Session {
    /// Every view, routine, trigger and event that the account may see, but for the system's own.
    ///
    /// # Errors
    /// Those of the server.
    pub fn objects(&mut self) -> Result<Vec<ObjectEntry>> {
        let mut all = Vec::new();
        for query in QUERIES {
            all.extend(self.rows(query, Vec::new())?.iter().map(entry));
        }
        for row in self.rows(PARAMETERS, Vec::new())? {
            let (database, name, kind) = (text(&row, "d"), text(&row, "n"), text(&row, "k"));
            let owner = all.iter_mut().find(|one| one.database == database && one.name == name && one.kind == kind);
            if let Some(definition) = owner.and_then(|owner| owner.definition.as_mut()) {
                definition.push(text(&row, "p"));
            }
        }
        all.retain(|one| !SYSTEM.contains(&one.database.as_str()));
        Ok(all)
    }
}
