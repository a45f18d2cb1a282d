//! Administration on a listener of its own.

use tonic::Code;
use trellis_tests::{Engine, Started};

use crate::server::raw::{call, framed};

const CREATE: &str = "/trellis.platform.v1.EcosystemService/CreateEcosystem";
const ADVANCE: &str = "/trellis.platform.v1.EcosystemService/AdvanceClock";
const LIST: &str = "/trellis.platform.v1.EcosystemService/ListEcosystems";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test]
async fn administration_is_served_where_it_should_be_and_nowhere_else() {
    let flags = [("admin-listen", "127.0.0.1:0")];
    let started = Started::new(Engine::Sqlite, &flags).await.unwrap();
    let business = started.world.address();
    let admin = started.running.admin_address().unwrap();
    assert_ne!(business, admin);
    let code = async |address, path| call(address, path, &[], framed(b"")).await.status().code();
    for path in [CREATE, ADVANCE] {
        let refused = call(business, path, &[], framed(b"")).await;
        let (code_there, reason, metadata) = refused.error();
        assert_eq!(
            (code_there, reason.as_str()),
            (Code::Unimplemented, "NOT_SERVED")
        );
        assert_eq!(metadata["method"], path.trim_start_matches('/'));
        // It is read there, and refused for what it says.
        assert_eq!(code(admin, path).await, Code::InvalidArgument);
    }
    for address in [business, admin] {
        assert_eq!(code(address, LIST).await, Code::Ok);
        assert_eq!(code(address, HEALTH).await, Code::Ok);
    }
    started.end().await;
}

#[tokio::test]
async fn without_a_second_listener_everything_is_served_on_the_first() {
    let started = Started::new(Engine::Sqlite, &[]).await.unwrap();
    assert_eq!(started.running.admin_address(), None);
    let answer = call(started.world.address(), CREATE, &[], framed(b"")).await;
    assert_eq!(answer.status().code(), Code::InvalidArgument);
    started.end().await;
}
