//! The one place that knows which services there are: each is added here once, and gets its
//! limits, its compression, its health and its workers.

use std::sync::Arc;

use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::NamedService;
use trellis_broker::NAME as BROKER;
use trellis_deal::account::nearby::Nearby;
use trellis_platform::access::secret::Pepper;
use trellis_platform::audit::note::Signer;
use trellis_platform::event::Retention;
use trellis_platform::webhook::sender::Sender;
use trellis_platform::webhook::target::Named;
use trellis_platform::webhook::{Deliveries, Lanes};
use trellis_store::Store;
use trellis_store::worker::{Awaited, Concern, Worker};

use crate::audit::Recorder;
use crate::inside::Within;
use crate::layers::{self, Serve};
use crate::methods::Methods;
use crate::routes::Routes;
use crate::settings::{Kept, Service as Package, Settings};

/// The services that a server serves, ready to be called.
pub(crate) struct Services {
    /// The routes to them.
    pub(crate) routes: Routes,
    /// Their full names.
    pub(crate) names: Vec<&'static str>,
    /// What they do in the background.
    pub(crate) workers: Vec<Arc<dyn Worker>>,
    /// The workers of all services, wherever they are served.
    pub(crate) deployment: Vec<Awaited>,
}

/// Sets the limits of gRPC servers, which have no trait in common, and adds them.
macro_rules! add {
    ($building:ident, $package:expr, [$($server:expr),* $(,)?]) => {$(
        let server = $server;
        $building.within.add(server.clone(), server.clone());
        if $building.settings.services.has($package) {
            let server = server
                .accept_compressed(Gzip)
                .send_compressed(Gzip)
                .max_encoding_message_size($building.settings.response_size_max.bytes());
            let usual = $building.settings.request_size_max.bytes();
            let import = $building.settings.import_size_max.bytes();
            $building.add(
                server.clone().max_decoding_message_size(usual),
                server.max_decoding_message_size(import),
            );
        }
    )*};
}

/// Makes every service that the settings name over a store.
pub(crate) fn all(
    settings: &Settings,
    store: &Store,
    pepper: Pepper,
    signer: Arc<Signer>,
    methods: &Methods,
    recorder: &Recorder,
) -> Services {
    let mut building = Building::new(settings);
    let named = Named::new(settings.webhook_hosts.values().iter().cloned());
    let lanes = Lanes::new(store.clone(), Sender::new(named));
    let nearby = Nearby::new(settings.matching_ecosystems_max);
    add!(
        building,
        Package::Platform,
        [
            trellis_platform::ecosystem::Ecosystems::server(store.clone()),
            trellis_platform::access::Access::server(store.clone(), pepper),
            trellis_platform::webhook::Webhooks::server(store.clone(), lanes.clone()),
            trellis_platform::audit::Audit::server(store.clone(), signer),
        ]
    );
    building.work(
        Package::Platform,
        vec![Arc::new(Deliveries::new(store.clone(), lanes))],
    );
    add!(
        building,
        Package::Partner,
        [trellis_partner::partner::Partners::server(store.clone()),]
    );
    building.work(Package::Partner, trellis_partner::workers());
    add!(
        building,
        Package::Program,
        [
            trellis_program::program::Programs::server(store.clone()),
            trellis_program::enrollment::Enrollments::server(store.clone()),
        ]
    );
    add!(
        building,
        Package::Deal,
        [
            trellis_deal::catalog::Catalog::server(store.clone()),
            trellis_deal::account::Accounts::server(store.clone(), nearby),
            trellis_deal::registration::Registrations::server(store.clone()),
            trellis_deal::deal::Deals::server(store.clone()),
            trellis_deal::lead::Leads::server(store.clone()),
            trellis_deal::engagement::Engagements::server(store.clone()),
        ]
    );
    building.work(Package::Deal, trellis_deal::workers());
    add!(
        building,
        Package::Incentive,
        [
            trellis_incentive::plan::Plans::server(store.clone(), settings.backtest_facts_max),
            trellis_incentive::award::Awards::server(store.clone()),
            trellis_incentive::fact::Facts::server(store.clone()),
            trellis_incentive::ledger::Ledger::server(store.clone()),
            trellis_incentive::payout::Payouts::server(store.clone()),
        ]
    );
    building.work(Package::Incentive, trellis_incentive::workers());
    // Its snapshots are read through all others.
    let within = layers::within(methods.clone(), recorder.clone(), building.within.clone());
    let within = Arc::new(Within::new(within));
    add!(
        building,
        Package::Platform,
        [trellis_platform::event::Events::server(
            store.clone(),
            within
        )]
    );
    building.done()
}

/// The methods whose answers show what the workers of a package do: its own, and those of the platform, which
/// tell what happened and move the clock.
fn shown_by(package: Package) -> &'static [&'static str] {
    match package {
        Package::Platform => &["/trellis.platform."],
        Package::Partner => &["/trellis.partner.", "/trellis.platform."],
        Package::Program => &["/trellis.program.", "/trellis.platform."],
        Package::Deal => &["/trellis.deal.", "/trellis.platform."],
        Package::Incentive => &["/trellis.incentive.", "/trellis.platform."],
    }
}

struct Building<'a> {
    settings: &'a Settings,
    routes: Routes,
    /// The routes to all services, those that are served here and those that are not.
    within: Routes,
    names: Vec<&'static str>,
    workers: Vec<Arc<dyn Worker>>,
    deployment: Vec<Awaited>,
}

impl<'a> Building<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            routes: Routes::default(),
            within: Routes::default(),
            names: Vec::new(),
            workers: Vec::new(),
            deployment: Vec::new(),
        }
    }

    fn add<S: Serve + NamedService>(&mut self, usual: S, import: S) {
        self.routes.add(usual, import);
        self.names.push(S::NAME);
    }

    fn work(&mut self, package: Package, workers: Vec<Arc<dyn Worker>>) {
        let awaited = workers.iter().map(|worker| Awaited {
            name: worker.name(),
            shown_by: shown_by(package),
            concern: Concern::of(&**worker),
        });
        self.deployment.extend(awaited);
        if self.settings.services.has(package) {
            self.workers.extend(workers);
        }
    }

    fn done(mut self) -> Services {
        // Nobody waits for what is removed, so it is no worker of the deployment.
        if let Kept::For(kept) = self.settings.feed_retention
            && self.settings.services.has(Package::Platform)
        {
            let publishes = !self.settings.nats_url.values().is_empty();
            let awaited = self.deployment.iter().map(|worker| worker.name);
            let awaited = awaited.chain(publishes.then_some(BROKER)).collect();
            self.workers.push(Arc::new(Retention::new(kept, awaited)));
        }
        Services {
            routes: self.routes,
            names: self.names,
            workers: self.workers,
            deployment: self.deployment,
        }
    }
}
