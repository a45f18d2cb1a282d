//! Every state and every move, by calls.

use tonic::Code;
use trellis_api::deal::v1::lead::State;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Terms, Verb};

const STATES: [State; 11] = [
    State::LostAuto,
    State::New,
    State::Offered,
    State::Accepted,
    State::Working,
    State::Qualified,
    State::Converted,
    State::Disqualified,
    State::Unroutable,
    State::Spam,
    State::Duplicate,
];

/// What comes of each move that can be made, where there is always one more partner to offer a lead
/// to, but for the program in which there never is: state, move, state.
const CONTRACT: &str = "
    NEW ROUTE OFFERED
    NEW DISQUALIFY SPAM
    NEW MARK_DUPLICATE DUPLICATE
    OFFERED ACCEPT ACCEPTED
    OFFERED DECLINE OFFERED
    ACCEPTED WORK WORKING
    ACCEPTED RETURN OFFERED
    ACCEPTED DISQUALIFY DISQUALIFIED
    WORKING QUALIFY QUALIFIED
    WORKING RETURN OFFERED
    WORKING DISQUALIFY DISQUALIFIED
    QUALIFIED CONVERT CONVERTED
    QUALIFIED RETURN OFFERED
    QUALIFIED DISQUALIFY DISQUALIFIED
    UNROUTABLE ROUTE UNROUTABLE
    UNROUTABLE DISQUALIFY DISQUALIFIED";

fn word(state: State) -> &'static str {
    state.as_str_name().trim_start_matches("STATE_")
}

on_both! {
    async fn every_move_from_every_state_does_what_the_contract_says(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "stratus"] {
            scene.member(id, Terms::default()).await;
        }
        scene.program("empty", crate::deal::market::manual()).await;
        let mut pairs = Vec::new();
        for state in STATES {
            for verb in Verb::ALL {
                pairs.push((state, verb, scene.in_state(state).await));
            }
            if state == State::LostAuto {
                scene.wait_days(62).await;
            }
        }
        let mut made = 0;
        for (state, verb, name) in pairs {
            let start = format!("{} {} ", word(state), verb.name());
            let expected = CONTRACT.lines().find_map(|line| line.trim().strip_prefix(start.as_str()));
            let before = scene.read(&name).await;
            assert_eq!(before.state(), state, "{start}");
            let answer = scene.does(verb, &name).await;
            let Some(expected) = expected else {
                refused(answer.map(tonic::Response::new), Code::FailedPrecondition, "ILLEGAL_TRANSITION")
                    .tells("state", word(state))
                    .tells("move", verb.name());
                assert_eq!(scene.read(&name).await, before, "{start}");
                continue;
            };
            let after = answer.unwrap_or_else(|status| panic!("{start}: {status}"));
            assert_eq!(word(after.state()), expected, "{start}");
            assert_ne!(after.etag, before.etag);
            if [Verb::Decline, Verb::Return].contains(&verb) {
                assert_ne!(after.partner, before.partner, "{start}: somebody else has it");
            }
            made += 1;
        }
        assert_eq!(made, CONTRACT.trim().lines().count());
    }

    async fn the_history_of_a_lead_is_told(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "stratus"] {
            scene.member(id, Terms::default()).await;
        }
        let name = scene.in_state(State::Offered).await;
        for verb in [Verb::Decline, Verb::Accept, Verb::Work, Verb::Qualify, Verb::Convert] {
            scene.does(verb, &name).await.unwrap();
        }
        let kinds = [
            "lead.created", "lead.routed", "lead.offered", "lead.declined", "lead.routed",
            "lead.offered", "lead.accepted", "lead.working", "lead.qualified", "lead.converted",
        ];
        scene.tells(&name, &kinds).await;
        let spam = scene.in_state(State::Spam).await;
        scene.tells(&spam, &["lead.created", "lead.marked_spam"]).await;
        let duplicate = scene.in_state(State::Duplicate).await;
        scene.tells(&duplicate, &["lead.created", "lead.marked_duplicate"]).await;
    }
}
