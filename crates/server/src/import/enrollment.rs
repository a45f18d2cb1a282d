//! Enrols the partners of an import in a program.

use futures::{StreamExt, TryStreamExt, stream};
use tonic::Code;
use trellis_api::program::v1::enrollment_service_client::EnrollmentServiceClient;
use trellis_api::program::v1::{CreateEnrollmentRequest, Enrollment};

use super::error::Error;
use super::report::Tally;
use super::session::{Session, patiently};

/// How many calls are under way at a time.
const AT_ONCE: usize = 8;

/// Enrols these partners in a program, each with whether the import has just made it. Those that are
/// in it already stay as they are.
///
/// # Errors
/// When the server refuses.
pub(super) async fn enroll(
    session: &Session,
    program: &str,
    partners: Vec<(String, bool)>,
    tally: &mut Tally,
) -> Result<(), Error> {
    let calls = partners.into_iter().map(|(partner, made)| async move {
        if made && session.dry_run {
            // The server does not know the partner, so that it could only refuse.
            return Ok(true);
        }
        enroll_one(session, program, partner).await
    });
    let mut answers = stream::iter(calls).buffer_unordered(AT_ONCE);
    while let Some(new) = answers.try_next().await? {
        tally.rows += 1;
        if new {
            tally.created += 1;
        } else {
            tally.unchanged += 1;
        }
    }
    Ok(())
}

/// Enrols a partner; tells whether it was not enrolled before.
async fn enroll_one(session: &Session, program: &str, partner: String) -> Result<bool, Error> {
    let request = CreateEnrollmentRequest {
        parent: session.caller.parent.clone(),
        enrollment: Some(Enrollment {
            program: program.to_owned(),
            partner: partner.clone(),
            ..Enrollment::default()
        }),
        validate_only: session.dry_run,
        ..CreateEnrollmentRequest::default()
    };
    let client = EnrollmentServiceClient::new(session.caller.channel.clone());
    let enrolled = patiently(|| {
        let (mut client, request) = (client.clone(), session.caller.request(request.clone()));
        async move { client.create_enrollment(request).await }
    });
    match enrolled.await {
        Ok(_) => Ok(true),
        Err(status) if status.code() == Code::AlreadyExists => Ok(false),
        Err(status) => Err(Error::refused(
            format!("enrol {partner} in {program}"),
            status,
        )),
    }
}
