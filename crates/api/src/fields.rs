//! Reads the fields of a request and collects everything that is wrong with them.
//!
//! Every reader answers `None` when the field is wrong and goes on, so that a caller learns of all
//! violations at once. Read every field first, then unpack:
//!
//! ```ignore
//! let id = fields.id("name", &request.name);
//! let etag = fields.etag("etag", &request.etag);
//! Some(Activate { id: id?, etag: etag? })
//! ```

use prost_protovalidate::Validate;
use prost_types::FieldMask;
use trellis_core::id::Id;
use trellis_core::{EcosystemId, Eyes, Filter, PageQuery, Violation};

use crate::filter::Field;
use crate::mask::{Mask, Resource};
use crate::method::Listed;
use crate::name::{self, Collection};
use crate::{Etag, filter, mask, page};

/// The fields of one request.
#[derive(Debug)]
pub struct Fields {
    ecosystem: Option<EcosystemId>,
    eyes: Eyes,
    violations: Vec<Violation>,
    reader: Option<page::Reader>,
}

impl Fields {
    pub(crate) const fn new(ecosystem: Option<EcosystemId>, violations: Vec<Violation>) -> Self {
        Self {
            ecosystem,
            eyes: Eyes::Staff,
            violations,
            reader: None,
        }
    }

    /// Reads the fields for these eyes: what is hidden from them can be neither named nor set.
    pub(crate) const fn seen_by(mut self, eyes: Eyes) -> Self {
        self.eyes = eyes;
        self
    }

    pub(crate) const fn eyes(&self) -> Eyes {
        self.eyes
    }

