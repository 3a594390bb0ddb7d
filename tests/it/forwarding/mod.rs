//! The forwarding door alone, between real sockets: pools, retries, bodies, cuts and tunnels.

mod edge;
mod grpc;
mod http1;
mod tunnels;
mod upstream;
