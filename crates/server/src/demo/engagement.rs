//! An engagement of the journey: two partners work on one customer, each sees what it is shown, and
//! neither that there is another.

use prost_types::FieldMask;
use tonic::Status;
use trellis_api::deal::v1 as deal;

use super::session::{Session, request_id};
use super::summary::Summary;

use deal::engagement_service_client::EngagementServiceClient;

/// Brings partners together around a deal and shares some of it with the last of them. `people` are
/// the partners with who acts for each.
pub(super) async fn together(
    session: &mut Session,
    summary: &mut Summary,
    vendor: &'static str,
    shared: &str,
    people: [(&str, &'static str); 2],
) -> Result<(), Status> {
    let mut client = EngagementServiceClient::new(session.channel.clone());
    let create = deal::CreateEngagementRequest {
        parent: session.ecosystem.clone(),
        engagement: Some(deal::Engagement {
            title: "A new branch, from the network to the desks".into(),
            customer: Some(deal::engagement::Customer {
                display_name: "Contoso".into(),
                region_code: "US".into(),
                industry: "retail".into(),
                size_band: "1000-4999 employees".into(),
            }),
            expected_roles: vec!["RESALE".into(), "IMPLEMENTATION".into()],
            ..Default::default()
        }),
        request_id: request_id(),
        ..Default::default()
    };
    let made = session.wrote(client.create_engagement(session.by(vendor, create)).await)?;
    let activate = deal::ActivateEngagementRequest {
        name: made.name.clone(),
        request_id: request_id(),
        ..Default::default()
    };
    session.wrote(
        client
            .activate_engagement(session.by(vendor, activate))
            .await,
    )?;
    for ((id, person), role) in people.into_iter().zip(["RESALE", "IMPLEMENTATION"]) {
        let invite = deal::InviteMemberRequest {
            parent: made.name.clone(),
            member: Some(deal::EngagementMember {
                partner: session.name("partners", id),
                role: role.into(),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let member = session.wrote(client.invite_member(session.by(vendor, invite)).await)?;
        let get = deal::GetEngagementRequest {
            name: made.name.clone(),
        };
        let seen = client.get_engagement(session.by(person, get)).await?;
        let customer = seen.into_inner().customer.unwrap_or_default();
        summary.step(
            "InviteMember",
            format!(
                "{id} sees {} in {}, and not who it is",
                customer.industry, customer.region_code
            ),
        );
        let accept = deal::AcceptInvitationRequest {
            name: member.name.clone(),
            request_id: request_id(),
            ..Default::default()
        };
        session.wrote(client.accept_invitation(session.by(person, accept)).await)?;
        let list = deal::ListMembersRequest {
            parent: made.name.clone(),
            ..Default::default()
        };
        let members = client.list_members(session.by(person, list)).await?;
        let members = members.into_inner().members;
        summary.step(
            "AcceptInvitation",
            format!("{id} is in, and finds {} member: itself", members.len()),
        );
        if role == "RESALE" {
            continue;
        }
        let share = deal::ShareSnapshotRequest {
            parent: made.name.clone(),
            member: member.name,
            resource: shared.to_owned(),
            fields: Some(FieldMask {
                paths: vec!["display_name".into(), "expected_close_date".into()],
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let snapshot = session.wrote(client.share_snapshot(session.by(vendor, share)).await)?;
        let get = deal::GetSnapshotRequest {
            name: snapshot.name,
        };
        let read = client.get_snapshot(session.by(person, get)).await?;
        if let Some(deal::engagement_snapshot::Content::Deal(read)) = read.into_inner().content {
            summary.step(
                "ShareSnapshot",
                format!(
                    "{id} reads of the deal that it is \"{}\", and not what it is worth",
                    read.display_name
                ),
            );
        }
    }
    Ok(())
}
