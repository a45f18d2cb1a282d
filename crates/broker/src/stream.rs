//! The stream: made when it is absent, and left as it is when it is there.

use async_nats::jetstream::Context;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::Config;

use crate::Settings;

/// What follows the prefix in our subjects: an ecosystem, a noun, a verb.
const SHAPE: [&str; 3] = ["*", "*", "*"];

/// Makes sure that there is a stream which takes our messages.
///
/// # Errors
/// What is wrong, and what to do.
pub(crate) async fn ensure(jetstream: &Context, settings: &Settings) -> Result<(), String> {
    match jetstream.get_stream(&settings.stream).await {
        Ok(stream) => suits(&stream.cached_info().config, settings),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(told)
                if told.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                make(jetstream, settings).await
            }
            _ => Err(format!(
                "JetStream does not tell of the stream {}: {error}",
                settings.stream
            )),
        },
    }
}

async fn make(jetstream: &Context, settings: &Settings) -> Result<(), String> {
    let config = Config {
        name: settings.stream.clone(),
        description: Some("The change feed of Trellis".to_owned()),
        subjects: vec![format!("{}.>", settings.prefix)],
        duplicate_window: settings.duplicate_window,
        ..Config::default()
    };
    match jetstream.create_stream(config).await {
        Ok(_) => {
            tracing::info!(stream = settings.stream, "made the stream in JetStream");
            Ok(())
        }
        Err(error) => Err(format!(
            "JetStream does not make the stream {}: {error}",
            settings.stream
        )),
    }
}

/// Whether a stream that somebody else has made takes our messages.
fn suits(config: &Config, settings: &Settings) -> Result<(), String> {
    let Settings { stream, prefix, .. } = settings;
    if config.no_ack {
        return Err(format!(
            "the stream {stream} acknowledges nothing (no_ack); switch that off, or name another \
             stream (nats-stream)"
        ));
    }
    let ours: Vec<&str> = prefix.split('.').chain(SHAPE).collect();
    if config.subjects.iter().any(|subject| takes(subject, &ours)) {
        return Ok(());
    }
    let taken = match &config.subjects[..] {
        [] => "no subjects".to_owned(),
        subjects => subjects.join(", "),
    };
    Err(format!(
        "the stream {stream} takes {taken}, and not {prefix}.>; add that to its subjects, or name \
         another stream (nats-stream) or other subjects (nats-subject-prefix)"
    ))
}

/// Whether a stream's subject takes all subjects of a form, in which `*` stands for any one part.
fn takes(subject: &str, form: &[&str]) -> bool {
    let mut form = form.iter();
    for part in subject.split('.') {
        match (part, form.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(ours)) if part == *ours => {}
            _ => return false,
        }
    }
    form.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_takes_our_subjects_when_it_takes_all_of_them() {
        let takes = |subject| takes(subject, &["acme", "trellis", "*", "*", "*"]);
        for all in [
            ">",
            "acme.>",
            "acme.trellis.>",
            "*.trellis.>",
            "acme.trellis.*.>",
            "acme.trellis.*.*.*",
        ] {
            assert!(takes(all), "{all}");
        }
        for some in [
            "",
            "acme",
            "acme.trellis",
            "acme.trellis.one.>",
            "acme.trellis.*.*",
            "acme.trellis.*.*.*.>",
            "acme.other.>",
            "acme.trellis.*.deal.won",
        ] {
            assert!(!takes(some), "{some}");
        }
    }
}
