//! Reflection, by which tools learn the contract from the server.

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};
use trellis_tests::{Engine, World, refused, run};

async fn ask(
    world: &World,
    request: v1::server_reflection_request::MessageRequest,
) -> v1::server_reflection_response::MessageResponse {
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(world.channel());
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
}

#[tokio::test]
async fn the_services_that_are_served_are_listed() {
    use v1::server_reflection_request::MessageRequest::ListServices;
    use v1::server_reflection_response::MessageResponse::ListServicesResponse;
    run(
        Engine::Sqlite,
        &[("services", "partner")],
        |world| async move {
            let ListServicesResponse(listed) = ask(&world, ListServices(String::new())).await
            else {
                panic!("no list");
            };
            let mut names: Vec<_> = listed
                .service
                .into_iter()
                .map(|service| service.name)
                .collect();
            names.sort();
            assert_eq!(
                names,
                [
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1.ServerReflection",
                    "trellis.partner.v1.PartnerService",
                ]
            );
        },
    )
    .await;
}

#[tokio::test]
async fn the_details_of_errors_are_described_too() {
    use v1::server_reflection_request::MessageRequest::FileContainingSymbol;
    use v1::server_reflection_response::MessageResponse::FileDescriptorResponse;
    run(Engine::Sqlite, &[], |world| async move {
        for symbol in [
            "google.rpc.BadRequest",
            "google.rpc.ErrorInfo",
            "trellis.partner.v1.PartnerService",
        ] {
            let FileDescriptorResponse(found) =
                ask(&world, FileContainingSymbol(symbol.to_owned())).await
            else {
                panic!("{symbol} is not described");
            };
            let bytes = found.file_descriptor_proto.first().unwrap();
            let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
            assert!(
                symbol.starts_with(file.package()),
                "{symbol} in {}",
                file.name()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_older_version_answers_too() {
    run(Engine::Sqlite, &[], |world| async move {
        let mut client =
            v1alpha::server_reflection_client::ServerReflectionClient::new(world.channel());
        let request = v1alpha::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
            ),
        };
        let answers = client
            .server_reflection_info(tokio_stream::once(request))
            .await
            .unwrap();
        assert!(answers.into_inner().message().await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn reflection_is_off_unless_it_is_switched_on() {
    run(
        Engine::Sqlite,
        &[("reflection", "false")],
        |world| async move {
            let mut client =
                v1::server_reflection_client::ServerReflectionClient::new(world.channel());
            let result = client.server_reflection_info(tokio_stream::empty()).await;
            refused(
                result.map(|response| response.map(drop)),
                Code::Unimplemented,
                "NOT_SERVED",
            );
        },
    )
    .await;
}
