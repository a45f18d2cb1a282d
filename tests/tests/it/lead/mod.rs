//! `LeadService`.

mod conversion;
mod deadlines;
mod lifecycle;
mod methods;
mod races;
mod redaction;
mod routing;
mod scene;
