//! Every method that the server knows: those of the contract, and those of the tools beside it.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message;
use prost_types::FileDescriptorSet;

/// How a method that nobody knows is spoken of. One word for all of them, so that callers cannot
/// fill the metrics with paths that they think of.
pub(crate) const UNKNOWN: &str = "unknown";

/// What a method's call looks like in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One request, one answer.
    Unary,
    /// A stream in or out, with an end.
    Stream,
    /// A stream that lives as long as its client wants.
    Watch,
}

/// A method.
#[derive(Clone, Debug)]
pub(crate) struct Method(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Arc<str>,
    shape: Shape,
    takes_one: bool,
    is_import: bool,
    is_at_once: bool,
    is_audited: bool,
    work: Work,
}

/// What a method's calls cost, and whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// They read.
    Read,
    /// They change something.
    Write,
    /// They touch no data: health and reflection.
    None,
}

impl Method {
    /// Its path, such as `/trellis.partner.v1.PartnerService/GetPartner`.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// Its path, to be kept.
    pub(crate) fn shared_path(&self) -> Arc<str> {
        self.0.path.clone()
    }

    /// What its calls look like in time.
    pub(crate) fn shape(&self) -> Shape {
        self.0.shape
    }

    /// Whether each call carries exactly one message.
    pub(crate) fn takes_one(&self) -> bool {
        self.0.takes_one
    }

    /// What its calls cost, and whom.
    pub(crate) fn work(&self) -> Work {
        self.0.work
    }

    /// Whether the caller's roles are read anew for each of its calls.
    pub(crate) fn is_at_once(&self) -> bool {
        self.0.is_at_once
    }

    /// Whether the audit trail tells of its calls.
    pub(crate) fn is_audited(&self) -> bool {
        self.0.is_audited
    }

    /// Whether it takes messages of many rows.
    pub(crate) fn is_import(&self) -> bool {
        self.0.is_import
    }
}

/// Every method, by path.
#[derive(Clone, Debug)]
pub(crate) struct Methods(Arc<HashMap<String, Method>>);

impl Methods {
    /// The methods of the contract, and those of health and reflection.
    ///
    /// # Errors
    /// A descriptor set that was compiled in does not decode: the build is broken.
    pub(crate) fn try_new() -> Result<Self, prost::DecodeError> {
        let mut methods: Vec<Method> = trellis_api::METHODS.iter().map(of_contract).collect();
        for set in [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            methods.extend(of_tools(set)?);
        }
        let by_path = methods
            .into_iter()
            .map(|method| (method.path().to_owned(), method));
        Ok(Self(Arc::new(by_path.collect())))
    }

    /// Finds a method by its path.
    pub(crate) fn find(&self, path: &str) -> Option<Method> {
        self.0.get(path).cloned()
    }
}

/// A method of the contract. What follows the feed lives as long as its client wants; every other
/// stream has an end.
fn of_contract(method: &trellis_api::Method) -> Method {
    let streams = method.client_streaming || method.server_streaming;
    let shape = match (streams, method.name.starts_with("Watch")) {
        (false, _) => Shape::Unary,
        (true, false) => Shape::Stream,
        (true, true) => Shape::Watch,
    };
    let is_import = method.name.starts_with("Import");
    Method(Arc::new(Inner {
        path: method.path.into(),
        shape,
        takes_one: !method.client_streaming,
        is_import,
        is_at_once: method.access.at_once,
        is_audited: method.writes || method.access.audited,
        work: if method.writes {
            Work::Write
        } else {
            Work::Read
        },
    }))
}

/// The methods of health and reflection, whose streams live as long as their clients want.
fn of_tools(set: &[u8]) -> Result<Vec<Method>, prost::DecodeError> {
    let set = FileDescriptorSet::decode(set)?;
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                let streams = method.client_streaming() || method.server_streaming();
                let shape = if streams { Shape::Watch } else { Shape::Unary };
                methods.push(Method(Arc::new(Inner {
                    path: path.into(),
                    shape,
                    takes_one: !method.client_streaming(),
                    is_import: false,
                    is_at_once: false,
                    is_audited: false,
                    work: Work::None,
                })));
            }
        }
    }
    Ok(methods)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(path: &str) -> Option<Shape> {
        Methods::try_new()
            .unwrap()
            .find(path)
            .map(|method| method.shape())
    }

    #[test]
    fn methods_are_found_by_path_with_their_shape() {
        assert_eq!(
            shape("/trellis.partner.v1.PartnerService/GetPartner"),
            Some(Shape::Unary)
        );
        assert_eq!(
            shape("/trellis.partner.v1.PartnerService/ImportPartners"),
            Some(Shape::Stream)
        );
        assert_eq!(shape("/grpc.health.v1.Health/Check"), Some(Shape::Unary));
        assert_eq!(shape("/grpc.health.v1.Health/Watch"), Some(Shape::Watch));
        assert_eq!(
            shape("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
            Some(Shape::Watch)
        );
        assert_eq!(shape("/trellis.partner.v1.PartnerService/"), None);
    }

    #[test]
    fn methods_tell_how_many_messages_they_take_and_what_they_cost() {
        let methods = Methods::try_new().unwrap();
        for (path, takes_one, work) in [
            (
                "/trellis.partner.v1.PartnerService/GetPartner",
                true,
                Work::Read,
            ),
            (
                "/trellis.partner.v1.PartnerService/CreatePartner",
                true,
                Work::Write,
            ),
            (
                "/trellis.partner.v1.PartnerService/ImportPartners",
                false,
                Work::Write,
            ),
            ("/grpc.health.v1.Health/Watch", true, Work::None),
        ] {
            let method = methods.find(path).unwrap();
            assert_eq!((method.takes_one(), method.work()), (takes_one, work));
        }
    }

    #[test]
    fn imports_are_told_by_their_name() {
        let methods = Methods::try_new().unwrap();
        let is_import = |path| methods.find(path).unwrap().is_import();
        assert!(is_import(
            "/trellis.partner.v1.PartnerService/ImportPartners"
        ));
        assert!(!is_import("/trellis.partner.v1.PartnerService/GetPartner"));
    }
}
