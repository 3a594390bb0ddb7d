//! The methods of GitLab's service, and what logs and metrics call them.

/// A method of `DuoWorkflow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Method {
    /// Behind `/DuoWorkflow/`.
    pub(super) name: &'static str,
    /// `UNARY` or `BIDI_STREAMING`.
    pub(super) kind: &'static str,
}

impl Method {
    /// The method at a path, if there is one.
    pub(super) fn at(path: &str) -> Option<Self> {
        let name = path.strip_prefix(SERVICE_PATH)?;
        METHODS.into_iter().find(|method| method.name == name)
    }
}

const fn unary(name: &'static str) -> Method {
    Method {
        name,
        kind: "UNARY",
    }
}

const fn streaming(name: &'static str) -> Method {
    Method {
        name,
        kind: "BIDI_STREAMING",
    }
}

/// Without a package in front (agent-platform 1.1).
const SERVICE_PATH: &str = "/DuoWorkflow/";

const METHODS: [Method; 7] = [
    streaming("ExecuteWorkflow"),
    unary("GenerateToken"),
    unary("ListCapabilities"),
    unary("ListTools"),
    unary("ListFlows"),
    streaming("TrackSelfHostedExecuteWorkflow"),
    unary("ValidateFlowConfig"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::proto::duo_workflow_server;

    #[test]
    fn methods_are_those_of_the_contract() {
        assert_eq!(
            SERVICE_PATH,
            format!("/{}/", duo_workflow_server::SERVICE_NAME)
        );
        let contract = include_str!("../../proto/duo_workflow.proto");
        let contract: Vec<_> = contract
            .lines()
            .filter_map(|line| line.trim().strip_prefix("rpc "))
            .collect();
        assert_eq!(contract.len(), METHODS.len());
        for method in METHODS {
            let line = contract
                .iter()
                .find(|line| line.starts_with(&format!("{}(", method.name)));
            let streams = line.unwrap().contains("(stream ");
            assert_eq!(streams, method.kind == "BIDI_STREAMING", "{method:?}");
        }
        assert_eq!(Method::at("/DuoWorkflow/"), None);
        assert_eq!(Method::at("/DuoWorkflow/ListTools/"), None);
        assert_eq!(Method::at("/x.DuoWorkflow/ListTools"), None);
    }
}
