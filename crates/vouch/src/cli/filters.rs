//! Filter options, the same for every command that looks at tables.

use clap::Args;
use vouch_compare::FilterSpec;

/// Which databases, tables, engines and columns take part.
#[derive(Clone, Debug, Args)]
#[command(
    next_help_heading = "Filters (lists with commas; * ? [a-z] are wildcards; `backticks` mean a name literally)"
)]
pub struct FilterArgs {
    /// Only these databases
    #[arg(long, value_name = "LIST")]
    pub databases: Vec<String>,
    /// Not these databases
    #[arg(long, value_name = "LIST")]
    pub ignore_databases: Vec<String>,
    /// Only databases whose name this regular expression is found in
    #[arg(long, value_name = "REGEX")]
    pub databases_regex: Vec<String>,
    /// Not databases whose name this regular expression is found in
    #[arg(long, value_name = "REGEX")]
    pub ignore_databases_regex: Vec<String>,
    /// Only these tables: `db.table`, or `table` in any database
    #[arg(long, value_name = "LIST")]
    pub tables: Vec<String>,
    /// Not these tables
    #[arg(long, value_name = "LIST")]
    pub ignore_tables: Vec<String>,
    /// Only tables where this regular expression is found in the name or in `db.table`
    #[arg(long, value_name = "REGEX")]
    pub tables_regex: Vec<String>,
    /// Not tables where this regular expression is found in the name or in `db.table`
    #[arg(long, value_name = "REGEX")]
    pub ignore_tables_regex: Vec<String>,
    /// Only tables of these storage engines [default: all that keep rows which replicate]
    #[arg(long, value_name = "LIST")]
    pub engines: Vec<String>,
    /// Not tables of these storage engines
    #[arg(long, value_name = "LIST")]
    pub ignore_engines: Vec<String>,
    /// Only these columns: `column`, `table.column` or `db.table.column`
    #[arg(long, value_name = "LIST")]
    pub columns: Vec<String>,
    /// Not these columns
    #[arg(long, value_name = "LIST")]
    pub ignore_columns: Vec<String>,
    /// Only columns where this regular expression is found in the name or in `db.table.column`
    #[arg(long, value_name = "REGEX")]
    pub columns_regex: Vec<String>,
    /// Not columns where this regular expression is found in the name or in `db.table.column`
    #[arg(long, value_name = "REGEX")]
    pub ignore_columns_regex: Vec<String>,
}

impl FilterArgs {
    /// The same, for compiling.
    pub fn spec(self) -> FilterSpec {
        FilterSpec {
            databases: self.databases,
            ignore_databases: self.ignore_databases,
            databases_regex: self.databases_regex,
            ignore_databases_regex: self.ignore_databases_regex,
            tables: self.tables,
            ignore_tables: self.ignore_tables,
            tables_regex: self.tables_regex,
            ignore_tables_regex: self.ignore_tables_regex,
            engines: self.engines,
            ignore_engines: self.ignore_engines,
            columns: self.columns,
            ignore_columns: self.ignore_columns,
            columns_regex: self.columns_regex,
            ignore_columns_regex: self.ignore_columns_regex,
        }
    }
}
