//! Reflection: clients such as grpcurl ask which methods there are. Off unless the operator wants
//! it (`pages.grpc_reflection`).

use http::{Request, Response};
use tonic::{Status, body::Body, codegen::Service};
use tonic_reflection::server::{Builder, Error};

use super::proto;
use crate::http::RequestBody;

/// Answers a call. The service is made for each: hardly anybody ever asks, and what it knows would
/// lie in memory for nobody.
pub(super) async fn answer(request: Request<RequestBody>) -> Response<Body> {
    let is_current = request.uri().path().starts_with(CURRENT);
    let answered = if is_current {
        match builder().build_v1() {
            Ok(mut server) => server.call(request).await,
            Err(error) => Ok(broken(&error)),
        }
    } else {
        match builder().build_v1alpha() {
            Ok(mut server) => server.call(request).await,
            Err(error) => Ok(broken(&error)),
        }
    };
    let Ok(response) = answered;
    response
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTION)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn broken(error: &Error) -> Response<Body> {
    Status::internal(error.to_string()).into_http()
}

/// Where the methods of both versions are.
pub(super) const REFLECTION_PATH: &str = "/grpc.reflection.";

const CURRENT: &str = "/grpc.reflection.v1.ServerReflection/";
