//! How many may have roles in one fact: more than the service takes, so that no case of it says so.

use crate::scene::*;
use trellis_evaluation::evaluate::MOST_PARTIES;
use trellis_evaluation::plan::*;

/// Of all ways to have roles, this one takes the largest numbers: 97 in eight roles, none of whose sizes
/// has a divisor with another one in common.
#[test]
fn as_many_as_may_have_roles_share_to_the_coin() {
    const SIZES: [usize; 8] = [5, 7, 9, 11, 13, 16, 17, 19];
    let mut plan = plan("plan", &[("0", "1", 0)]);
    let roles = SIZES.map(|size| RoleWeight {
        role: format!("of-{size}"),
        weight: 1_000_000,
    });
    plan.sharing = Sharing::RoleWeights {
        roles: roles.to_vec(),
        unfilled: Unfilled::Redistribute,
    };
    let common: i64 = SIZES
        .map(|size| i64::try_from(size).unwrap())
        .iter()
        .product();
    let mut fact = invoice("i-1", "2026-05-04", 8 * common);
    for size in SIZES {
        let of_role = |at: usize| party(&format!("p-{size}-{at}"), &format!("of-{size}"));
        fact.parties.extend((0..size).map(of_role));
    }
    assert!(fact.validate().is_empty());
    let expected: Vec<i64> = SIZES
        .iter()
        .flat_map(|size| vec![common / i64::try_from(*size).unwrap(); *size])
        .collect();
    let award = only(&plan, &[fact.clone()]);
    let shares: Vec<i64> = award.shares.iter().map(|share| share.minor).collect();
    assert_eq!(shares, expected);
    fact.parties
        .resize(MOST_PARTIES + 1, party("one-more", "of-5"));
    let wrong = fact.validate();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].field, "parties");
}
