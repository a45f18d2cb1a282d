//! Makes up what is asked: a list of anything, filtered, ordered and cut into pages in ways that
//! make sense or do not. Everything follows from a seed.

use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use trellis_api::{METHODS, Method};
use trellis_core::Role;

use super::leak::canary;
use super::plant::{
    DAY, ECOSYSTEMS, PARTNERS, batch_id, deal_id, ecosystem, engagement_id, lead_id, partner,
    plan_id, program_id, registration_id, webhook_id,
};

/// A method that lists, and what is known of it.
pub(super) struct List {
    pub(super) method: Method,
    input: MessageDescriptor,
    pub(super) output: MessageDescriptor,
    /// What is listed.
    row: MessageDescriptor,
    below: Below,
}

/// What a list is of.
#[derive(Clone, Copy, Debug)]
enum Below {
    /// The whole deployment.
    Nothing,
    Ecosystem,
    Program,
    Partner,
    Lead,
    Deal,
    Engagement,
    Registration,
    Plan,
    Batch,
    Webhook,
}

/// Which lists there are. One that the contract has and this has not fails the tests.
const LISTS: [(&str, Below); 42] = [
    ("ListEcosystems", Below::Nothing),
    ("ListEvents", Below::Ecosystem),
    ("ListApiKeys", Below::Ecosystem),
    ("ListRoleGrants", Below::Ecosystem),
    ("ListWebhooks", Below::Ecosystem),
    ("ListDeliveries", Below::Webhook),
    ("ListAuditEntries", Below::Ecosystem),
    ("ListPartners", Below::Ecosystem),
    ("ListPrograms", Below::Ecosystem),
    ("ListProgramRevisions", Below::Program),
    ("ListTiers", Below::Program),
    ("ListEnrollments", Below::Ecosystem),
    ("ListProductFamilies", Below::Ecosystem),
    ("ListProducts", Below::Ecosystem),
    ("ListTerritories", Below::Ecosystem),
    ("ListHouseAccounts", Below::Ecosystem),
    ("ListAccounts", Below::Ecosystem),
    ("ListRegistrations", Below::Ecosystem),
    ("ListActivities", Below::Registration),
    ("ListLeads", Below::Ecosystem),
    ("ListLeadRoutings", Below::Lead),
    ("ListEngagements", Below::Ecosystem),
    ("ListMembers", Below::Engagement),
    ("ListSnapshots", Below::Engagement),
    ("ListDeals", Below::Ecosystem),
    ("ListDealProposals", Below::Deal),
    ("ListStageChanges", Below::Deal),
    ("ListRoleChanges", Below::Deal),
    ("ListPlans", Below::Ecosystem),
    ("ListPlanVersions", Below::Plan),
    ("ListAwards", Below::Ecosystem),
    ("ListFacts", Below::Ecosystem),
    ("ListQuotas", Below::Ecosystem),
    ("ListExchangeRates", Below::Ecosystem),
    ("ListLedgerAccounts", Below::Ecosystem),
    ("ListJournals", Below::Ecosystem),
    ("ListLedgerPeriods", Below::Ecosystem),
    ("GetTrialBalance", Below::Ecosystem),
    ("GetStatement", Below::Partner),
    ("ListBatches", Below::Ecosystem),
    ("ListItems", Below::Batch),
    ("ListLines", Below::Batch),
];

/// Fields that lists are filtered by where they have them. Others are tried less often.
const FILTERED: [&str; 35] = [
    "account",
    "account_class",
    "award",
    "cause",
    "create_time",
    "creator",
    "currency_code",
    "deal",
    "display_name",
    "duplicate_of",
    "event_type",
    "external_id",
    "industry",
    "kind",
    "lost_reason_code",
    "member",
    "members_visible",
    "parent_account",
    "partner",
    "person",
    "plan",
    "principal",
    "product_family",
    "program",
    "resource",
    "rank",
    "revision",
    "role",
    "sku",
    "source",
    "state",
    "territory",
    "tier",
    "type",
    "update_time",
];

