//! Registrations of the journey: two partners ask for the same customer, and only one has it. What stands
//! behind a decision is told, the first is asked for more, protected, and lets it last longer.

use tonic::Status;
use tonic::transport::Channel;
use trellis_api::deal::v1 as deal;
use trellis_api::google::r#type::Date;

use super::journey::dollars;
use super::session::{Session, request_id};
use super::summary::Summary;

use deal::account_service_client::AccountServiceClient;
use deal::registration_service_client::RegistrationServiceClient;

/// What is known of whoever acts, and how.
struct Desk<'a> {
    session: &'a mut Session,
    summary: &'a mut Summary,
    vendor: &'static str,
    client: RegistrationServiceClient<Channel>,
}

/// Has both partners register the same, and protects the first. `people` are the partners with who acts
/// for each; `year` is the ecosystem's.
pub(super) async fn protect(
    session: &mut Session,
    summary: &mut Summary,
    vendor: &'static str,
    people: [(&str, &'static str); 2],
    year: i32,
) -> Result<deal::Registration, Status> {
    let client = RegistrationServiceClient::new(session.channel.clone());
    let mut desk = Desk {
        session,
        summary,
        vendor,
        client,
    };
    let [(first, somebody), (second, somebody_else)] = people;
    let protected = desk.submit((first, somebody), "Contoso Ltd", year).await?;
    let waits = desk
        .submit((second, somebody_else), "CONTOSO Limited", year)
        .await?;
    desk.explain(second, waits.name).await?;
    let asked = desk.ask((first, somebody), protected.name).await?;
    let approve = deal::ApproveRegistrationRequest {
        name: asked.name,
        request_id: request_id(),
        ..Default::default()
    };
    let approve = desk.session.by(desk.vendor, approve);
    let approved = desk.client.approve_registration(approve).await;
    let approved = desk.session.wrote(approved)?;
    desk.summary
        .step("ApproveRegistration", told(first, &approved));
    desk.extend((first, somebody), approved.name).await
}

impl Desk<'_> {
    /// A partner brings a customer and asks for it.
    async fn submit(
        &mut self,
        (id, person): (&str, &'static str),
        customer: &str,
        year: i32,
    ) -> Result<deal::Registration, Status> {
        let mut accounts = AccountServiceClient::new(self.session.channel.clone());
        let account = deal::CreateAccountRequest {
            parent: self.session.ecosystem.clone(),
            account: Some(deal::Account {
                display_name: customer.into(),
                region_code: "US".into(),
                domains: vec!["www.contoso.example".into()],
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let account = self.session.by(person, account);
        let account = self.session.wrote(accounts.create_account(account).await)?;
        self.summary
            .step("CreateAccount", format!("{id} brings {customer}"));
        let create = deal::CreateRegistrationRequest {
            parent: self.session.ecosystem.clone(),
            registration: Some(deal::Registration {
                display_name: "Contoso's new branch".into(),
                partner: self.session.name("partners", id),
                program: self.session.name("programs", "growth"),
                account: account.name,
                products: vec![self.session.name("products", "firewall")],
                deal_type: deal::DealType::New.into(),
                estimated_value: dollars(85_000, 0),
                expected_close_date: Some(Date {
                    year: year + 1,
                    month: 3,
                    day: 31,
                }),
                evidence: "Met their head of IT; notes are attached to our ticket.".into(),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let create = self.session.by(person, create);
        let draft = self
            .session
            .wrote(self.client.create_registration(create).await)?;
        self.hand_in((id, person), draft.name).await
    }

    async fn hand_in(
        &mut self,
        (id, person): (&str, &'static str),
        name: String,
    ) -> Result<deal::Registration, Status> {
        let submit = deal::SubmitRegistrationRequest {
            name,
            request_id: request_id(),
            ..Default::default()
        };
        let submit = self.session.by(person, submit);
        let submitted = self.client.submit_registration(submit).await;
        let submitted = self.session.wrote(submitted)?;
        self.summary
            .step("SubmitRegistration", told(id, &submitted));
        Ok(submitted)
    }

    /// What only the staff are told: why it waits, and that the rules say so once more.
    async fn explain(&mut self, id: &str, name: String) -> Result<(), Status> {
        let get = deal::GetRegistrationRequest { name: name.clone() };
        let get = self.session.by(self.vendor, get);
        let read = self.client.get_registration(get).await?.into_inner();
        self.summary.step(
            "GetRegistration",
            told(&format!("what only the staff see: {id}"), &read),
        );
        let explain = deal::ExplainDecisionRequest { name };
        let explain = self.session.by(self.vendor, explain);
        let explained = self.client.explain_decision(explain).await?.into_inner();
        let last = explained.decisions.into_iter().last();
        let why = last.and_then(|one| one.explanation).unwrap_or_default();
        let decided = why.answers.last().cloned().unwrap_or_default();
        let agrees = match why.replay_agrees {
            true => "asked again, they answer the same",
            false => "asked again, they answer otherwise",
        };
        self.summary.step(
            "ExplainDecision",
            format!(
                "{} rules were asked; {}: {} Rivals: {}; {agrees}",
                why.answers.len(),
                decided.rule,
                decided.explanation,
                why.rivals.len()
            ),
        );
        Ok(())
    }

    /// The vendor wants to know more; the partner answers and keeps its place.
    async fn ask(
        &mut self,
        (id, person): (&str, &'static str),
        name: String,
    ) -> Result<deal::Registration, Status> {
        let ask = deal::RequestRegistrationInfoRequest {
            name,
            note: "Who decides there, and by when?".into(),
            fields: vec!["evidence".into()],
            request_id: request_id(),
            ..Default::default()
        };
        let ask = self.session.by(self.vendor, ask);
        let asked = self.client.request_registration_info(ask).await;
        let asked = self.session.wrote(asked)?;
        self.summary.step(
            "RequestRegistrationInfo",
            format!("{}; it keeps its place", told(id, &asked)),
        );
        let update = deal::UpdateRegistrationRequest {
            registration: Some(deal::Registration {
                name: asked.name.clone(),
                evidence: "Met their head of IT, who decides by March.".into(),
                ..Default::default()
            }),
            request_id: request_id(),
            ..Default::default()
        };
        let update = self.session.by(person, update);
        let updated = self.client.update_registration(update).await;
        let updated = self.session.wrote(updated)?;
        self.hand_in((id, person), updated.name).await
    }

    /// The partner tells what it did, and its protection lasts longer.
    async fn extend(
        &mut self,
        (id, person): (&str, &'static str),
        name: String,
    ) -> Result<deal::Registration, Status> {
        let yesterday = self.session.today(self.vendor).await?.plus_days(-1);
        let log = deal::LogActivityRequest {
            name: name.clone(),
            kind: deal::registration_activity::Kind::Demonstration.into(),
            activity_date: Some(Date {
                year: yesterday.year(),
                month: yesterday.month(),
                day: yesterday.day(),
            }),
            note: "Showed it to the branch.".into(),
            request_id: request_id(),
            ..Default::default()
        };
        let log = self.session.by(person, log);
        self.session.wrote(self.client.log_activity(log).await)?;
        let extend = deal::ExtendRegistrationRequest {
            name,
            request_id: request_id(),
            ..Default::default()
        };
        let extend = self.session.by(person, extend);
        let extended = self.client.extend_registration(extend).await;
        let extended = self.session.wrote(extended)?;
        self.summary.step(
            "ExtendRegistration",
            format!("{id}: once, because an activity was logged"),
        );
        Ok(extended)
    }
}

/// What became of the registration of a partner.
fn told(partner: &str, registration: &deal::Registration) -> String {
    let state = registration.state().as_str_name();
    let state = state.trim_start_matches("STATE_");
    match &registration.decision {
        Some(decision) => format!(
            "{partner}: {state} by {} {}",
            decision.rule, decision.reason_code
        ),
        None => format!("{partner}: {state}"),
    }
}
