//! Reading one table on one session.

use crate::definition;
use crate::fold::{Folded, spelled};
use crate::ranges;
use crate::request::{DefinitionForm, Fold, Reading, Request, Trouble};
use vouch_manifest::Method;
use vouch_server::{Checksum, Fault, Result, ServerError, Session, TableDefinition};

/// What reading came to, but for what is worth another attempt.
pub type Read = std::result::Result<Reading, (Trouble, String)>;

/// Reads what is wanted of a table.
///
/// # Errors
/// Those of the server.
pub fn table(session: &mut Session, request: &Request) -> Result<Read> {
    let needs_definition =
        request.definition != DefinitionForm::Unasked || request.method != Some(Method::ChecksumTable);
    let definition = match needs_definition {
        true => Some(session.definition(&request.name)?),
        false => None,
    };
    if definition.as_ref().is_some_and(|definition| definition.columns.is_empty()) {
        return Ok(Err(missing()));
    }
    let definition_digest = match (request.definition, &definition) {
        (DefinitionForm::V1, Some(definition)) => Some(definition::of_table(definition)),
        (DefinitionForm::V2, Some(definition)) => {
            Some(definition::v2_of_table(definition, &session.full_definition(&request.name)?))
        }
        (DefinitionForm::Unasked, _) | (_, None) => None,
    };
    let mut reading = Reading { definition_digest, ..Reading::default() };
    match (request.method, &definition) {
        (Some(Method::ChecksumTable), _) => match session.checksum_table(&request.name)? {
            Checksum::Value(value) => reading.value = value.to_string(),
            Checksum::Missing => return Ok(Err(missing())),
            Checksum::NotATable => return Ok(Err(not_a_table())),
        },
        (Some(Method::RowCount), _) => {
            let rows = session.count_rows(&request.name)?;
            (reading.rows, reading.value) = (Some(rows), rows.to_string());
        }
        (Some(Method::RowSha256), Some(definition)) => rows(session, request, definition, &mut reading)?,
        (Some(Method::RowSha256Tree | Method::RowLthash), Some(definition)) => {
            ranges::read(session, request, definition, &mut reading)?;
        }
        _ => {}
    }
    if request.count && reading.rows.is_none() && request.method.is_some() {
        reading.rows = Some(session.count_rows(&request.name)?);
    }
    Ok(Ok(reading))
}

/// What is said of a table that is not there.
pub fn missing() -> (Trouble, String) {
    (Trouble::Missing, "there is no such table, or the account may not see it".to_owned())
}

/// What is said of a name that is no table.
pub fn not_a_table() -> (Trouble, String) {
    (Trouble::Error, "it is a view or another object without rows of its own".to_owned())
}

fn rows(session: &mut Session, request: &Request, definition: &TableDefinition, reading: &mut Reading) -> Result<()> {
    let fold = request.fold.unwrap_or_else(|| definition::fold_of(definition));
    if fold == Fold::Xor && session.digests_rows(definition) {
        let (rows, digest) = session.row_digest(&request.name, definition)?;
        (reading.rows, reading.value) = (Some(rows), spelled(fold, &digest));
        return Ok(());
    }
    let mut folded = Folded::new(fold);
    session.encoded_rows(&request.name, definition, |row| folded.add(row))?;
    (reading.rows, reading.value) = (Some(folded.rows), folded.value());
    Ok(())
}

/// What an error of the server says about the table, unless another attempt may help.
pub fn trouble(error: &ServerError) -> (Trouble, String) {
    let kind = match error.fault {
        Fault::Missing => Trouble::Missing,
        Fault::Timeout => Trouble::Timeout,
        _ => Trouble::Error,
    };
    (kind, error.message.clone())
}
