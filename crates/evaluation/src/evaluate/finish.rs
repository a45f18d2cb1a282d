//! From what an award comes to, to the award: what was paid is kept, parts, holds, the difference.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use trellis_core::{MoneyError, Timestamp};

use super::award::{Award, Draft};
use super::facts::{Fact, Key};
use super::hold;
use super::line::Known;
use super::reason::NotPaid;
use super::share::{Recipient, Share, split, weights};
use super::text;
use super::trace::{Detail, ENGINE_VERSION, Trace};

impl<'a> Draft<'a> {
    /// From the amount to the award: what was paid is kept, parts, holds, the difference.
    pub(crate) fn finish(mut self, known: &Known<'a>) -> Result<Award, MoneyError> {
        let plan = self.plan();
        let key = self.key();
        let posted = known.told.posted.get(&key).map_or(0, |posted| posted.minor);
        self.keep_paid();
        let shares = self.split();
        let held = hold::of(&self)?;
        if !held.is_empty() {
            self.step(Detail::Hold {
                slices: held.clone(),
            });
        }
        let entitled = self.amount;
        let delta = entitled.checked_sub(posted).ok_or(MoneyError::Overflow)?;
        if entitled != 0 {
            self.not_paid = None;
        }
        self.step(Detail::Delta {
            entitled,
            posted,
            delta,
        });
        let trace = self.trace(&key, known, posted, delta);
        let left_out = self
            .lines
            .iter()
            .filter_map(|line| Some((line.fact.id.clone(), line.counts.as_ref().err()?.clone())))
            .collect();
        Ok(Award {
            key,
            version: plan.version,
            date: self.place.date,
            period: self.place.period,
            currency: plan.currency,
            measure: self.measure,
            entitled,
            shares,
            held,
            delta,
            next_text: self.next_text(),
            not_paid: self.not_paid,
            left_out,
            next: self.next,
            trace,
        })
    }

    fn next_text(&self) -> Option<String> {
        let next = self.next?;
        let band = self.plan().schedule.bands.get(next.band)?;
        Some(text::missing(self.plan(), next.missing, band.from.ratio()))
    }

    /// Keeps what another version paid, where this one may not reduce it.
    fn keep_paid(&mut self) {
        let before = self.amount;
        if let Some(after) = self.floor.filter(|floor| before < *floor) {
            self.amount = after;
            self.step(Detail::KeepPaid { before, after });
        }
    }

    fn split(&mut self) -> Vec<Share> {
        let mut facts: Vec<&Fact> = self.counted().map(|(fact, _)| fact).collect();
        if facts.is_empty() && self.amount != 0 {
            // What is kept of a version that counted them is shared by who has a part in them.
            facts = self.lines.iter().map(|line| line.fact).collect();
        }
        let sharing = &self.plan().sharing;
        let Some(weighed) = weights(sharing, self.partner, &facts) else {
            if self.amount != 0 {
                self.amount = 0;
                self.because(NotPaid::NoParty);
                // The trace tells who got nothing as it tells who got what.
                self.step(Detail::Split {
                    weights: Vec::new(),
                    shares: Vec::new(),
                });
            }
            return Vec::new();
        };
        let each: Vec<u64> = weighed.iter().map(|(_, weight)| *weight).collect();
        let parts = split(self.amount, &self.reductions, &each);
        let shares: Vec<Share> = weighed
            .into_iter()
            .zip(parts)
            .map(|((to, _), minor)| Share { to, minor })
            .collect();
        if !matches!(
            shares.as_slice(),
            [Share {
                to: Recipient::Partner(_),
                ..
            }]
        ) {
            self.step(Detail::Split {
                weights: each,
                shares: shares.clone(),
            });
        }
        shares
    }

    fn trace(&self, key: &Key, known: &Known<'_>, posted_before: i64, delta: i64) -> Trace {
        let mut facts: Vec<&Fact> = self.lines.iter().map(|line| line.fact).collect();
        let reductions = self.counted().flat_map(|(_, counts)| &counts.reductions);
        facts.extend(reductions.map(|reduction| reduction.by));
        facts.sort_by(|one, other| one.id.cmp(&other.id));
        let mut hash = Sha256::new();
        for fact in &facts {
            // When it became known is no part of what it says.
            let said = Fact {
                recorded: Timestamp::EPOCH,
                ..(*fact).clone()
            };
            hash.update(serde_json::to_vec(&said).unwrap_or_default());
        }
        Trace {
            key: key.clone(),
            version: self.plan().version,
            plan_hash: HEXLOWER.encode(&self.version.hash),
            engine_version: ENGINE_VERSION,
            as_known_at: known.moment,
            currency: self.plan().currency,
            fact_ids: facts.iter().map(|fact| fact.id.clone()).collect(),
            fact_hash: HEXLOWER.encode(&hash.finalize()),
            steps: self.steps.clone(),
            entitled: self.amount,
            posted_before,
            delta,
            not_paid: self
                .not_paid
                .as_ref()
                .map(|reason| reason.name().to_owned()),
            next: self.next,
        }
    }
}