/// Every method that lists, as the contract has them: those that are called so, and those that
/// answer pages.
pub(super) fn lists() -> Vec<List> {
    let set = trellis_api::FILE_DESCRIPTOR_SET;
    let pool = DescriptorPool::decode(set).unwrap();
    let message = |name: &str| pool.get_message_by_name(name).unwrap();
    let mut lists = Vec::new();
    for method in METHODS {
        let input = message(method.input);
        let pages = input.get_field_by_name("page_token").is_some();
        if !pages && !method.name.starts_with("List") {
            continue;
        }
        let row = LISTS.iter().find(|(name, _)| *name == method.name);
        let Some((_, below)) = row else {
            panic!("{} lists, and no canary watches it", method.name);
        };
        let output = message(method.output);
        let listed = output.fields().filter(|field| field.is_list()).last();
        let Kind::Message(listed) = listed.unwrap().kind() else {
            panic!("{} lists no messages", method.name);
        };
        lists.push(List {
            method: *method,
            input,
            output,
            row: listed,
            below: *below,
        });
    }
    assert_eq!(lists.len(), LISTS.len(), "a list is gone");
    lists
}

/// A request, before it is known what page of the answer it asks for.
#[derive(Clone)]
pub(super) struct Asked(DynamicMessage);

impl Asked {
    /// Its bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// The same for another page.
    pub(super) fn at(&self, token: &str) -> Self {
        self.with("page_token", token)
    }

    /// The same in another ecosystem, or below something else.
    pub(super) fn below(&self, parent: &str) -> Self {
        self.with("parent", parent)
    }

    /// The same with another text in a field that it may have.
    pub(super) fn with(&self, field: &str, text: &str) -> Self {
        let mut message = self.0.clone();
        if let Some(field) = message.descriptor().get_field_by_name(field) {
            message.set_field(&field, Value::String(text.to_owned()));
        }
        Self(message)
    }

    pub(super) fn text(&self, field: &str) -> String {
        let found = self.0.get_field_by_name(field);
        found
            .and_then(|value| value.as_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }
}

impl List {
    /// Whether a role may ask for it at all.
    pub(super) fn is_for(&self, role: Option<Role>) -> bool {
        let access = &self.method.access;
        access.everybody || role.is_some_and(|role| access.extent(role).is_some())
    }

    /// Makes up a request, about this ecosystem and with words of that one too.
    pub(super) fn ask(&self, random: &mut StdRng, home: usize, other: usize) -> Asked {
        // Of some lists next to nothing that is made up is answered.
        if random.random_bool(0.1) {
            return self.whole(home);
        }
        let mut asked = DynamicMessage::new(self.input.clone());
        let about = if random.random_bool(0.8) { home } else { other };
        let mut words = Words {
            random,
            home,
            other,
        };
        for field in self.input.fields() {
            let value = match field.name() {
                "parent" => Value::String(words.parent(self.below, about)),
                "filter" => Value::String(words.filter(&self.row)),
                "order_by" => Value::String(words.order(&self.row)),
                "page_size" => Value::I32(words.size()),
                "show_deleted" => Value::Bool(words.random.random_bool(0.3)),
                "page_token" => Value::String(words.token()),
                "start_date" => date(&field, 1),
                "end_date" => date(&field, 31),
                _ if !matches!(field.kind(), Kind::String) || words.random.random_bool(0.85) => {
                    continue;
                }
                "after_position" => Value::String(words.position()),
                other => Value::String(words.reference(other)),
            };
            asked.set_field(&field, value);
        }
        Asked(asked)
    }

    /// Whether it lists resources of the kind that an `Any` says to have.
    pub(super) fn lists(&self, type_url: &str) -> bool {
        type_url.rsplit('/').next() == Some(self.row.full_name())
    }

