//! What the server tells of itself: log lines, and traces and metrics when somebody collects them.
//!
//! Two things must never be told. The driver's connect span holds the database URL with its
//! password, so that nothing of the data layer's libraries below INFO is written anywhere, however
//! talkative the log level; and the libraries that carry the telemetry itself are not traced, or
//! every export would make spans for the next one.

use std::time::Duration;

use opentelemetry::metrics::Meter;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter};
use opentelemetry_otlp::{WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::metadata::MetadataMap;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::settings::{LogFormat, Settings};

/// The name by which the server is known to whoever collects.
const SERVICE: &str = "trellis";

/// How long the last spans and metrics may take to be sent when the server ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// Libraries whose spans and events below INFO hold what must not be told.
const SECRETIVE: [&str; 2] = ["sea_orm", "sqlx"];

/// Libraries whose INFO repeats what the server says itself.
const REPETITIVE: [&str; 2] = ["async_nats", "sea_orm_migration"];

/// Libraries that the export itself goes through, or whose spans say nothing that ours do not.
const UNTRACED: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "sea_orm",
    "tonic",
    "tower",
];

/// Sends what is left when the server ends.
#[derive(Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exporter cannot be made of the settings.
    #[error("telemetry cannot be sent to this endpoint")]
    Exporter(#[from] ExporterBuildError),
    /// Something in this process writes log lines already.
    #[error("log lines are written by somebody else already")]
    Taken(#[from] tracing::subscriber::SetGlobalDefaultError),
}

impl Telemetry {
    /// Begins to write log lines, and to send traces and metrics if the settings say where.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let telemetry = match settings.otlp_endpoint.url() {
            Some(url) => Self::exporting(settings, url)?,
            None => Self::default(),
        };
        // A layer that is not there is left out, instead of being added as none: it would have every
        // span made, at whatever log level, because it has no filter that says no.
        let taken = match telemetry.traces() {
            Some(traces) => tracing::subscriber::set_global_default(
                Registry::default().with(traces).with(lines(settings)),
            ),
            None => {
                tracing::subscriber::set_global_default(Registry::default().with(lines(settings)))
            }
        };
        taken?;
        std::panic::set_hook(Box::new(tell_panic));
        Ok(telemetry)
    }

    /// Begins to write log lines, and nothing else: for commands that end soon.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start_lines(settings: &Settings) -> Result<(), Error> {
        tracing::subscriber::set_global_default(Registry::default().with(lines(settings)))?;
        std::panic::set_hook(Box::new(tell_panic));
        Ok(())
    }

    fn exporting(settings: &Settings, url: &str) -> Result<Self, Error> {
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let headers: http::HeaderMap = settings
            .otlp_headers
            .reveal()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let spans = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(url)
            .with_metadata(MetadataMap::from_headers(headers.clone()))
            .build()?;
        let measurements = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(url)
            .with_metadata(MetadataMap::from_headers(headers))
            .build()?;
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            .with_resource(resource.clone())
            .build();
        let reader = PeriodicReader::builder(measurements)
            .with_interval(settings.otlp_interval)
            .build();
        let metrics = SdkMeterProvider::builder()
            .with_reader(reader)
            .with_resource(resource)
            .build();
        opentelemetry::global::set_meter_provider(metrics.clone());
        opentelemetry::global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        Ok(Self {
            traces: Some(traces),
            metrics: Some(metrics),
        })
    }

    /// Makes spans of the server's own, and none of the libraries that carry them.
    fn traces<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.traces.as_ref()?.tracer(SERVICE);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let traced = filter_fn(|metadata| !is_of(metadata.target(), &UNTRACED));
        Some(layer.with_filter(LevelFilter::INFO.and(traced)))
    }

    /// Where the server's measurements go.
    #[must_use]
    pub fn meter(&self) -> Meter {
        opentelemetry::global::meter(SERVICE)
    }

    /// Sends what was not sent yet, and ends. It blocks for a short while at most, so that a
    /// collector that is away does not hold the server.
    pub async fn flush(self) {
        let flushed = tokio::task::spawn_blocking(move || {
            let traces = self
                .traces
                .map(|traces| traces.shutdown_with_timeout(FLUSH_LIMIT));
            let metrics = self
                .metrics
                .map(|metrics| metrics.shutdown_with_timeout(FLUSH_LIMIT));
            [traces, metrics]
                .into_iter()
                .flatten()
                .find_map(Result::err)
        });
        match tokio::time::timeout(FLUSH_LIMIT * 2, flushed).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(error))) => tracing::warn!(%error, "the last telemetry was not sent"),
            Ok(Err(error)) => tracing::warn!(%error, "the last telemetry was not sent"),
            Err(error) => tracing::warn!(%error, "the last telemetry was not sent in time"),
        }
    }
}

/// Writes log lines to standard error: standard output belongs to what a command answers.
fn lines<S>(settings: &Settings) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer: Box<dyn Layer<S> + Send + Sync> = match settings.log_format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => {
            let colored = std::io::IsTerminal::is_terminal(&std::io::stderr());
            layer.with_ansi(colored).boxed()
        }
    };
    // Without a hint every call site of every library would be asked.
    let open = filter_fn(|metadata| is_open(*metadata.level(), metadata.target()))
        .with_max_level_hint(LevelFilter::TRACE);
    layer.with_filter(settings.log_level.filter().and(open))
}

/// Whether a log line may be written at all, whatever the log level.
fn is_open(level: Level, target: &str) -> bool {
    match level {
        Level::ERROR | Level::WARN => true,
        Level::INFO => !is_of(target, &REPETITIVE),
        _ => !is_of(target, &REPETITIVE) && !is_of(target, &SECRETIVE),
    }
}

/// Whether a span or event is made by one of some libraries.
fn is_of(target: &str, libraries: &[&str]) -> bool {
    let library = target.split("::").next().unwrap_or_default();
    libraries.contains(&library)
}

/// Writes a panic as a log line, with the call that it happened in.
fn tell_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string);
    let backtrace = std::backtrace::Backtrace::capture();
    tracing::error!(message, place, %backtrace, "a panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_password_is_written_at_no_log_level() {
        for target in ["sea_orm::database", "sqlx::query"] {
            assert!(!is_open(Level::TRACE, target));
            assert!(!is_open(Level::DEBUG, target));
            assert!(is_open(Level::WARN, target));
        }
        assert!(is_open(Level::TRACE, "trellis_store::store"));
        assert!(!is_open(Level::INFO, "sea_orm_migration::migrator"));
    }
}
