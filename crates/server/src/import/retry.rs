//! How long to go on when the server does not answer.

use std::time::Duration;

/// How often a call is tried again.
const TIMES: u32 = 6;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(200);

/// What is left of the patience with one call: some thirteen seconds in all.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waited: u32,
}

impl Patience {
    /// Waits before the next try; answers at once, and no, when there should be none.
    pub(super) async fn wait(&mut self) -> bool {
        if self.waited == TIMES {
            return false;
        }
        tokio::time::sleep(FIRST * 2_u32.pow(self.waited)).await;
        self.waited += 1;
        true
    }
}
