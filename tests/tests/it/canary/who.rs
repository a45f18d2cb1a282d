//! Who calls: somebody in each role of every ecosystem, some in two, and some in none.

use std::collections::BTreeSet;

use trellis_core::access::Extent;
use trellis_core::{ManualClock, Role};
use trellis_tests::Issuer;

use super::leak::{Owner, Sight, canary};
use super::plant::{ECOSYSTEMS, MANAGERS, PARTNERS, ecosystem, partner};

/// Somebody with a token.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) token: String,
    pub(super) role: Option<Role>,
    /// Where the role is.
    pub(super) ecosystems: Vec<usize>,
    /// Whose of the partners' the role is, or the number of the manager.
    number: usize,
}

impl Who {
    /// What they may see with a method that reaches so far with their role.
    ///
    /// Partners' people see what is theirs and what the ecosystem shows to all of them, whatever
    /// the contract says; of managers it says which methods show what they manage.
    pub(super) fn sight(&self, extent: Option<Extent>) -> Sight {
        let mut owners = BTreeSet::from(['a']);
        match (self.role, extent) {
            // The list of one's own ecosystems is for everybody.
            (None, _) | (_, None) => {}
            (Some(role), _) if role.is_of_partner() => {
                owners.insert(owner(self.number));
                let part = |of: &usize| *of == self.number || SECOND[*of] == Some(self.number);
                owners.extend((0..PARTNERS).filter(part).map(of_deal));
            }
            (_, Some(Extent::Managed)) => {
                owners.insert('v');
                owners.extend(managed(self.number).into_iter().flat_map(whose));
            }
            _ => {
                owners.insert('v');
                owners.extend((0..PARTNERS).flat_map(whose));
            }
        }
        Sight {
            ecosystems: self.ecosystems.clone(),
            owners,
        }
    }
}

fn owner(partner: usize) -> Owner {
    char::from_digit(u32::try_from(partner).unwrap(), 10).unwrap()
}

/// Who has a part in the deals of which partner beside it.
pub(super) const SECOND: [Option<usize>; PARTNERS] = [Some(1), Some(0), Some(3), None];

/// Whose it is what the deals say that a partner sourced: everybody's who has a part in them.
pub(super) fn of_deal(partner: usize) -> Owner {
    ['w', 'x', 'y', 'z'][partner]
}

/// What is a partner's: of its own, and in its deals.
fn whose(partner: usize) -> [Owner; 2] {
    [owner(partner), of_deal(partner)]
}

/// The partners that a manager reaches: the managed ones, and the last, whom nobody manages.
fn managed(manager: usize) -> Vec<usize> {
    let all = (0..PARTNERS - 1).filter(|partner| MANAGERS[*partner] == manager);
    all.chain([PARTNERS - 1]).collect()
}

/// The subject of a partner's seller; the plant hands things in as this one.
pub(super) fn seller(ecosystem: usize, of: usize) -> String {
    canary(ecosystem, owner(of), 9_000)
}

/// The subject of a manager.
pub(super) fn manager(ecosystem: usize, number: usize) -> String {
    canary(ecosystem, 'a', 9_000 + number)
}

/// Everybody. They come in the same order each time.
pub(super) fn everybody(issuer: &Issuer, clock: &ManualClock) -> Vec<Who> {
    let person = |subject: &str, role, homes: Vec<usize>, of: Option<&str>, number| {
        let names: Vec<String> = homes.iter().map(|home| ecosystem(*home)).collect();
        Who {
            token: issuer.token(clock, subject, role, &names, of),
            role,
            ecosystems: homes,
            number,
        }
    };
    let mut all = Vec::new();
    for home in 0..ECOSYSTEMS {
        let next = (home + 1) % ECOSYSTEMS;
        let staff = [
            Role::EcosystemAdmin,
            Role::FinanceApprover,
            Role::Service,
            Role::Auditor,
        ];
        for (number, role) in staff.into_iter().enumerate() {
            let subject = canary(home, 'v', 9_000 + number);
            all.push(person(&subject, Some(role), vec![home], None, 0));
        }
        for number in 0..2 {
            let (subject, role) = (manager(home, number), Some(Role::ChannelManager));
            all.push(person(&subject, role, vec![home], None, number));
        }
        for of in 0..PARTNERS {
            let id = partner(home, of);
            let admin = canary(home, owner(of), 9_001);
            let role = Some(Role::PartnerAdmin);
            all.push(person(&admin, role, vec![home], Some(&id), of));
            let role = Some(Role::PartnerRep);
            all.push(person(&seller(home, of), role, vec![home], Some(&id), of));
        }
        let both = vec![home, next];
        let auditor = format!("auditor-of-two-{home}");
        all.push(person(&auditor, Some(Role::Auditor), both.clone(), None, 0));
        // The partner is one of the first ecosystem; in the second there is none of the name.
        let (admin, id) = (format!("admin-of-two-{home}"), partner(home, 1));
        all.push(person(&admin, Some(Role::PartnerAdmin), both, Some(&id), 1));
        all.push(person(&format!("nobody-{home}"), None, vec![home], None, 0));
    }
    all
}
