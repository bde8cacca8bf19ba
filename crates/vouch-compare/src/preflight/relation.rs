//! Whether a server is a replica of the source at all: directly, through others, or not.

use super::Facts;
use vouch_server::Flavor;

/// How a server stands to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It replicates from the source itself.
    Direct,
    /// It replicates from somebody else, perhaps from a replica of the source.
    Indirect,
    /// It replicates from nobody.
    None,
    /// It may not be seen.
    Unknown,
    /// It is the source itself.
    Itself,
}

/// How `replica` stands to `source`.
pub fn relation(source: &Facts, replica: &Facts) -> Relation {
    let same_uuid = source.identity.uuid == replica.identity.uuid;
    if same_uuid && source.identity.server_id == replica.identity.server_id && source.flavor() == replica.flavor() {
        return Relation::Itself;
    }
    let Some(channels) = &replica.channels else { return Relation::Unknown };
    let from_source = channels.iter().any(|channel| match source.flavor() {
        Flavor::Mysql => channel.source_uuid == source.identity.uuid,
        Flavor::Mariadb => channel.source_id == source.identity.server_id,
    });
    match (channels.is_empty(), from_source) {
        (true, _) => Relation::None,
        (false, true) => Relation::Direct,
        (false, false) => Relation::Indirect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::facts::tests::server;

    #[test]
    fn a_server_is_known_by_its_channels() {
        let source = server("9.7.4", 1);
        let mut replica = server("9.7.4", 2);
        assert_eq!(relation(&source, &replica), Relation::Direct);
        replica.channels.as_mut().unwrap()[0].source_uuid = "uuid-3".to_owned();
        assert_eq!(relation(&source, &replica), Relation::Indirect);
        replica.channels = Some(Vec::new());
        assert_eq!(relation(&source, &replica), Relation::None);
        replica.channels = None;
        assert_eq!(relation(&source, &replica), Relation::Unknown);
        assert_eq!(relation(&source, &source), Relation::Itself);
    }
}
