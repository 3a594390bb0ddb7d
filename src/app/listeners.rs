//! The addresses that are open now.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Weak},
};

use arc_swap::ArcSwap;

use super::{base::Base, generation::Generation, listen::bind_requests};
use crate::{
    config::Config,
    foundation::{ListenerKind, ShutdownPhase, ShutdownTrigger},
    listener::{self, AcceptSettings, BindRequest, InheritedSockets, Listener, ListenerError},
};

/// A purpose and the address really bound for it.
pub(super) type OpenAddress = (ListenerKind, SocketAddr);

/// Every open address with what closes it.
#[derive(Default)]
pub(super) struct Listeners(Vec<Open>);

struct Open {
    request: BindRequest,
    address: SocketAddr,
    socket: Weak<TcpListener>,
    /// Closes the socket; its connections go on.
    end: ShutdownTrigger,
}

/// What a new configuration means for the addresses.
pub(super) struct Change {
    wanted: Vec<BindRequest>,
    added: Vec<Listener>,
}

impl Listeners {
    /// Opens what is not open yet. Nothing is accepted before [`Self::apply`]; a change that is
    /// dropped leaves everything as it was.
    pub(super) fn prepare(
        &self,
        config: &Config,
        inherited: InheritedSockets,
    ) -> Result<Change, Vec<ListenerError>> {
        let wanted = bind_requests(config);
        let missing: Vec<_> = wanted
            .iter()
            .filter(|request| !self.0.iter().any(|open| open.request == **request))
            .copied()
            .collect();
        let added = listener::bind(&missing, inherited)?;
        Ok(Change { wanted, added })
    }

    /// The addresses once `change` is applied; without one, as they are.
    pub(super) fn addresses(&self, change: Option<&Change>) -> Vec<OpenAddress> {
        let stays =
            |open: &&Open| change.is_none_or(|change| change.wanted.contains(&open.request));
        let kept = self.0.iter().filter(stays);
        let kept = kept.map(|open| (open.request.kind, open.address));
        let added = change.iter().flat_map(|change| &change.added);
        kept.chain(added.map(|listener| (listener.kind(), listener.address())))
            .collect()
    }

    /// The sockets with what was asked for, for a successor.
    pub(super) fn sockets(&self) -> Vec<(SocketAddr, Arc<TcpListener>)> {
        let socket = |open: &Open| Some((open.request.address, open.socket.upgrade()?));
        self.0.iter().filter_map(socket).collect()
    }

    /// Accepts on the new addresses and closes those that nobody wants any more.
    pub(super) fn apply(
        &mut self,
        change: Change,
        base: &Base,
        settings: &Arc<ArcSwap<AcceptSettings>>,
        present: &Arc<ArcSwap<Generation>>,
    ) {
        self.0.retain(|open| {
            let kept = change.wanted.contains(&open.request);
            if !kept {
                open.end.advance(ShutdownPhase::Cut);
                let listener = open.request.kind.as_str();
                tracing::info!(listener, address = %open.address, "closed");
            }
            kept
        });
        for listener in change.added {
            let (end, signal) = ShutdownTrigger::below(&base.shutdown);
            self.0.push(Open {
                request: listener.request(),
                address: listener.address(),
                socket: listener.handle(),
                end,
            });
            let kind = listener.kind();
            let present = Arc::clone(present);
            let on_connection = move |incoming| present.load().receive(incoming);
            let accepting = listener::run(listener, Arc::clone(settings), on_connection, signal);
            // A drain waits for those that may still let somebody in; operators watch it to its end.
            let tasks = if kind.is_operators() {
                &base.tasks
            } else {
                &base.connections
            };
            tasks.spawn("accept", accepting);
        }
    }
}
