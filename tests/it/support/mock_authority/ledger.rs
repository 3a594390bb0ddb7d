//! Everything the authority remembers.

use std::{
    collections::{HashSet, VecDeque},
    time::{Instant, SystemTime},
};

use serde_json::Value;

use super::{
    account::Account, authorization::Authorization, behaviour::Behaviour, issuer::Issued,
    order::Order, reply::Reply, step::Step,
};

/// Behind one lock.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) behaviour: Behaviour,
    pub(crate) script: VecDeque<(Step, Reply)>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) orders: Vec<Order>,
    pub(crate) authorizations: Vec<Authorization>,
    pub(crate) certificates: Vec<Issued>,
    pub(crate) windows: Vec<(usize, Window)>,
    pub(crate) nonces: HashSet<String>,
    pub(crate) nonce_count: usize,
    pub(crate) signed_count: usize,
    pub(crate) requests: Vec<Recorded>,
    /// Rules that the client broke.
    pub(crate) violations: Vec<String>,
}

/// When a certificate should be renewed.
#[derive(Clone, Debug)]
pub(crate) enum Window {
    Between(SystemTime, SystemTime),
    /// Whatever the test writes.
    Text(String),
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) step: Step,
    pub(crate) path: String,
    /// Null where there was none.
    pub(crate) payload: Value,
    pub(crate) user_agent: String,
    pub(crate) status: u16,
    pub(crate) at: Instant,
}

impl Ledger {
    /// The scripted answer for this step, if there is one.
    pub(crate) fn scripted(&mut self, step: Step) -> Option<Reply> {
        let place = self.script.iter().position(|(at, _)| *at == step)?;
        self.script.remove(place).map(|(_, reply)| reply)
    }

    pub(crate) fn new_nonce(&mut self) -> String {
        self.nonce_count += 1;
        let nonce = format!("nonce-{}", self.nonce_count);
        self.nonces.insert(nonce.clone());
        nonce
    }

    /// How the authorizations of an order stand together.
    pub(crate) fn proved(&self, order: &Order) -> &'static str {
        let mut statuses = order
            .authorizations
            .iter()
            .map(|number| self.authorizations[*number].status);
        if statuses.clone().any(|status| status == "invalid") {
            "invalid"
        } else if statuses.all(|status| status == "valid") {
            "valid"
        } else {
            "pending"
        }
    }

    pub(crate) fn blame(&mut self, words: String) {
        self.violations.push(words);
    }
}
