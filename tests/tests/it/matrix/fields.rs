//! What of each message is for whom, made from the options of its fields.
//!
//! A field for the staff alone is in no answer to a role of a partner, who can neither filter nor
//! order by it nor set it. A field that the staff set is set by nobody else. A field that the server
//! sets is set by nobody. Each has its control: the staff see, set, filter by such fields, and a
//! field that is there to be written is written.

mod sample;

use std::collections::BTreeSet;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind as Type, MessageDescriptor,
    ReflectMessage as _, Value as Held,
};
use serde_json::{Value, json};
use tonic_types::StatusExt as _;
use trellis_api::FILE_DESCRIPTOR_SET;
use trellis_core::Role;

use super::cells::{Caller, json_of, refusal};
use super::oracle::{self, Told};
use super::rows::{Act, Row};
use super::things::{Relation, named};
use super::who::Who;
use crate::refusals::stage::method;
use crate::server::raw::Answer;

const PARTNERS: [Who; 2] = [
    Who::Granted(Role::PartnerAdmin),
    Who::Granted(Role::PartnerRep),
];
const ADMIN: Who = Who::Granted(Role::EcosystemAdmin);

/// To whom a field is shown, and who may set it, as `trellis.options.v1.Exposure` counts.
const STAFF: i32 = 1;
const STAFF_SETS: i32 = 2;

/// Of `google.api.FieldBehavior`.
const OUTPUT_ONLY: i32 = 3;

struct Contract {
    pool: DescriptorPool,
}

impl Contract {
    fn option(&self, field: &FieldDescriptor, name: &str) -> Held {
        let extension = self.pool.get_extension_by_name(name).unwrap();
        field.options().get_extension(&extension).into_owned()
    }

    fn exposure(&self, field: &FieldDescriptor) -> i32 {
        let option = self.option(field, "trellis.options.v1.exposure");
        option.as_enum_number().unwrap()
    }

    fn is_output_only(&self, field: &FieldDescriptor) -> bool {
        let behaviours = self.option(field, "google.api.field_behavior");
        let behaviours = behaviours.as_list().unwrap();
        behaviours
            .iter()
            .any(|behaviour| behaviour.as_enum_number() == Some(OUTPUT_ONLY))
    }

    fn input(&self, row: &Row) -> MessageDescriptor {
        self.pool
            .get_message_by_name(method(row.method).input)
            .unwrap()
    }

    /// The resource that a request carries, by the field that it is in.
    fn resource(&self, row: &Row) -> Option<(FieldDescriptor, MessageDescriptor)> {
        let output = method(row.method).output;
        let input = self.input(row);
        let mut fields = input.fields().filter_map(|field| match field.kind() {
            Type::Message(message) if message.full_name() == output => {
                Some((field.clone(), message))
            }
            _ => None,
        });
        fields.next()
    }

    /// The fields that only the staff see which a message holds a value of, at any depth.
    fn hidden(&self, message: &DynamicMessage, found: &mut BTreeSet<String>) {
        for (field, value) in message.fields() {
            if self.exposure_of_ours(&field) == STAFF {
                found.insert(field.full_name().to_owned());
            }
            let values = match value {
                Held::List(values) => values.clone(),
                Held::Map(values) => values.values().cloned().collect(),
                value => vec![value.clone()],
            };
            for value in values {
                if let Some(inner) = value.as_message() {
                    self.hidden(inner, found);
                }
            }
        }
    }

    fn exposure_of_ours(&self, field: &FieldDescriptor) -> i32 {
        let ours = field
            .parent_message()
            .package_name()
            .starts_with("trellis.");
        if ours { self.exposure(field) } else { 0 }
    }

    fn staff_fields(&self) -> BTreeSet<String> {
        let ours = self
            .pool
            .all_messages()
            .filter(|message| message.package_name().starts_with("trellis."));
        let fields = ours.flat_map(|message| message.fields().collect::<Vec<_>>());
        fields
            .filter(|field| self.exposure(field) == STAFF)
            .map(|field| field.full_name().to_owned())
            .collect()
    }
}

