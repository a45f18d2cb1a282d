//! A lead of the journey: the vendor finds it, a rule gives it to a partner, and accepting shows who
//! it is.

use tonic::Status;
use trellis_api::deal::v1 as deal;

use super::session::{Session, request_id};
use super::summary::Summary;

use deal::lead_service_client::LeadServiceClient;

/// Routes a lead and has it accepted. `people` are the partners with who acts for each.
pub(super) async fn give(
    session: &mut Session,
    summary: &mut Summary,
    vendor: &'static str,
    people: [(&str, &'static str); 2],
) -> Result<(), Status> {
    let mut client = LeadServiceClient::new(session.channel.clone());
    let create = deal::CreateLeadRequest {
        parent: session.ecosystem.clone(),
        lead: Some(deal::Lead {
            program: session.name("programs", "growth"),
            source: "TRADE_SHOW".into(),
            company: Some(deal::lead::Company {
                display_name: "Fabrikam".into(),
                region_code: "US".into(),
                industry: "manufacturing".into(),
                ..Default::default()
            }),
            contact: Some(deal::lead::Contact {
                display_name: "Fay Fabrikam".into(),
                email: "fay@fabrikam.example".into(),
                ..Default::default()
            }),
            products: vec![session.name("products", "backup")],
            ..Default::default()
        }),
        request_id: request_id(),
        ..Default::default()
    };
    let lead = session.wrote(client.create_lead(session.by(vendor, create)).await)?;
    let route = deal::RouteLeadRequest {
        name: lead.name.clone(),
        request_id: request_id(),
        ..Default::default()
    };
    let answer = session.wrote(client.route_lead(session.by(vendor, route)).await)?;
    let routing = answer.routing.unwrap_or_default();
    let offered = people
        .into_iter()
        .find(|(id, _)| routing.partner == session.name("partners", id));
    let (id, person) = offered.ok_or_else(|| Status::internal("a partner is offered the lead"))?;
    summary.step(
        "RouteLead",
        format!(
            "offered to {id}: of {} partners looked at it has least for its weight, drawn by the seed {}",
            routing.candidates.len(),
            routing.seed
        ),
    );
    let get = deal::GetLeadRequest {
        name: lead.name.clone(),
    };
    let redacted = client.get_lead(session.by(person, get)).await?.into_inner();
    let company = redacted.company.unwrap_or_default();
    summary.step(
        "GetLead",
        format!(
            "{id} sees {} in {}, and neither the company nor the contact",
            company.industry, company.region_code
        ),
    );
    let accept = deal::AcceptLeadRequest {
        name: lead.name,
        request_id: request_id(),
        ..Default::default()
    };
    let accepted = session.wrote(client.accept_lead(session.by(person, accept)).await)?;
    let company = accepted.company.unwrap_or_default();
    let contact = accepted.contact.unwrap_or_default();
    summary.step(
        "AcceptLead",
        format!(
            "{id} sees {}, and {} to speak to",
            company.display_name, contact.display_name
        ),
    );
    Ok(())
}
