//! `doctor`: what it found, for people and for programs.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::{model_arguments::ModelArguments, run::Verdict, terminal::say};
use crate::{
    foundation::SystemClock,
    inspect::{self, CallerToken, Finding, GitlabSettings, Outcome, Place, Questions, Report},
};

/// What to look at, and how.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct DoctorArguments {
    /// The URL that GitLab is given as "Local AI Gateway URL"
    #[arg(long, value_name = "https://NAME", value_parser = Place::from_url)]
    url: Place,
    /// Look for gRPC there and not on the port of the URL
    #[arg(long, value_name = "NAME:PORT", value_parser = Place::from_target)]
    grpc: Option<Place>,
    /// Believe this authority too; a PEM file, may be given several times
    #[arg(long = "ca-file", value_name = "FILE")]
    ca_files: Vec<PathBuf>,
    /// Dial this address whatever DNS says, for a server whose name does not point to it yet
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Where challenges and redirects are served, if a test has moved port 80
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    http_port: u16,
    /// The longest time for one step
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// A file with a token of GitLab's: looks whether one is asked for and this one is taken
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Looks, and tells.
pub(super) fn doctor(arguments: DoctorArguments) -> anyhow::Result<Verdict> {
    let json = arguments.json;
    let token = arguments.token_file.as_deref().map(CallerToken::from_file);
    let questions = Questions {
        url: arguments.url,
        grpc: arguments.grpc,
        ca_files: arguments.ca_files,
        address: arguments.address,
        clear_port: arguments.http_port,
        patience: Duration::from_secs(arguments.timeout),
        token: token.transpose()?,
        model: arguments.model.read(),
        clock: Arc::new(SystemClock),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the doctor cannot start")?;
    let report = runtime.block_on(inspect::examine(&questions));
    // a resolver that does not answer must not hold up the end
    runtime.shutdown_background();
    let report = report?;
    say(&if json {
        format!("{:#}", as_json(&report))
    } else {
        as_text(&report)
    });
    Ok(match report.count(Outcome::Problem) {
        0 => Verdict::Well,
        _ => Verdict::Problems,
    })
}

fn as_text(report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().flat_map(line).collect();
    lines.push(String::new());
    lines.push(sum(report));
    lines.extend(settings(&report.settings));
    lines.join("\n")
}

fn line(finding: &Finding) -> Vec<String> {
    let Finding {
        subject,
        outcome,
        seen,
        remedy,
    } = finding;
    let mut lines = vec![format!("{:<8} {subject:<13} {seen}", outcome.as_str())];
    if let Some(remedy) = remedy {
        lines.push(format!("{:<8} {:<13} -> {remedy}", "", ""));
    }
    lines
}

fn sum(report: &Report) -> String {
    let count = |outcome, one: &str, many: &str| match report.count(outcome) {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let problems = count(Outcome::Problem, "problem", "problems");
    let warnings = count(Outcome::Warning, "warning", "warnings");
    format!("{problems}, {warnings}")
}

fn settings(settings: &GitlabSettings) -> Vec<String> {
    let (on, variable) = if settings.secure {
        ("on", "leave unset, or \"true\"")
    } else {
        ("off", "\"false\"")
    };
    let mut lines = vec![
        String::new(),
        "Type into GitLab (Admin > GitLab Duo > Change configuration):".to_owned(),
        format!("  {:<54} {}", GATEWAY_URL, settings.gateway_url),
        format!("  {:<54} {}", AGENT_PLATFORM, settings.agent_platform),
        format!("  {SECURE:<54} {on}"),
        format!(
            "  {:<54} {variable}",
            "up to GitLab 18.9: DUO_AGENT_PLATFORM_SERVICE_SECURE"
        ),
    ];
    if settings.private_authority {
        lines.push(
            "The certificate is from a private authority: its root belongs into \
             /etc/gitlab/trusted-certs on GitLab's hosts (then gitlab-ctl reconfigure)."
                .to_owned(),
        );
    }
    lines
}

fn as_json(report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.subject,
                "outcome": finding.outcome.as_str(),
                "seen": finding.seen,
                "remedy": finding.remedy,
            })
        })
        .collect();
    json!({
        "checks": findings,
        "problems": report.count(Outcome::Problem),
        "warnings": report.count(Outcome::Warning),
        "gitlab": {
            "ai_gateway_url": report.settings.gateway_url,
            "duo_agent_platform_service_url": report.settings.agent_platform,
            "duo_agent_platform_service_secure": report.settings.secure,
            "private_authority": report.settings.private_authority,
        },
    })
}

const GATEWAY_URL: &str = "Local AI Gateway URL";
const AGENT_PLATFORM: &str = "Local URL for the GitLab Duo Agent Platform service";
const SECURE: &str = "Use TLS for the GitLab Duo Agent Platform service";

const AFTER_HELP: &str = "\
Run it on GitLab's own host: what matters is what GitLab sees. It changes nothing, and sends no token
but the one of --token-file, and that only where the certificate is believed.

Exit codes: 0 no problem (there may be warnings), 1 problems, 2 wrong usage.";
