//! All that speaks to a server. The only crate with SQL.
//!
//! A [`Target`] says where a server is and who asks; a [`Session`] is one
//! connection with fixed settings, read only but for the replicate table; everything
//! that can be asked is a named operation on it (see the files under `sql/`).

mod address;
mod binlog;
mod capability;
mod deadline;
mod error;
mod flavor;
pub mod gtid;
mod ident;
mod option_file;
mod position;
mod registry;
mod session;
mod sql;
mod target;
mod tls;
mod wire;

pub use binlog::{Change, Image, Reach, RowChange, scan as scan_binlog, scan_since as scan_binlog_since};
pub use capability::{Capabilities, Capability};
pub use error::{Fault, ServerError, Wire};
pub use flavor::{Flavor, Version, parse_version};
pub use ident::TableName;
pub use mysql_common::Value;
pub use position::{LogPlace, Position, PositionKind};
pub use registry::{Addresses, Registry};
pub use session::{Access, Identity, Limits, Result, Session};
pub use sql::checksum::Checksum;
pub use sql::create::{
    CheckConstraint, ColumnDetail, DefaultValue, ForeignKey, FullDefinition, Generated, IndexDetail, IndexKind,
    KeyPartDetail, Language, Partitioning, is_generated_name,
};
pub use sql::digest::{ColumnForm, DigestColumn, ServerDigest, ServerDigestResult};
pub use sql::discovery::ReplicaAddress;
pub use sql::grants::{May, Readable};
pub use sql::guard::Blocking;
pub use sql::health::{ApplierDelay, GroupMember, HealthSettings, HealthStatus, Heartbeat};
pub use sql::listing::{NameFilter, NamePart};
pub use sql::objects::{EventState, ObjectEntry};
pub use sql::order::{Bound, Interval, KeyColumn, KeyKind};
pub use sql::privileges::probe_grants;
pub use sql::replicate::{ChunkRange, ChunkStatement, Expression, PerconaColumn, PerconaForm, ReplicateTable};
pub use sql::replicated::{ChunkRow, TableTotals};
pub use sql::replication::{LogFilter, ReplicaStatus, Waited};
pub use sql::rotation::{PlannedChunk, Rotation, RotationTables, SliceTotals};
pub use sql::rows::{ConvertedColumn, Extent, Reading, RowView};
pub use sql::schema::{Cascade, ColumnEntry, IndexEntry, IndexPart, LastMoment, TableDefinition, TableEntry};
pub use sql::sight::{Databases, Hidden, Sight};
pub use sql::snapshot::LogStatus;
pub use sql::stored_form::StoredForm;
pub use target::{Defaults, DefaultsRequest, Target, TargetError, Tls, TlsMode};
pub use wire::Cell;
