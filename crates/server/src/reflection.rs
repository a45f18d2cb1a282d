//! Tells clients the contract, so that `buf curl` and `grpcurl` need no protos.

use tonic_reflection::server::{Builder, Error};

use crate::routes::Routes;

/// Adds reflection, in its version 1 and in the older one that `grpcurl` still speaks. Only what
/// this server serves is listed.
///
/// # Errors
/// The descriptors that were compiled in do not fit together.
pub(crate) fn add(routes: &mut Routes, names: &[&'static str]) -> Result<(), Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(trellis_api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, so that tools can show them.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health")
            .with_service_name("grpc.reflection.v1.ServerReflection");
        names
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
    routes.add(v1.clone(), v1);
    routes.add(v1alpha.clone(), v1alpha);
    Ok(())
}
