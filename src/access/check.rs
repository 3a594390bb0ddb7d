//! What can be judged of access before anything runs.

use super::{AccessError, Audience, authority::client, own_keys::OwnKeys};
use crate::config::{Config, SigningKeys, Target};

/// Every problem that starting would meet: keys that cannot sign, roots that cannot be read. A
/// door that is forwarded asks for no tokens here.
pub fn check(config: &Config) -> Vec<AccessError> {
    let doors = [
        (&config.gateway, Audience::Gateway),
        (&config.agent_platform, Audience::AgentPlatform),
    ];
    let mut problems = Vec::new();
    for (target, audience) in doors {
        if *target == Target::Builtin {
            problems.extend(of_keys(audience, audience.keys(config)));
        }
    }
    if doors.iter().any(|(target, _)| **target == Target::Builtin) {
        problems.extend(of_files(config));
    }
    problems
}

/// Each half by itself, so that both are told.
fn of_keys(audience: Audience, keys: &SigningKeys) -> Vec<AccessError> {
    let SigningKeys {
        signing,
        validation,
    } = keys.clone();
    let halves = [
        SigningKeys {
            signing,
            validation: None,
        },
        SigningKeys {
            signing: None,
            validation,
        },
    ];
    let read = |half| OwnKeys::read(audience, half).err();
    halves.iter().filter_map(read).collect()
}

fn of_files(config: &Config) -> impl Iterator<Item = AccessError> {
    config.gitlab.iter().filter_map(|instance| {
        // without a file of its own there is nothing that this instance alone could break
        instance.ca_file.as_ref()?;
        client(config, instance.ca_file.as_ref()).err()
    })
}
