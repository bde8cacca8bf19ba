//! Whether events run, in words.

use std::collections::BTreeMap;
use vouch_server::{EventState, ObjectEntry};

/// Events that are named in one message.
const NAMED: usize = 10;

/// A sentence for each state that any event is in.
pub fn by_state<'a>(objects: impl Iterator<Item = &'a ObjectEntry>) -> Vec<String> {
    let mut states: BTreeMap<&EventState, Vec<String>> = BTreeMap::new();
    for object in objects {
        if let Some(state) = &object.state {
            states.entry(state).or_default().push(format!("{}.{}", object.database, object.name));
        }
    }
    states.into_iter().map(|(state, names)| sentence(state, &names)).collect()
}

fn sentence(state: &EventState, names: &[String]) -> String {
    let what = match state {
        EventState::Enabled => "run on this server while event_scheduler is ON",
        EventState::Disabled | EventState::DisabledOnReplica => "do not run on this server, also after a failover",
        EventState::Other(_) => "are in a state that is not known",
    };
    let listed = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{} events are in the state {} and {what}: {listed}{more}", names.len(), state.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_a_sentence_and_nothing_else_is() {
        let object = |kind: &str, name: &str, state| ObjectEntry {
            kind: kind.into(),
            database: "d".into(),
            name: name.into(),
            definition: None,
            circumstances: Vec::new(),
            state,
        };
        let all = [
            object("view", "v", None),
            object("event", "a", Some(EventState::Enabled)),
            object("event", "b", Some(EventState::DisabledOnReplica)),
            object("event", "c", Some(EventState::Enabled)),
        ];
        let sentences = by_state(all.iter());
        assert_eq!(sentences.len(), 2);
        assert!(
            sentences[0].starts_with("2 events are in the state ENABLE and run") && sentences[0].ends_with("d.a, d.c")
        );
        assert!(sentences[1].contains("DISABLE ON REPLICA") && sentences[1].ends_with("d.b"));
    }
}
