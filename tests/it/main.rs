//! Behaviour from outside: one file per behaviour.

// `cfg(test)` tells clippy that these are tests, where unwrap and indexing are fine.
#[cfg(test)]
mod access_agent_platform;
#[cfg(test)]
mod access_gateway;
#[cfg(test)]
mod access_hostile;
#[cfg(test)]
mod access_process;
#[cfg(test)]
mod access_sources;
#[cfg(test)]
mod access_tokens;
#[cfg(test)]
mod access_user_tokens;
#[cfg(test)]
mod acme;
#[cfg(test)]
mod acme_authority;
#[cfg(test)]
mod acme_binding;
#[cfg(test)]
mod acme_choices;
#[cfg(test)]
mod acme_faults;
#[cfg(test)]
mod acme_matrix;
#[cfg(test)]
mod acme_refusals;
#[cfg(test)]
mod acme_renewal;
#[cfg(test)]
mod acme_second_server;
#[cfg(test)]
mod acme_shared;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod agent_service;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod builtin;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod certs_command;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod configuration_problems;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod endurance;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod forward_grpc;
#[cfg(test)]
mod forward_http;
#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hand_over;
#[cfg(test)]
mod http1_cases;
#[cfg(test)]
mod http1_connections;
#[cfg(test)]
mod http1_rest;
#[cfg(test)]
mod http2_cases;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod models;
#[cfg(test)]
mod prompts;
#[cfg(test)]
mod proxy_protocol;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod reload_certificates;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod slow_http;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls_grade;
#[cfg(test)]
mod troubleshoot;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod upstream_moves;
#[cfg(test)]
mod watchdog;
#[cfg(test)]
mod websocket;