    /// Whether it lists those of one resource only, and not of the whole ecosystem.
    pub(super) fn is_of_one(&self) -> bool {
        !matches!(self.below, Below::Nothing | Below::Ecosystem)
    }

    /// A resource that it lists, from its bytes.
    pub(super) fn row(&self, bytes: &[u8]) -> DynamicMessage {
        DynamicMessage::decode(self.row.clone(), bytes).unwrap()
    }

    /// A request for everything in an ecosystem.
    pub(super) fn whole(&self, home: usize) -> Asked {
        let parent = format!("ecosystems/{}", ecosystem(home));
        let parent = match self.below {
            Below::Nothing => String::new(),
            Below::Ecosystem => parent,
            Below::Program => format!("{parent}/programs/{}", program_id(home, false)),
            Below::Partner => format!("{parent}/partners/{}", partner(home, 0)),
            Below::Lead => format!("{parent}/leads/{}", lead_id(home)),
            Below::Deal => format!("{parent}/deals/{}", deal_id(home)),
            Below::Engagement => format!("{parent}/engagements/{}", engagement_id(home)),
            Below::Registration => format!("{parent}/registrations/{}", registration_id(home)),
            Below::Plan => format!("{parent}/plans/{}", plan_id(home)),
            Below::Batch => format!("{parent}/payoutBatches/{}", batch_id(home, 0)),
            Below::Webhook => format!("{parent}/webhooks/{}", webhook_id(home)),
        };
        let mut asked = DynamicMessage::new(self.input.clone());
        for field in self.input.fields() {
            let value = match field.name() {
                "page_size" => Value::I32(1_000),
                "start_date" => date(&field, 1),
                "end_date" => date(&field, 31),
                _ => continue,
            };
            asked.set_field(&field, value);
        }
        Asked(asked).with("parent", &parent)
    }

    /// The rows of an answer.
    pub(super) fn rows(&self, answer: &DynamicMessage) -> Vec<DynamicMessage> {
        let listed = answer
            .fields()
            .filter(|(field, _)| matches!(field.kind(), Kind::Message(kind) if kind == self.row));
        let values = listed.flat_map(|(_, value)| value.as_list().unwrap().to_vec());
        values
            .map(|value| value.as_message().unwrap().clone())
            .collect()
    }

    /// The paths of the texts that a row may have.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut paths = Vec::new();
        texts("", &self.row, &mut paths);
        paths
    }

    /// A request about the same, for a page that begins at a token.
    pub(super) fn page(&self, random: &mut StdRng, home: usize, token: &str) -> Asked {
        let asked = self.ask(random, home, home);
        asked.with("filter", "").with("order_by", "").at(token)
    }
}

fn texts(at: &str, message: &MessageDescriptor, paths: &mut Vec<String>) {
    for field in message.fields() {
        let path = format!("{at}{}", field.name());
        match field.kind() {
            Kind::String => paths.push(path),
            // Times, amounts and the like are the same for all; an event's data is looked at as it
            // comes.
            Kind::Message(inner) if inner.full_name().starts_with("trellis.") => {
                texts(&format!("{path}."), &inner, paths);
            }
            _ => {}
        }
    }
}

/// A day of the month in which everything happened, as the value of a field.
fn date(field: &FieldDescriptor, day: i32) -> Value {
    let Kind::Message(kind) = field.kind() else {
        panic!("{} is no date", field.full_name());
    };
    let mut date = DynamicMessage::new(kind);
    for (part, number) in [("year", DAY.year), ("month", DAY.month), ("day", day)] {
        date.set_field_by_name(part, Value::I32(number));
    }
    Value::Message(date)
}

/// Makes words up.
struct Words<'a> {
    random: &'a mut StdRng,
    home: usize,
    other: usize,
}