/// The fields that a refusal complains of, each with its rule.
fn complaints(answer: &Answer) -> Vec<(String, String)> {
    let status = answer.status();
    let request = status.get_details_bad_request();
    let violations = request
        .map(|request| request.field_violations)
        .unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect()
}

fn by<'a, 'b>(callers: &'a mut [Caller<'b>], who: Who) -> &'a mut Caller<'b> {
    callers.iter_mut().find(|caller| caller.who == who).unwrap()
}

/// The request of a row about what is the caller's own; nothing where nothing is.
fn own(callers: &[Caller<'_>], row: &Row, who: Who) -> Option<Value> {
    let thing = named(row.kind, Relation::Own, who).ok()?;
    Some(row.request(&callers[0].scene.name(thing)))
}

/// Whether somebody may, and finds what is their own.
fn may(row: &Row, who: Who) -> bool {
    let list = row.act != Act::Does;
    let told = oracle::may(who, Relation::Own, row.kind, row.method, list);
    ![Told::Denied, Told::Absent].contains(&told)
}

/// Holds all of it, having first asked everything that the table asks.
pub(super) async fn hold(callers: &mut [Caller<'_>], rows: &[Row]) {
    let contract = Contract {
        pool: DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap(),
    };
    let shown = shown(&contract, callers);
    let found = found_by(&contract, callers, rows).await;
    let set = set(&contract, callers, rows).await;
    let written = written(&contract, callers, rows).await;
    println!(
        "{shown} fields are hidden, {found} lists refuse one, {set} requests refuse one, {written} \
         requests write none of the server's"
    );
}

/// In no answer to a partner is a field that only the staff see; in those to the staff is each.
fn shown(contract: &Contract, callers: &[Caller<'_>]) -> usize {
    let (mut to_partners, mut to_staff) = (BTreeSet::new(), BTreeSet::new());
    for caller in callers {
        let partner = PARTNERS.contains(&caller.who);
        let found = if partner {
            &mut to_partners
        } else {
            &mut to_staff
        };
        for message in caller.answers() {
            contract.hidden(&message, found);
        }
    }
    assert_eq!(to_partners, BTreeSet::new());
    assert_eq!(to_staff, contract.staff_fields());
    to_staff.len()
}

/// No partner filters or orders a list by what only the staff see.
async fn found_by(contract: &Contract, callers: &mut [Caller<'_>], rows: &[Row]) -> usize {
    let (mut refused, mut taken) = (0, 0);
    for row in rows
        .iter()
        .filter(|row| contract.input(row).get_field_by_name("filter").is_some())
    {
        let output = contract
            .pool
            .get_message_by_name(method(row.method).output)
            .unwrap();
        let items = output.fields().filter_map(|field| match field.kind() {
            Type::Message(item) if field.is_list() => Some(item),
            _ => None,
        });
        for field in items.flat_map(|item| item.fields().collect::<Vec<_>>()) {
            if contract.exposure(&field) != STAFF {
                continue;
            }
            let filter = format!("{} = {}", field.name(), sample::literal(&field));
            for (place, said) in [("filter", filter.as_str()), ("order_by", field.name())] {
                if contract.input(row).get_field_by_name(place).is_none() {
                    continue;
                }
                for who in PARTNERS
                    .into_iter()
                    .chain([ADMIN])
                    .filter(|who| may(row, *who))
                {
                    let mut request = own(callers, row, who).unwrap();
                    request[place] = json!(said);
                    let answer = by(callers, who).call(row.method, &request).await;
                    let complained = complaints(&answer).iter().any(|(at, _)| at == place);
                    match who == ADMIN {
                        true => taken += usize::from(refusal(&answer).is_none()),
                        false => {
                            refused += 1;
                            assert!(complained, "{} {who:?} {request}: {answer:?}", row.method);
                        }
                    }
                }
            }
        }
    }
    // The control: the staff filter or order by some of them.
    assert!(taken > 0);
    refused
}

/// No partner sets what only the staff set, be it a field of the request or of its resource, nor
/// names it in a mask.
async fn set(contract: &Contract, callers: &mut [Caller<'_>], rows: &[Row]) -> usize {
    let mut refused = 0;
    for row in rows {
        for who in PARTNERS.into_iter().filter(|who| may(row, *who)) {
            for (path, request) in guarded(contract, callers, row, who) {
                let answer = by(callers, who).call(row.method, &request).await;
                let complaint = (path.clone(), "staff_sets".to_owned());
                let complaints_of_partner = complaints(&answer);
                assert!(
                    complaints_of_partner.contains(&complaint),
                    "{} {who:?} {request}: {answer:?}",
                    row.method
                );
                // The control: the staff are not told so.
                let answer = by(callers, ADMIN).call(row.method, &request).await;
                assert!(
                    !complaints(&answer).contains(&complaint),
                    "{request}: {answer:?}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    refused
}

/// The requests of somebody that set one field which is not theirs to set, each with its path.
fn guarded(
    contract: &Contract,
    callers: &[Caller<'_>],
    row: &Row,
    who: Who,
) -> Vec<(String, Value)> {
    let Some(request) = own(callers, row, who) else {
        return Vec::new();
    };
    let is_guarded = |field: &FieldDescriptor| {
        [STAFF, STAFF_SETS].contains(&contract.exposure(field)) && !contract.is_output_only(field)
    };
    let mut requests = Vec::new();
    for field in contract.input(row).fields().filter(&is_guarded) {
        let mut request = request.clone();
        request[field.name()] = sample::value(&field);
        requests.push((field.name().to_owned(), request));
    }
    if let Some((at, resource)) = contract.resource(row) {
        for field in resource.fields().filter(&is_guarded) {
            let mut set = request.clone();
            set[at.name()][field.name()] = sample::value(&field);
            requests.push((format!("{}.{}", at.name(), field.name()), set));
            if request.get("update_mask").is_some() {
                let mut masked = request.clone();
                masked["update_mask"] = json!(field.json_name());
                requests.push(("update_mask".to_owned(), masked));
            }
        }
    }
    requests
}

/// What the server sets is as it would be, whatever a request says of it.
async fn written(contract: &Contract, callers: &mut [Caller<'_>], rows: &[Row]) -> usize {
    let (mut ignored, mut heeded) = (0, 0);
    let who = || PARTNERS.into_iter().chain([ADMIN]);
    for row in rows {
        let Some((at, resource)) = contract.resource(row) else {
            continue;
        };
        for who in who().filter(|who| may(row, *who)) {
            let Some(request) = own(callers, row, who) else {
                continue;
            };
            let before = answered(callers, row, who, &request).await;
            for field in resource
                .fields()
                .filter(|field| contract.is_output_only(field))
            {
                let mut said = request.clone();
                said[at.name()][field.name()] = sample::value(&field);
                if request.get("update_mask").is_some() {
                    let mask = format!(
                        "{},{}",
                        request["update_mask"].as_str().unwrap(),
                        field.json_name()
                    );
                    said["update_mask"] = json!(mask);
                }
                let after = answered(callers, row, who, &said).await;
                assert_eq!(after, before, "{} {who:?} {said}", row.method);
                ignored += 1;
            }
            // The control: what is there to be written is written.
            let Some(field) = resource.get_field_by_name("display_name") else {
                continue;
            };
            let mut said = request.clone();
            said[at.name()][field.name()] = json!("Another");
            if before.is_object()
                && request
                    .get("update_mask")
                    .is_none_or(|mask| mask == "displayName")
            {
                assert_ne!(answered(callers, row, who, &said).await, before, "{said}");
                heeded += 1;
            }
        }
    }
    assert!(heeded > 0);
    ignored
}

/// What a request would write, without what the server makes up anew each time.
async fn answered(callers: &mut [Caller<'_>], row: &Row, who: Who, request: &Value) -> Value {
    let answer = by(callers, who).call(row.method, request).await;
    if let Some(word) = refusal(&answer) {
        assert!(
            word.starts_with("PASS:"),
            "{} {who:?} {request}: {answer:?}",
            row.method
        );
        return json!(word);
    }
    let message = callers[0]
        .scene
        .stage
        .decoded(row.method, &answer.body)
        .pop()
        .unwrap();
    let mut answer = json_of(&message);
    assert_eq!(message.descriptor().full_name(), method(row.method).output);
    for made in ["name", "etag"] {
        answer.as_object_mut().unwrap().remove(made);
    }
    answer
}
