//! Faults on schedule: a seed decides which requests something goes wrong with, and what. The
//! same seed gives the same faults to the same requests in the same order.

use std::time::Duration;

use axum::http::Method;
use fastrand::Rng;

use super::faults::{Delivery, FaultEffect, retry_after};

/// How often something goes wrong unless said otherwise: with every tenth request.
const USUAL_RATE: f64 = 0.1;
/// Longer than anybody waits for an answer.
const FOR_EVER: Duration = Duration::from_secs(300);

/// Draws a fault, or none, for each request.
#[derive(Debug, Clone)]
pub struct FaultSchedule {
    rng: Rng,
    rate: f64,
    clears_token: bool,
}

impl FaultSchedule {
    /// The schedule of a seed: a fault for every tenth request.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            rate: USUAL_RATE,
            clears_token: false,
        }
    }

    /// With this share of faults, from 0 to 1.
    #[must_use]
    pub fn rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// May clear the token too. Nothing goes on after that until somebody restores it, so it
    /// is not among the faults unless asked for.
    #[must_use]
    pub fn clears_token(self) -> Self {
        Self {
            clears_token: true,
            ..self
        }
    }

    /// What goes wrong with the next request.
    pub(super) fn draw(&mut self, method: &Method) -> Option<FaultEffect> {
        // Each request has numbers of its own, so that what is drawn for one does not shift
        // what all later ones get.
        let mut rng = self.rng.fork();
        if rng.f64() >= self.rate {
            return None;
        }
        let effect = self.effect(&mut rng, method == Method::GET || method == Method::HEAD);
        effect.suits(method).then_some(effect)
    }

    fn effect(&self, rng: &mut Rng, reads: bool) -> FaultEffect {
        // Reads have fewer ways to fail that matter, and one of their own.
        let stale = if reads { 25 } else { 0 };
        match rng.u32(0..100 + stale) {
            100.. => FaultEffect::StaleRead,
            0..12 => too_many(rng),
            12..24 => server_error(rng, false),
            24..40 => server_error(rng, true),
            40..48 => FaultEffect::CutBeforeNext,
            48..56 => FaultEffect::CutBeforeCommit,
            56..66 => FaultEffect::CutAfterCommit,
            66..74 => FaultEffect::CutMidAnswer,
            74..80 => FaultEffect::Delay(Duration::from_millis(rng.u64(1..4))),
            80..82 => FaultEffect::Delay(FOR_EVER),
            82..84 => FaultEffect::LateAnswer(FOR_EVER),
            84..90 => FaultEffect::Twice(Delivery::First),
            90..92 => FaultEffect::Twice(Delivery::Last),
            98.. if self.clears_token => FaultEffect::TokenCleared,
            _ => FaultEffect::OtherWriter,
        }
    }
}

/// Mostly for a wait that is worth it, now and then for one that is not.
fn too_many(rng: &mut Rng) -> FaultEffect {
    let seconds = match rng.u32(0..10) {
        0 => 3_600,
        _ => rng.u32(1..8),
    };
    FaultEffect::Status {
        status: 429,
        committed: false,
        headers: vec![retry_after(seconds, rng.bool())],
        body: String::new(),
    }
}

fn server_error(rng: &mut Rng, committed: bool) -> FaultEffect {
    let status = [500, 502, 503, 504, 520][rng.usize(0..5)];
    let headers = if status == 503 && rng.bool() {
        vec![retry_after(rng.u32(1..4), false)]
    } else {
        Vec::new()
    };
    FaultEffect::Status {
        status,
        committed,
        headers,
        body: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64, methods: &[Method]) -> Vec<Option<String>> {
        let mut schedule = FaultSchedule::new(seed).rate(0.5).clears_token();
        let mut effects = Vec::new();
        for method in methods {
            effects.push(schedule.draw(method).map(|effect| match effect {
                // It may hold a date, which counts from now.
                FaultEffect::Status { status: 429, .. } => "429".to_owned(),
                effect => effect.to_string(),
            }));
        }
        effects
    }

    #[test]
    fn a_seed_gives_the_same_faults_again_and_another_seed_others() {
        let methods: Vec<_> = [Method::GET, Method::POST, Method::PATCH]
            .into_iter()
            .cycle()
            .take(300)
            .collect();
        assert_eq!(drawn(7, &methods), drawn(7, &methods));
        assert_ne!(drawn(7, &methods), drawn(8, &methods));
    }

    #[test]
    fn one_request_more_or_less_of_another_kind_does_not_change_the_rest() {
        let mut reads = vec![Method::GET; 100];
        let before = drawn(7, &reads);
        reads[0] = Method::POST;
        assert_eq!(before[1..], drawn(7, &reads)[1..]);
    }

    #[test]
    fn every_kind_of_fault_is_drawn() {
        let mut schedule = FaultSchedule::new(1).rate(1.0).clears_token();
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            for method in [Method::GET, Method::POST, Method::PATCH] {
                kinds.extend(schedule.draw(&method).map(|effect| effect.kind()));
            }
        }
        assert_eq!(kinds.len(), 14, "{kinds:?}");
    }

    #[test]
    fn nothing_is_drawn_at_a_rate_of_nothing() {
        let mut schedule = FaultSchedule::new(1).rate(0.0);
        assert!((0..100).all(|_| schedule.draw(&Method::GET).is_none()));
    }
}