    /// Says whom page tokens are for, and what seals them.
    pub(crate) fn read_by(mut self, reader: page::Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Whom page tokens are for: nobody in particular, unless it was said.
    pub(crate) fn reader(&self) -> page::Reader {
        self.reader.clone().unwrap_or_default()
    }

    pub(crate) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// The ecosystem that the request is about. Nothing when its address is wrong, which has been
    /// refused then, or when it is about none in particular.
    #[must_use]
    pub fn ecosystem(&self) -> Option<EcosystemId> {
        self.ecosystem.clone()
    }

    /// Whether nothing was wrong so far.
    #[must_use]
    pub const fn all_well(&self) -> bool {
        self.violations.is_empty()
    }

    /// Says what is wrong with a field. A field that something was wrong with already is not
    /// complained of again: what was found first is the cause.
    pub fn refuse(
        &mut self,
        field: impl Into<String>,
        rule: impl Into<String>,
        description: impl Into<String>,
    ) {
        self.complain(Violation::new(field, rule, description));
    }

    pub(crate) fn complain(&mut self, violation: Violation) {
        if !self
            .violations
            .iter()
            .any(|known| known.field == violation.field)
        {
            self.violations.push(violation);
        }
    }

    /// Takes what was read, or says what is wrong with the field. The violation's own path, such as
    /// `nanos`, is one inside of the field.
    pub fn take<T>(&mut self, field: &str, read: Result<T, Violation>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(Violation {
                field: part,
                rule,
                description,
            }) => {
                let field = if part.is_empty() {
                    field.into()
                } else {
                    format!("{field}.{part}")
                };
                self.complain(Violation {
                    field,
                    rule,
                    description,
                });
                None
            }
        }
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.refuse(field, "required", "value is required");
        }
        value
    }

    /// The id in a full resource name of this ecosystem.
    pub fn id<I: Collection>(&mut self, field: &str, text: &str) -> Option<I> {
        let read = name::read(self.ecosystem.as_ref()?, text);
        self.take(field, read)
    }

    /// The id in a full resource name of this ecosystem, or nothing when the text is empty.
    pub fn optional_id<I: Collection>(&mut self, field: &str, text: &str) -> Option<Option<I>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.id(field, text).map(Some)
        }
    }

    /// The id in a full resource name of this ecosystem, or nothing when `-` stands in its place, which
    /// means all of them.
    pub fn id_or_all<I: Collection>(&mut self, field: &str, text: &str) -> Option<Option<I>> {
        if name::is_of_all::<I>(self.ecosystem.as_ref()?, text) {
            Some(None)
        } else {
            self.id(field, text).map(Some)
        }
    }

    /// The ids in full resource names of this ecosystem.
    pub fn ids<I: Collection>(&mut self, field: &str, texts: &[String]) -> Option<Vec<I>> {
        let read: Vec<Option<I>> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| self.id(&format!("{field}[{at}]"), text))
            .collect();
        read.into_iter().collect()
    }

    /// The ids in the name of a resource inside of another one, such as a tier of a program.
    pub fn child<P: Collection, C: Collection>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<(P, C)> {
        let read = name::read_child(self.ecosystem.as_ref()?, text);
        self.take(field, read)
    }

    /// The ids in the name of a resource inside of another one, or nothing when the text is empty.
    pub fn optional_child<P: Collection, C: Collection>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<Option<(P, C)>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.child(field, text).map(Some)
        }
    }

    /// The id and the number in the name of a numbered resource inside of another one, such as
    /// `ecosystems/acme/plans/spiff/versions/2` with `versions`.
    pub fn numbered<P: Collection>(
        &mut self,
        collection: &str,
        field: &str,
        text: &str,
    ) -> Option<(P, i64)> {
        let read = name::read_numbered(self.ecosystem.as_ref()?, collection, text);
        self.take(field, read)
    }

    /// The id that a caller chose for a new resource, or nothing when the server is to make one.
    pub fn new_id<I: Id>(&mut self, field: &str, text: &str) -> Option<Option<I>> {
        if text.is_empty() {
            return Some(None);
        }
        let read = I::parse(text).map_err(|error| Violation::new("", "id", error.to_string()));
        self.take(field, read).map(Some)
    }

    /// The version that the caller read; any when the text is empty.
    pub fn etag(&mut self, field: &str, text: &str) -> Option<Etag> {
        self.take(field, Etag::read(text))
    }

    /// Which page of a list is asked for, by the fields of the method's table.
    pub fn page<R: Listed>(&mut self, request: &R, table: &[Field]) -> Option<PageQuery> {
        page::query(self, request, table)
    }

    /// Those of a list's fields that the caller may filter and order by. What is hidden from them would
    /// be told by what it finds and by its order.
    #[must_use]
    pub fn shown<R: Listed>(&self, table: &[Field]) -> Vec<Field> {
        let hidden =
            |field: &Field| self.eyes == Eyes::Partner && R::STAFF_FIELDS.contains(&field.name());
        let shown = table.iter().filter(|field| !hidden(field));
        shown.copied().collect()
    }

    /// A filter beside a page: nothing when the text is empty.
    pub fn filter(&mut self, field: &str, text: &str, table: &[Field]) -> Option<Option<Filter>> {
        let read = filter::read(text, table, self.ecosystem.as_ref());
        self.take(field, read)
    }

    /// Which fields of a resource an update changes, of those that it may change.
    ///
    /// The mask is that of the request's `update_mask`. The contract's rules are checked for the
    /// fields that it covers, and for no others. See [`Mask`] for how it is understood.
    pub fn mask<R: Resource>(
        &mut self,
        field: &str,
        resource: &R,
        update_mask: Option<FieldMask>,
        mutable: &'static [&'static str],
    ) -> Option<Mask> {
        mask::read(self, field, resource, update_mask, mutable)
    }

    /// Reads a part of the request that stands or falls by itself, such as a row of an import: its
    /// violations are answered, with paths inside of the part, and the request is none the worse.
    ///
    /// # Errors
    /// Everything that is wrong with the part.
    pub fn apart<M: Validate, C>(
        &self,
        part: M,
        parse: impl FnOnce(M, &mut Self) -> Option<C>,
    ) -> Result<C, Vec<Violation>> {
        let mut own = Self::new(self.ecosystem.clone(), broken_rules(&part)).seen_by(self.eyes);
        let command = parse(part, &mut own);
        match command {
            Some(command) if own.all_well() => Ok(command),
            _ => {
                if own.all_well() {
                    own.refuse("", "unreadable", "cannot be read");
                }
                Err(own.into_violations())
            }
        }
    }
}

/// The rules of the contract that a message breaks.
pub(crate) fn broken_rules(message: &impl Validate) -> Vec<Violation> {
    let Err(error) = message.validate() else {
        return Vec::new();
    };
    let described = |violation: &prost_protovalidate::Violation| {
        let rule = violation.rule_id();
        let description = match violation.message() {
            "" => described(rule),
            message => message.to_owned(),
        };
        Violation::new(violation.field_path(), rule, description)
    };
    error.violations().iter().map(described).collect()
}

