//! Finds other resources by their external ids, where the contract wants their names.

use std::collections::{BTreeSet, HashMap, HashSet};

use tonic::Status;
use trellis_api::deal::v1::catalog_service_client::CatalogServiceClient;
use trellis_api::deal::v1::{ListProductsRequest, ListTerritoriesRequest};

use super::error::{Error, transient};
use super::kind::Kind;
use super::resource::{By, Reference};
use super::retry::Patience;
use super::session::Caller;

/// How many ids one filter asks for. The contract allows 64 comparisons.
const IDS_MAX: usize = 50;

/// How long a filter gets. The contract allows 2,048 bytes.
const FILTER_MAX: usize = 1_900;

/// How many names are remembered before they are forgotten together. What is needed again is asked
/// for again, so that a catalogue of any size takes bounded memory.
const KNOWN_MAX: usize = 50_000;

/// The names of resources by their external ids.
#[derive(Debug)]
pub(super) struct Names {
    caller: Caller,
    /// Nothing for an id that no resource has.
    known: HashMap<(Kind, String), Option<String>>,
}

/// What a dry run would have made by now, had it been a real one. Rows that come later may refer to
/// it although the server has never heard of it.
#[derive(Debug, Default)]
pub(super) struct Planned(HashSet<(Kind, String)>);

impl Planned {
    /// Remembers what would have been made.
    pub(super) fn insert(&mut self, kind: Kind, external_id: String) {
        self.0.insert((kind, external_id));
    }

    /// Takes out what only a real run could refer to; tells whether there was any.
    pub(super) fn take_out(&self, references: Vec<Reference<'_>>) -> bool {
        let mut any = false;
        for Reference { kind, id, .. } in references {
            if !self.0.is_empty() && self.0.contains(&(kind, id.clone())) {
                id.clear();
                any = true;
            }
        }
        any
    }
}

impl Names {
    /// Asks this server.
    pub(super) fn new(caller: Caller) -> Self {
        let known = HashMap::new();
        Self { caller, known }
    }

    /// Learns the names of all of these that are not known yet.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) async fn learn(&mut self, needed: BTreeSet<(Kind, String)>) -> Result<(), Error> {
        let unknown = |key: &(Kind, String)| !self.known.contains_key(key);
        let mut missing: Vec<_> = needed.iter().filter(|key| unknown(key)).cloned().collect();
        if self.known.len() + missing.len() > KNOWN_MAX {
            self.known.clear();
            missing = needed.into_iter().collect();
        }
        while let Some((kind, _)) = missing.first() {
            let kind = *kind;
            let several = next_question(&mut missing, kind);
            let found = self.ask(kind, &several).await?;
            let found: HashMap<_, _> = found.into_iter().collect();
            for id in several {
                let name = found.get(&id).cloned();
                self.known.insert((kind, id), name);
            }
        }
        Ok(())
    }

    /// Puts the name in place of the external id; what is wrong if there is none.
    pub(super) fn put(&self, reference: Reference<'_>) -> Result<(), String> {
        let Reference { kind, id, by, .. } = reference;
        if by == By::ExternalId {
            return Ok(());
        }
        match self.known.get(&(kind, id.clone())) {
            Some(Some(name)) => {
                name.clone_into(id);
                Ok(())
            }
            Some(None) | None => Err(format!("no {} has the external id {id:?}", kind.singular())),
        }
    }

    /// The external ids and names of those of these that there are.
    async fn ask(&self, kind: Kind, ids: &[String]) -> Result<Vec<(String, String)>, Error> {
        let filter = ids.iter().map(|id| format!("external_id = {}", quoted(id)));
        let filter = filter.collect::<Vec<_>>().join(" OR ");
        let mut patience = Patience::default();
        loop {
            let answer = match kind {
                Kind::Products => self.products(filter.clone()).await,
                Kind::Territories => self.territories(filter.clone()).await,
                // The server finds these by their external ids itself.
                Kind::Partners | Kind::Accounts | Kind::Deals => return Ok(Vec::new()),
            };
            match answer {
                Ok(found) => return Ok(found),
                Err(status) if transient(&status) && patience.wait().await => {}
                Err(status) => return Err(Error::refused(format!("list {kind}"), status)),
            }
        }
    }

    async fn products(&self, filter: String) -> Result<Vec<(String, String)>, Status> {
        let request = ListProductsRequest {
            parent: self.caller.parent.clone(),
            page_size: i32::try_from(IDS_MAX).unwrap_or_default(),
            filter,
            ..ListProductsRequest::default()
        };
        let mut client = CatalogServiceClient::new(self.caller.channel.clone());
        let answer = client.list_products(self.caller.request(request)).await?;
        let products = answer.into_inner().products.into_iter();
        Ok(products
            .map(|found| (found.external_id, found.name))
            .collect())
    }

    async fn territories(&self, filter: String) -> Result<Vec<(String, String)>, Status> {
        let request = ListTerritoriesRequest {
            parent: self.caller.parent.clone(),
            page_size: i32::try_from(IDS_MAX).unwrap_or_default(),
            filter,
            ..ListTerritoriesRequest::default()
        };
        let mut client = CatalogServiceClient::new(self.caller.channel.clone());
        let answer = client
            .list_territories(self.caller.request(request))
            .await?;
        let territories = answer.into_inner().territories.into_iter();
        Ok(territories
            .map(|found| (found.external_id, found.name))
            .collect())
    }
}

/// Takes as many ids of one kind as one filter can hold.
fn next_question(missing: &mut Vec<(Kind, String)>, kind: Kind) -> Vec<String> {
    let mut length = 0;
    let mut count = 0;
    let mut several = Vec::new();
    missing.retain(|(other, id)| {
        let longer = length + quoted(id).len() + "external_id =  OR ".len();
        let fits = *other == kind && count < IDS_MAX && (longer <= FILTER_MAX || count == 0);
        if fits {
            length = longer;
            count += 1;
            several.push(id.clone());
        }
        !fits
    });
    several
}

/// A text as a filter writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_is_longer_than_a_server_reads() {
        let long = |place: usize| (Kind::Products, format!("{place}{}", "\"".repeat(198)));
        let short = |place: usize| (Kind::Products, format!("p{place}"));
        let other = (Kind::Territories, "t".to_owned());
        let mut missing: Vec<_> = (0..20).map(long).chain((0..120).map(short)).collect();
        missing.push(other.clone());
        let mut asked = 0;
        let mut questions = 0;
        while missing.iter().any(|(kind, _)| *kind == Kind::Products) {
            let several = next_question(&mut missing, Kind::Products);
            assert!(!several.is_empty() && several.len() <= IDS_MAX);
            let filter = several
                .iter()
                .map(|id| format!("external_id = {}", quoted(id)));
            assert!(filter.collect::<Vec<_>>().join(" OR ").len() <= 2_048);
            asked += several.len();
            questions += 1;
        }
        assert_eq!((asked, missing), (140, vec![other]));
        assert!(questions < 20, "{questions}");
    }

    #[test]
    fn ids_are_quoted_as_filters_want_them() {
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
