//! Holds every answer that a test gets against the contract.
//!
//! What a typed client calls goes through a [`Witness`]. It reads the status of each answer, from its
//! headers or from its trailers, and fails the test on the spot when a method answers an error that
//! its comment does not list. So all tests together look for errors that nobody wrote down, whatever
//! else they are about. Nothing is gathered until the end, so it does not matter which tests run, in
//! which order and in how many processes.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use crate::contract::Contract;

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// A channel whose answers are held against the contract.
#[derive(Clone, Debug)]
pub struct Witness(pub(crate) Channel);

type Answer = Result<http::Response<Body>, tonic::transport::Error>;

impl Service<http::Request<Body>> for Witness {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let answer = Service::call(&mut self.0, request);
        Box::pin(async move {
            let response = answer.await?;
            witness(&CONTRACT, &path, response.headers());
            Ok(response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    if let Some(trailers) = frame.trailers_ref() {
                        witness(&CONTRACT, &path, trailers);
                    }
                    frame
                }))
            }))
        })
    }
}

/// Fails when these headers tell an error that the method may not answer.
fn witness(contract: &Contract, path: &str, headers: &http::HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    let Some(info) = status.get_details_error_info() else {
        return;
    };
    if let Err(fault) = contract.allows(path, status.code(), &info.reason) {
        panic!("{fault}: {}", status.message());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/trellis.partner.v1.PartnerService/GetPartner";

    fn told(code: tonic::Code, reason: &str) -> http::HeaderMap {
        let details = tonic_types::ErrorDetails::with_error_info(reason, "trellis.dev", []);
        let status = Status::with_error_details(code, "no", details);
        status.into_http::<Body>().headers().clone()
    }

    #[test]
    fn what_a_method_lists_passes() {
        witness(
            &CONTRACT,
            PATH,
            &told(tonic::Code::NotFound, "RESOURCE_NOT_FOUND"),
        );
        witness(&CONTRACT, PATH, &told(tonic::Code::Internal, "INTERNAL"));
        witness(&CONTRACT, PATH, &http::HeaderMap::new());
    }

    #[test]
    #[should_panic(expected = "GetPartner answered ETAG_MISMATCH, which its comment does not list")]
    fn what_a_method_does_not_list_fails_the_test() {
        witness(
            &CONTRACT,
            PATH,
            &told(tonic::Code::Aborted, "ETAG_MISMATCH"),
        );
    }
}
