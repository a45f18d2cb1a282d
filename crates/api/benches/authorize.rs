//! What it costs to decide whether somebody may call a method: `cargo bench -p trellis-api`.
//!
//! Every method of the contract for one principal of each role, in an ecosystem in which it has a
//! role, and in one in which it has none. Rounds that another program disturbs are no part of the
//! cost, so the fastest is told beside the median.
#![expect(clippy::print_stdout, reason = "it prints what it has measured")]

use std::hint::black_box;
use std::time::Instant;

use trellis_api::METHODS;
use trellis_core::access::{Grant, Rights, authorize};
use trellis_core::{Actor, EcosystemId, PartnerId, Principal, Role};

const ROUNDS: usize = 2_000;

fn principals(ecosystem: &EcosystemId, partner: &PartnerId, actor: &Actor) -> Vec<Principal> {
    let roles = Role::ALL.into_iter();
    let principal = roles.map(|role| Principal {
        actor: actor.clone(),
        person: Some(actor.clone()),
        rights: Rights::Granted(vec![(
            ecosystem.clone(),
            vec![Grant::new(
                role,
                role.is_of_partner().then(|| partner.clone()),
            )],
        )]),
    });
    principal.collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let acme = EcosystemId::try_new("acme")?;
    let globex = EcosystemId::try_new("globex")?;
    let principals = principals(
        &acme,
        &PartnerId::try_new("nimbus")?,
        &Actor::try_new("oidc:ada@people.example")?,
    );
    let ecosystems = [acme, globex];
    let calls = METHODS.len() * principals.len() * ecosystems.len();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for method in METHODS {
            for principal in &principals {
                for ecosystem in &ecosystems {
                    black_box(authorize(
                        black_box(principal),
                        black_box(&method.access),
                        black_box(ecosystem),
                    ));
                }
            }
        }
        rounds.push(begun.elapsed());
    }
    rounds.sort_unstable();
    let calls = u32::try_from(calls)?;
    let nanos = |at: usize| rounds.get(at).map(|round| (*round / calls).as_nanos());
    println!(
        "authorize: {:?} ns a call at best, {:?} at the median, {:?} at the 99th of 100, of \
         {ROUNDS} rounds of {calls} calls",
        nanos(0).unwrap_or_default(),
        nanos(ROUNDS / 2).unwrap_or_default(),
        nanos(ROUNDS * 99 / 100).unwrap_or_default(),
    );
    Ok(())
}
