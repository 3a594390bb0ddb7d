//! `troubleshoot`: the options, checks and lines of the official container's script.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{model_arguments::ModelArguments, run::Verdict, terminal::say};
use crate::{
    config::{Config, TlsSource},
    inspect::{self, CallerToken, Endpoint, Installation, Line},
};

/// What to look at (http-api 6).
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct TroubleshootArguments {
    /// The AI gateway, as HOST:PORT or URL; without it where the configuration lets it listen
    /// [localhost:5052]
    #[arg(long, value_name = "HOST:PORT", value_parser = Endpoint::read)]
    endpoint: Option<Endpoint>,
    #[command(flatten)]
    model: ModelArguments,
    /// The Agent Platform, as HOST:PORT or URL; without it where the configuration lets it listen
    /// [localhost:50052]
    #[arg(long, value_name = "HOST:PORT", value_parser = Endpoint::read)]
    duo_workflow_endpoint: Option<Endpoint>,
    /// A file with a token of GitLab's, for calling a model where the gateway asks for one
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Believe this authority too; a PEM file, may be given several times
    #[arg(long = "ca-file", value_name = "FILE")]
    ca_files: Vec<PathBuf>,
}

/// Looks, and tells each line at once.
pub(super) fn troubleshoot(
    config: &Config,
    arguments: TroubleshootArguments,
) -> anyhow::Result<Verdict> {
    let token = arguments.token_file.as_deref().map(CallerToken::from_file);
    let gateway = arguments.endpoint.unwrap_or_else(|| gateway(config));
    let agent_platform = arguments.duo_workflow_endpoint;
    let agent_platform = agent_platform.unwrap_or_else(|| agent_platform_of(config));
    let installation = Installation {
        config,
        gateway: if config.tls.gateway.is_some() {
            gateway.secured()
        } else {
            gateway
        },
        agent_platform: if config.tls.agent_platform.is_some() {
            agent_platform.secured()
        } else {
            agent_platform
        },
        model: arguments.model.read(),
        token: token.transpose()?,
        ca_files: authorities(config, arguments.ca_files),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("troubleshoot cannot start")?;
    let outcome = runtime.block_on(inspect::troubleshoot(&installation, print));
    // a resolver that does not answer must not hold up the end
    runtime.shutdown_background();
    Ok(if outcome? {
        Verdict::Well
    } else {
        Verdict::Problems
    })
}

fn print(line: &Line) {
    say(&line.text);
    if let Some(remedy) = &line.remedy {
        say(&format!("   -> {remedy}"));
    }
}

/// Where a gateway with this configuration is asked.
fn gateway(config: &Config) -> Endpoint {
    let own = config
        .listen
        .gateway
        .map(|own| format!("localhost:{}", own.port()));
    read(own.or_else(|| https(config)), "localhost:5052")
}

fn agent_platform_of(config: &Config) -> Endpoint {
    let own = config.listen.agent_platform;
    let own = own.map(|own| format!("localhost:{}", own.port()));
    read(own.or_else(|| https(config)), "localhost:50052")
}

/// The port for everything, under the name of its certificate.
fn https(config: &Config) -> Option<String> {
    let (name, port) = (config.domains.first()?, config.listen.https?.port());
    Some(format!("https://{name}:{port}"))
}

fn read(found: Option<String>, documented: &str) -> Endpoint {
    let found = found.and_then(|found| Endpoint::read(&found).ok());
    found
        .or_else(|| Endpoint::read(documented).ok())
        .expect("the documented endpoint is one")
}

/// Whose certificates a client on this host would believe, those of our own ports included.
fn authorities(config: &Config, given: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = given;
    files.extend(config.upstream.ca_files.iter().cloned());
    let ports = [&config.tls.gateway, &config.tls.agent_platform];
    let certificates = ports
        .into_iter()
        .flatten()
        .map(|port| port.files.certificate.clone());
    let mut own: Vec<PathBuf> = certificates.collect();
    if config.tls.source == TlsSource::Internal {
        own.push(config.tls.state.join("internal/root.pem"));
    }
    // what is not there yet is nothing to believe
    files.extend(own.into_iter().filter(|file| file.exists()));
    files
}

const AFTER_HELP: &str = "\
Run it on the gateway's own host, with its variables or its --config FILE. It changes nothing; a token is
needed only where a model is to be called and the gateway asks for one.

Exit codes: 0 all is well (there may be notes), 1 problems, 2 wrong usage.";
