//! What is hidden from whom: fields of the contract that only the vendor's staff see or set.
//!
//! Hiding happens where an answer is encoded, for every message of every method, by the options of
//! the fields: no handler does it, so none can forget it. Whoever serves a call says whose eyes its
//! answer is for by polling the answer's body [`through`] them.

use std::cell::Cell;
use std::marker::PhantomData;

use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstDecoder, ProstEncoder};
use trellis_core::Eyes;

/// What of a message is not for everybody. The implementations are generated from the descriptors.
pub trait Exposed {
    /// Empties the fields that only the staff see, also in the messages inside.
    fn redact(&mut self) {}

    /// The paths of the fields that are set and that only the staff set, each after `at`.
    fn guarded(&self, _at: &str, _found: &mut Vec<String>) {}

    /// The names of partners that a caller gives in the message.
    fn partners<'a>(&'a self, _found: &mut Vec<&'a str>) {}
}

thread_local! {
    static EYES: Cell<Eyes> = const { Cell::new(Eyes::Staff) };
}

/// Does something that encodes answers for these eyes.
pub fn through<T>(eyes: Eyes, encode: impl FnOnce() -> T) -> T {
    /// Puts back what was there, also when encoding panics.
    struct Before(Eyes);
    impl Drop for Before {
        fn drop(&mut self) {
            EYES.set(self.0);
        }
    }
    let _before = Before(EYES.replace(eyes));
    encode()
}

/// The codec of every method of the contract: prost's, after hiding what is not for the caller.
#[derive(Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: prost::Message + Exposed + Send + 'static,
    U: prost::Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Hiding<T>;
    type Decoder = Plain<U>;

    fn encoder(&mut self) -> Hiding<T> {
        Hiding(ProstEncoder::default())
    }

    fn decoder(&mut self) -> Plain<U> {
        Plain(ProstDecoder::default())
    }
}

/// Encodes what the caller may see of a message.
#[derive(Debug)]
pub struct Hiding<T>(ProstEncoder<T>);

impl<T: prost::Message + Exposed> Encoder for Hiding<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, mut item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        if EYES.get() == Eyes::Partner {
            item.redact();
        }
        self.0.encode(item, buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// Decodes a message.
#[derive(Debug)]
pub struct Plain<U>(ProstDecoder<U>);

impl<U: prost::Message + Default> Decoder for Plain<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.0.decode(buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::v1::{CreatePartnerRequest, ListPartnersResponse, Partner};

    fn partner() -> Partner {
        Partner {
            name: "ecosystems/acme/partners/nimbus".to_owned(),
            display_name: "Nimbus".to_owned(),
            external_id: "crm-7".to_owned(),
            ..Partner::default()
        }
    }

    #[test]
    fn what_only_the_staff_see_is_emptied_at_any_depth() {
        let mut list = ListPartnersResponse {
            partners: vec![partner()],
            ..Default::default()
        };
        list.redact();
        let shown = list.partners.first().unwrap();
        assert_eq!(shown.external_id, "");
        assert_eq!(shown.display_name, "Nimbus");
    }

    #[test]
    fn what_only_the_staff_set_is_found_by_its_path() {
        let create = CreatePartnerRequest {
            partner: Some(partner()),
            ..Default::default()
        };
        let mut found = Vec::new();
        create.guarded("", &mut found);
        assert_eq!(found, ["partner.external_id"]);
    }

    #[test]
    fn partners_that_a_caller_names_are_found() {
        let registration = crate::deal::v1::CreateRegistrationRequest {
            registration: Some(crate::deal::v1::Registration {
                partner: "ecosystems/acme/partners/nimbus".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut found = Vec::new();
        registration.partners(&mut found);
        assert_eq!(found, ["ecosystems/acme/partners/nimbus"]);
    }

    #[test]
    fn eyes_are_put_back() {
        let seen = through(Eyes::Partner, || EYES.get());
        assert_eq!(seen, Eyes::Partner);
        assert_eq!(EYES.get(), Eyes::Staff);
        let panicked = std::panic::catch_unwind(|| through(Eyes::Partner, || panic!("no")));
        assert!(panicked.is_err());
        assert_eq!(EYES.get(), Eyes::Staff);
    }
}
