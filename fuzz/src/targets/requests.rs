//! The request of every method: whatever bytes decode to one, it is opened to a command or refused
//! with `INVALID_ARGUMENT`, a reason, and details that fit a header.

use std::sync::{Arc, LazyLock};

use tonic::{Request, Status};
use tonic_types::StatusExt;
use trellis_api::{
    Field, Fields, Listed, METHODS, Routed, Visitor, open, open_unscoped, visit_requests,
};
use trellis_core::{Actor, PartnerId, Principal};

use crate::plant;

/// What many clients take of headers, less a third for how bytes travel in them.
const MOST_DETAILS: usize = 6_000;

const TABLE: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::time("create_time").sortable(),
    Field::id::<PartnerId>("partner"),
];

type Open = fn(&[u8]);

static REQUESTS: LazyLock<Vec<Open>> = LazyLock::new(|| {
    let mut requests = Requests(Vec::new());
    visit_requests(&mut requests);
    assert_eq!(requests.0.len(), METHODS.len());
    requests.0
});

struct Requests(Vec<Open>);

impl Visitor for Requests {
    fn routed<R: Routed>(&mut self) {
        self.0.push(|bytes| opened::<R>(bytes, |_, _| Some(())));
    }

    fn listed<R: Listed>(&mut self) {
        self.0.push(|bytes| {
            opened::<R>(bytes, |request, fields| {
                let page = fields.page(&request, TABLE);
                plant::fault(page.is_some() && fields.all_well() && request.page_size() > 7);
                page.map(|_| ())
            });
        });
    }
}

/// The first byte picks the method, the rest is its request.
pub(crate) fn run(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let at = usize::from(*first) % REQUESTS.len();
    REQUESTS[at](bytes);
}

fn opened<R: Routed>(bytes: &[u8], parse: impl FnOnce(R, &mut Fields) -> Option<()>) {
    let Ok(request) = R::decode(bytes) else {
        return;
    };
    // A request has one encoding, or sending it again would not be known for the same.
    let encoded = request.encode_to_vec();
    let again = R::decode(encoded.as_slice()).expect("what was encoded decodes");
    assert_eq!(again.encode_to_vec(), encoded);

    let resource = request.resource().into_owned();
    let mut request = Request::new(request);
    let anybody = Principal::unidentified(Actor::anonymous());
    request.extensions_mut().insert(Arc::new(anybody));
    let refused = if R::ADDRESS.is_empty() {
        open_unscoped(request, parse).map(|_| ())
    } else {
        open(request, parse).map(|(call, ())| {
            assert_eq!(call.method, R::METHOD);
            let ecosystem = format!("ecosystems/{}", call.ecosystem);
            assert!(resource.starts_with(&ecosystem), "{resource}");
        })
    };
    if let Err(status) = refused {
        explained(&status);
    }
}

fn explained(status: &Status) {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    assert!(status.details().len() <= MOST_DETAILS, "{status:?}");
    assert!(status.message().len() <= 1_000, "{status:?}");
    let info = status.get_details_error_info().expect("a reason");
    assert_eq!(info.reason, "INVALID_FIELDS");
    let request = status.get_details_bad_request().expect("what is wrong");
    assert!(!request.field_violations.is_empty());
    for violation in request.field_violations {
        assert!(!violation.description.is_empty(), "{violation:?}");
    }
}
