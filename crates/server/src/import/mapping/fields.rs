//! The fields of each kind that a mapping can fill.
//!
//! They carry the names that they have in the contract. A field that refers to another resource is
//! filled with the external id of that resource, because that is what a foreign file knows.

use serde::Deserialize;
use trellis_api::deal::v1::DealType;
use trellis_api::deal::v1::deal::Stage;
use trellis_api::partner::v1::partner::PartnerType;

use super::choice::{Choice, Word};
use super::rule::{AnyRule, Rule};
use super::value::{Amount, Day, List, Text, Whole};

/// Rules that can be gone through one by one.
pub(in crate::import) trait Rules {
    /// Shows every rule with the path of its field.
    fn visit(&mut self, path: &str, visitor: &mut dyn FnMut(&str, &mut dyn AnyRule));
}

impl<T: super::value::Reads> Rules for Rule<T> {
    fn visit(&mut self, path: &str, visitor: &mut dyn FnMut(&str, &mut dyn AnyRule)) {
        visitor(path, self);
    }
}

impl<R: Rules> Rules for Option<R> {
    fn visit(&mut self, path: &str, visitor: &mut dyn FnMut(&str, &mut dyn AnyRule)) {
        if let Some(rules) = self {
            rules.visit(path, visitor);
        }
    }
}

impl<R: Rules> Rules for Vec<R> {
    fn visit(&mut self, path: &str, visitor: &mut dyn FnMut(&str, &mut dyn AnyRule)) {
        for (place, rules) in self.iter_mut().enumerate() {
            rules.visit(&format!("{path}[{place}]"), visitor);
        }
    }
}

/// Makes the fields of a kind and the way through them from one list, so that none is passed over.
macro_rules! fields {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[$about_field:meta])+ $field:ident: $rule:ty,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(in crate::import) struct $name {
            $($(#[$about_field])+ pub(in crate::import) $field: $rule,)+
        }

        impl $name {
            /// The names of the fields.
            #[cfg(test)]
            pub(super) const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl Rules for $name {
            fn visit(&mut self, path: &str, visitor: &mut dyn FnMut(&str, &mut dyn AnyRule)) {
                $(self.$field.visit(&format!("{path}.{}", stringify!($field)), visitor);)+
            }
        }
    };
}

fields! {
    /// The fields of a territory.
    TerritoryFields {
        /// What the territory is found again by.
        external_id: Rule<Text>,
        /// The name that people read.
        display_name: Rule<Text>,
        /// The countries and subdivisions that it consists of.
        region_codes: Option<Rule<List>>,
        /// The external id of the territory around it.
        parent_territory: Option<Rule<Text>>,
    }
}

fields! {
    /// The fields of a product.
    ProductFields {
        /// What the product is found again by.
        external_id: Rule<Text>,
        /// The name that people read.
        display_name: Rule<Text>,
        /// The display name of its family, which is made if there is none.
        product_family: Option<Rule<Text>>,
        /// The number under which it is ordered.
        sku: Option<Rule<Text>>,
        /// What one of it costs.
        list_price: Option<Rule<Amount>>,
    }
}

fields! {
    /// The fields of a partner.
    PartnerFields {
        /// What the partner is found again by.
        external_id: Rule<Text>,
        /// The name that people read.
        display_name: Rule<Text>,
        /// What kind of partner it is.
        partner_type: Rule<Choice<PartnerType>>,
        /// The country where it is at home.
        region_code: Option<Rule<Text>>,
        /// Its web site or domain.
        domain: Option<Rule<Text>>,
        /// Where invitations and notices go to.
        contact_email: Option<Rule<Text>>,
        /// Who looks after it.
        channel_manager: Option<Rule<Text>>,
    }
}

fields! {
    /// The fields of an account.
    AccountFields {
        /// What the account is found again by.
        external_id: Rule<Text>,
        /// The name that people read.
        display_name: Rule<Text>,
        /// The country where it is at home.
        region_code: Option<Rule<Text>>,
        /// Its web sites or domains.
        domains: Option<Rule<List>>,
        /// Other names that it goes by or went by.
        aliases: Option<Rule<List>>,
        /// Its legal entity identifier.
        lei: Option<Rule<Text>>,
        /// Its D-U-N-S number.
        duns: Option<Rule<Text>>,
        /// Its number for value added tax, with or without the prefix of its country.
        vat: Option<Rule<Text>>,
        /// Its number in the register of companies of its country.
        registration_number: Option<Rule<Text>>,
        /// What it does.
        industry: Option<Rule<Text>>,
        /// What it earns in a year.
        annual_revenue: Option<Rule<Amount>>,
        /// How many people work there.
        employee_count: Option<Rule<Whole<i64>>>,
        /// The year in which it was founded.
        founded_year: Option<Rule<Whole<i32>>>,
        /// The external id of the account that it belongs to.
        parent_account: Option<Rule<Text>>,
    }
}

fields! {
    /// The fields of a deal.
    DealFields {
        /// What the deal is found again by.
        external_id: Rule<Text>,
        /// What people call it.
        display_name: Rule<Text>,
        /// How far it has come.
        stage: Rule<Choice<Stage>>,
        /// The external id of the customer.
        account: Option<Rule<Text>>,
        /// The external id of the partner that sourced it.
        partner: Option<Rule<Text>>,
        /// What the customer buys.
        #[serde(default)]
        lines: Vec<LineFields>,
        /// What it is worth.
        amount: Option<Rule<Amount>>,
        /// What kind of business it is.
        deal_type: Option<Rule<Choice<DealType>>>,
        /// The external id of the territory where the customer is served.
        territory: Option<Rule<Text>>,
        /// When work on it began.
        engage_date: Option<Rule<Day>>,
        /// When it is expected to close.
        expected_close_date: Option<Rule<Day>>,
        /// When it was won or lost.
        close_date: Option<Rule<Day>>,
        /// Why it was lost.
        lost_reason_code: Option<Rule<Text>>,
    }
}

fields! {
    /// The fields of one line of a deal. A row whose product is empty has no such line.
    LineFields {
        /// The external id of the product.
        product: Rule<Text>,
        /// How many.
        quantity: Option<Rule<Whole<i64>>>,
        /// What the line is worth.
        amount: Option<Rule<Amount>>,
    }
}

impl Word for Stage {
    const PREFIX: &'static str = "STAGE_";

    fn full(self) -> &'static str {
        self.as_str_name()
    }
}

impl Word for PartnerType {
    const PREFIX: &'static str = "PARTNER_TYPE_";

    fn full(self) -> &'static str {
        self.as_str_name()
    }
}

impl Word for DealType {
    const PREFIX: &'static str = "DEAL_TYPE_";

    fn full(self) -> &'static str {
        self.as_str_name()
    }
}