/// What a rule that says nothing itself asks for: `string.email` and `string.email_empty` ask for a
/// valid email.
fn described(rule: &str) -> String {
    let kind = rule.rsplit('.').next().unwrap_or(rule);
    let kind = kind
        .strip_suffix("_empty")
        .unwrap_or(kind)
        .replace('_', " ");
    format!("must be a valid {kind}")
}

#[cfg(test)]
mod tests {
    use trellis_core::{DealId, PartnerId, PlanId, ProgramId, TierId};

    use super::*;
    use crate::partner::v1::Partner;

    fn fields() -> Fields {
        Fields::new(Some(EcosystemId::try_new("acme").unwrap()), Vec::new())
    }

    #[test]
    fn names_are_read_within_the_ecosystem() {
        let mut fields = fields();
        let id: Option<PartnerId> = fields.id("name", "ecosystems/acme/partners/nimbus");
        assert_eq!(id.unwrap().as_str(), "nimbus");
        assert_eq!(fields.optional_id::<DealId>("deal", ""), Some(None));
        let tier = fields.child::<ProgramId, TierId>("t", "ecosystems/acme/programs/p/tiers/gold");
        assert_eq!(tier.unwrap().1.as_str(), "gold");
        assert_eq!(
            fields.optional_child::<ProgramId, TierId>("t", ""),
            Some(None)
        );
        let version =
            fields.numbered::<PlanId>("versions", "name", "ecosystems/acme/plans/p/versions/3");
        assert_eq!(version.unwrap().1, 3);
        assert!(fields.all_well());
    }

    #[test]
    fn everything_wrong_is_collected_with_its_path() {
        let mut fields = fields();
        let names = vec!["ecosystems/acme/partners/a".to_owned(), "x".to_owned()];
        assert_eq!(fields.ids::<PartnerId>("names", &names), None);
        assert_eq!(fields.optional_id::<DealId>("deal", "x"), None);
        assert_eq!(fields.new_id::<DealId>("deal_id", "X"), None);
        assert_eq!(fields.etag("etag", "7"), None);
        assert_eq!(fields.required::<()>("partner", None), None);
        let paths: Vec<_> = fields
            .into_violations()
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(paths, ["names[1]", "deal", "deal_id", "etag", "partner"]);
    }

    #[test]
    fn a_new_id_is_chosen_or_left_to_the_server() {
        let mut fields = fields();
        assert_eq!(fields.new_id::<DealId>("deal_id", ""), Some(None));
        let chosen = fields
            .new_id::<DealId>("deal_id", "big-one")
            .unwrap()
            .unwrap();
        assert_eq!(chosen.as_str(), "big-one");
    }

    #[test]
    fn a_field_is_complained_of_once() {
        let mut fields = fields();
        fields.refuse("name", "string.min_len", "must be at least 1 character");
        assert_eq!(fields.id::<PartnerId>("name", ""), None);
        assert_eq!(fields.into_violations().len(), 1);
    }

    #[test]
    fn without_an_ecosystem_names_are_not_judged() {
        let mut fields = Fields::new(None, Vec::new());
        assert_eq!(
            fields.id::<PartnerId>("name", "ecosystems/acme/partners/nimbus"),
            None
        );
        assert!(fields.all_well());
    }

    #[test]
    fn a_part_is_judged_by_itself() {
        let fields = fields();
        let bad = Partner {
            contact_email: "nobody".to_owned(),
            ..Partner::default()
        };
        let violations = fields.apart(bad, |partner, own| {
            own.refuse("external_id", "required", "value is required");
            Some(partner)
        });
        let violations = violations.unwrap_err();
        let paths: Vec<_> = violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "display_name",
                "partner_type",
                "contact_email",
                "external_id"
            ]
        );
        assert!(
            violations
                .iter()
                .all(|violation| !violation.description.is_empty())
        );
        assert!(fields.all_well());

        assert_eq!(
            fields
                .apart(nimbus(), |partner, _| Some(partner.display_name))
                .unwrap(),
            "Nimbus"
        );
        let unread = fields.apart(nimbus(), |_, _| None::<()>).unwrap_err();
        assert_eq!(unread.first().unwrap().rule, "unreadable");
    }

    fn nimbus() -> Partner {
        Partner {
            display_name: "Nimbus".to_owned(),
            partner_type: 1,
            ..Partner::default()
        }
    }

    #[test]
    fn rules_that_say_nothing_are_described() {
        assert_eq!(described("string.email"), "must be a valid email");
        assert_eq!(
            described("string.host_and_port_empty"),
            "must be a valid host and port"
        );
    }
}
