//! What each agent of a session has read and said.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};

use super::Message;

/// Messages by agent, agents in the order in which they appeared:
/// `{"Chat Agent": [message, …]}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation(Vec<(String, Vec<Message>)>);

impl Conversation {
    /// What an agent has read and said; nothing for one that is new.
    pub fn of(&self, agent: &str) -> &[Message] {
        let mut agents = self.0.iter();
        let found = agents.find(|(name, _)| name == agent);
        found.map_or(&[], |(_, messages)| messages)
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, agent: &str) -> &mut Vec<Message> {
        let known = self.0.iter().position(|(name, _)| name == agent);
        let at = known.unwrap_or_else(|| {
            self.0.push((agent.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        let (_, messages) = self.0.get_mut(at).expect("it was found or pushed");
        messages
    }

    /// The agents.
    pub fn agents(&self) -> impl Iterator<Item = (&str, &[Message])> {
        let agents = self.0.iter();
        agents.map(|(name, messages)| (name.as_str(), messages.as_slice()))
    }
}

impl Serialize for Conversation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (agent, messages) in &self.0 {
            map.serialize_entry(agent, messages)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Conversation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Agents)
    }
}

struct Agents;

impl<'de> Visitor<'de> for Agents {
    type Value = Conversation;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("messages by agent")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut agents = Vec::new();
        while let Some(agent) = map.next_entry()? {
            agents.push(agent);
        }
        Ok(Conversation(agents))
    }
}
