//! What verdicts rested on, as a recording and back: [`text`], [`read`].

use std::sync::Arc;
use vouch_probe::{ChannelFacts, Facts, History, Moment, NodeFacts};
use vouch_render::json::health::{Fields, Recorded, RecordedNode, read_recording, recording};

/// A recording of moments.
pub fn text(moments: &[Arc<Moment>]) -> String {
    recording(&moments.iter().map(|moment| recorded(moment)).collect::<Vec<_>>())
}

fn recorded(moment: &Moment) -> Recorded {
    let own = |fields: Vec<(&'static str, String)>| -> Fields {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let node = |node: &NodeFacts| RecordedNode {
        fields: own(node.fields()),
        channels: node.channels.iter().map(|channel| own(channel.fields())).collect(),
    };
    Recorded {
        at_ms: moment.facts.at_ms,
        nodes: moment.facts.nodes.iter().map(node).collect(),
        history: Some(moment.history.records()),
    }
}

/// The facts of each moment, and what was remembered, where that is in the recording.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(text: &str) -> Result<Vec<(Facts, Option<History>)>, String> {
    read_recording(text)?.iter().map(moment).collect()
}

fn moment(recorded: &Recorded) -> Result<(Facts, Option<History>), String> {
    let nodes = recorded.nodes.iter().map(node).collect::<Result<_, _>>()?;
    let history = recorded.history.as_deref().map(History::read).transpose().map_err(|error| error.to_string())?;
    Ok((Facts { at_ms: recorded.at_ms, nodes }, history))
}

fn node(recorded: &RecordedNode) -> Result<NodeFacts, String> {
    let mut node = NodeFacts::default();
    let mut fields = recorded.fields.iter();
    fields.try_for_each(|(name, value)| node.set(name, value)).map_err(|error| error.to_string())?;
    for fields in &recorded.channels {
        let mut channel = ChannelFacts::default();
        let mut fields = fields.iter();
        fields.try_for_each(|(name, value)| channel.set(name, value)).map_err(|error| error.to_string())?;
        node.channels.push(channel);
    }
    Ok(node)
}
