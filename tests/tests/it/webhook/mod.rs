//! `WebhookService`, and what reaches those who are told.

mod delivery;
mod methods;
mod receiver;
mod scene;
mod storm;
mod terms;
