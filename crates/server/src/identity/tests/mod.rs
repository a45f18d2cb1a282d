//! Tokens that must be accepted, tokens that must not be, and an issuer that can be asked.

mod accepted;
mod called;
mod files;
mod forge;
mod forged;
mod forged_claims;
mod forged_grants;
mod forged_signatures;
mod mutated;
mod provider;
mod refreshed;
mod scene;