impl Words<'_> {
    fn chosen<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(self.random).unwrap().clone()
    }

    fn ecosystem(&mut self) -> usize {
        let strange = self.random.random_range(0..ECOSYSTEMS);
        self.chosen(&[self.home, self.home, self.other, strange])
    }

    fn parent(&mut self, below: Below, about: usize) -> String {
        let draft = self.random.random_bool(0.3);
        let batch = self.random.random_range(0..2);
        // Some name what is not there, or is there only in another ecosystem.
        let within = if self.random.random_bool(0.9) {
            about
        } else {
            self.other
        };
        let parent = format!("ecosystems/{}", ecosystem(about));
        match below {
            Below::Nothing => String::new(),
            Below::Ecosystem => parent,
            Below::Program => format!("{parent}/programs/{}", program_id(within, draft)),
            Below::Partner => {
                let number = self.random.random_range(0..PARTNERS);
                format!("{parent}/partners/{}", partner(within, number))
            }
            Below::Lead => format!("{parent}/leads/{}", lead_id(within)),
            Below::Deal if draft => format!("{parent}/deals/-"),
            Below::Deal => format!("{parent}/deals/{}", deal_id(within)),
            Below::Engagement if draft => format!("{parent}/engagements/-"),
            Below::Engagement => format!("{parent}/engagements/{}", engagement_id(within)),
            Below::Registration => format!("{parent}/registrations/{}", registration_id(within)),
            Below::Plan => format!("{parent}/plans/{}", plan_id(within)),
            Below::Batch => format!("{parent}/payoutBatches/{}", batch_id(within, batch)),
            Below::Webhook => format!("{parent}/webhooks/{}", webhook_id(within)),
        }
    }

    fn size(&mut self) -> i32 {
        if self.random.random_bool(0.03) {
            return -1;
        }
        self.chosen(&[0, 0, 1, 1, 2, 3, 7, 50, 1_000, 100_000, i32::MAX])
    }

    fn token(&mut self) -> String {
        if self.random.random_bool(0.95) {
            return String::new();
        }
        let length = self.random.random_range(1..200);
        let letters: Vec<char> = ('a'..='z')
            .chain('A'..='Z')
            .chain(['-', '_', '9'])
            .collect();
        (0..length).map(|_| self.chosen(&letters)).collect()
    }

    fn position(&mut self) -> String {
        let number = self.random.random_range(0..200);
        self.chosen(&[
            format!("1-0-{number}"),
            "1.0.0".to_owned(),
            "first".to_owned(),
        ])
    }

    /// A canary of somebody, or the beginning of one.
    fn canary(&mut self) -> String {
        let owner = self.chosen(&['0', '1', '2', '3', 'v', 'a']);
        let number = self.random.random_range(1..260);
        let of = self.ecosystem();
        let whole = canary(of, owner, number);
        let length = self.chosen(&[16, 16, 11, 8, 5]);
        whole[..length].to_owned()
    }

    /// A name of what a field refers to.
    fn reference(&mut self, field: &str) -> String {
        let of = self.ecosystem();
        let number = self.random.random_range(0..PARTNERS);
        let id = match field {
            "partner" => format!("partners/{}", partner(of, number)),
            "program" => format!("programs/{}", program_id(of, number == 0)),
            "plan" => format!("plans/{}", plan_id(of)),
            "account" | "parent_account" | "ultimate_parent" | "successor_account"
            | "merged_into" => format!("accounts/{}", self.canary()),
            "deal" => format!("deals/{}", self.canary()),
            "territory" | "parent_territory" => format!("territories/{}", self.canary()),
            "product_family" => format!("productFamilies/{}", self.canary()),
            "registration" => format!("registrations/{}", self.canary()),
            "award" => format!("awards/{}", self.canary()),
            "ledger_account" => format!("ledgerAccounts/payable.{}.USD", partner(of, number)),
            _ => return self.canary(),
        };
        format!("ecosystems/{}/{id}", ecosystem(of))
    }

    fn order(&mut self, row: &MessageDescriptor) -> String {
        if self.random.random_bool(0.6) {
            return String::new();
        }
        let times = ["create_time", "update_time", "display_name"].map(str::to_owned);
        let fields: Vec<String> = row.fields().map(|field| field.name().to_owned()).collect();
        let field = match self.random.random_bool(0.85) {
            true => self.chosen(&times),
            false => self.chosen(&fields),
        };
        let way = self.chosen(&["", "", "", " desc", " desc", " desc", " asc", ","]);
        field + way
    }

    fn filter(&mut self, row: &MessageDescriptor) -> String {
        if self.random.random_bool(0.35) {
            return String::new();
        }
        let depth = self.random.random_range(0..3);
        let filter = self.terms(row, depth);
        if self.random.random_bool(0.12) {
            self.broken(filter)
        } else {
            filter
        }
    }

    fn terms(&mut self, row: &MessageDescriptor, depth: usize) -> String {
        if depth == 0 {
            return self.term(row);
        }
        let one = self.terms(row, depth - 1);
        let other = self.terms(row, depth - 1);
        match self.random.random_range(0..5) {
            0 => format!("{one} AND {other}"),
            1 => format!("{one} OR {other}"),
            2 => format!("NOT ({one})"),
            3 => format!("({one}) OR -{other}"),
            _ => format!("{one} {other}"),
        }
    }

    fn term(&mut self, row: &MessageDescriptor) -> String {
        let mut fields: Vec<_> = row.fields().collect();
        if self.random.random_bool(0.9) {
            fields.retain(|field| FILTERED.contains(&field.name()));
        }
        let Some(field) = fields.choose(self.random).cloned() else {
            return "state = ACTIVE".to_owned();
        };
        let name = field.name();
        let any = ["=", "!=", ":"];
        let all = ["=", "!=", "<", "<=", ">", ">=", ":"];
        if self.random.random_bool(0.05) {
            return self
                .chosen(&["ecosystem = \"x\"", "1 = 1", "id > \"\"", "version:*"])
                .to_owned();
        }
        match field.kind() {
            Kind::Enum(of) => {
                let values: Vec<String> =
                    of.values().map(|value| value.name().to_owned()).collect();
                let prefix = values[0].trim_end_matches("UNSPECIFIED").to_owned();
                let value = self.chosen(&values);
                format!(
                    "{name} {} {}",
                    self.chosen(&["=", "!="]),
                    value.trim_start_matches(&prefix)
                )
            }
            Kind::Message(of) if of.name() == "Timestamp" => {
                format!(
                    "{name} {} \"2026-03-0{}T10:00:00Z\"",
                    self.chosen(&all[2..6]),
                    2
                )
            }
            Kind::Message(of) if of.name() == "Date" => {
                format!("{name} {} \"2026-03-02\"", self.chosen(&all[..6]))
            }
            Kind::String => {
                let comparison = self.chosen(&any);
                let value = match comparison {
                    ":" => self.canary(),
                    _ => self.reference(name),
                };
                format!("{name} {comparison} \"{value}\"")
            }
            Kind::Bool => format!("{name} = {}", self.chosen(&["true", "false"])),
            Kind::Int32 | Kind::Int64 => {
                let number = self.random.random_range(-1..2_000);
                format!("{name} {} {number}", self.chosen(&all[..6]))
            }
            _ => format!("{name} = null"),
        }
    }

    /// Something that was a filter.
    fn broken(&mut self, filter: String) -> String {
        let mut letters: Vec<char> = filter.chars().collect();
        for _ in 0..self.random.random_range(1..4) {
            let at = self.random.random_range(0..=letters.len());
            let wrong =
                self.chosen(&['(', ')', '"', '\\', '\'', '%', ';', '\u{e9}', ' ', '-', '*']);
            if at < letters.len() && self.random.random_bool(0.5) {
                letters.remove(at);
            } else {
                letters.insert(at, wrong);
            }
        }
        letters.into_iter().collect()
    }
}
