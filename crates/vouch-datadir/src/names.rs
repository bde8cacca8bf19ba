//! Names of tables from paths of files: [`table_of`].

use std::path::Path;
use vouch_convert::{hex, narrow};

/// `db.table` of a tablespace in a folder of its database; partitions keep their part of the name.
pub(crate) fn table_of(path: &Path) -> Option<String> {
    let file = path.file_stem()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    Some(format!("{}.{}", decoded(folder), decoded(file)))
}

/// `db.table` of `db/table`, as MariaDB's list of tables has it.
pub(crate) fn named(name: &str) -> String {
    name.split('/').map(decoded).collect::<Vec<_>>().join(".")
}

/// Characters that are not allowed in names of files stand there as `@` and four hexadecimal digits.
fn decoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        let digits = after.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let char = digits.and_then(|digits| narrow::<u32, _>(hex(digits)?)).and_then(char::from_u32);
        match char {
            Some(char) => out.push(char),
            None => out.push('@'),
        }
        rest = if char.is_some() { after.get(4..).unwrap_or_default() } else { after };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_names_are_read() {
        assert_eq!(table_of(Path::new("/d/shop/a@002db.ibd")).as_deref(), Some("shop.a-b"));
        assert_eq!(table_of(Path::new("sh@20acp/t#p#p0.ibd")).as_deref(), Some("sh€p.t#p#p0"));
        assert_eq!(table_of(Path::new("d/@0.ibd")).as_deref(), Some("d.@0"));
        assert_eq!(table_of(Path::new("t.ibd")), None);
        assert_eq!((named("shop/a@002db#P#p0"), named("SYS_FOREIGN")), ("shop.a-b#P#p0".into(), "SYS_FOREIGN".into()));
    }
}
