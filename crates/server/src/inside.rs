//! Calls the server's own services from inside, as a client would call them.

use std::convert::Infallible;

use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Request as HttpRequest, Response};
use prost::bytes::{Buf as _, BufMut as _};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Status};
use tower::util::BoxCloneSyncService;
use trellis_platform::event::Inside;

use crate::layers::Serve;

/// The services, and what is around them for calls from inside.
pub(crate) struct Within(BoxCloneSyncService<HttpRequest<Body>, Response<Body>, Infallible>);

impl Within {
    pub(crate) fn new(services: impl Serve) -> Self {
        Self(BoxCloneSyncService::new(services))
    }
}

impl Inside for Within {
    fn call(
        &self,
        method: &'static str,
        request: Request<Vec<u8>>,
    ) -> BoxFuture<'static, Result<Vec<u8>, Status>> {
        // What one page holds is bounded by how many resources it has, and nothing of it is kept.
        let mut client = Grpc::new(self.0.clone()).max_decoding_message_size(usize::MAX);
        Box::pin(async move {
            let path = PathAndQuery::from_static(method);
            let answer = client.unary(request, path, Plain).await?;
            Ok(answer.into_inner())
        })
    }
}

/// Messages as their bytes.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(bytes.into()))
    }
}
