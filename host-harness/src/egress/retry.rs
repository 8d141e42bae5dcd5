//! When a request is sent again, and after how long. The connector says how repeatable a
//! request is; nothing else about retries is its business.

use std::time::{Duration, SystemTime};

use crate::contract::{Repeatability, Response};
use crate::limits::{FIRST_BACK_OFF, LONGEST_BACK_OFF, MOST_ATTEMPTS};
use crate::safe_text::{SafeText, Unanswered};
use crate::scrub::Scrubber;

/// How long to wait before the request is sent once more; `None` where this answer is the
/// last. `jitter` lies between 0 and 1.
pub(crate) fn wait_before_next(
    repeatability: Repeatability,
    answer: &Result<Response, Unanswered>,
    attempt: u32,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= MOST_ATTEMPTS || !may_pass(repeatability, answer) {
        return None;
    }
    let asked = match answer {
        Ok(response) => response.retry_after_ms,
        Err(_) => None,
    };
    Some(match asked {
        Some(asked) => Duration::from_millis(asked.into()),
        None => back_off(attempt, jitter),
    })
}

fn may_pass(repeatability: Repeatability, answer: &Result<Response, Unanswered>) -> bool {
    let once = repeatability == Repeatability::Once;
    match answer {
        Err(Unanswered::NotSent(_)) => true,
        Err(Unanswered::NoAnswer(_)) => !once,
        Err(_) => false,
        Ok(response) => match response.status {
            429 => true,
            408 | 425 | 500 | 502 | 503 | 504 => !once,
            _ => false,
        },
    }
}

/// Whether the upstream may have acted on a request without this answer telling so.
pub(crate) fn is_unsettled(answer: &Result<Response, Unanswered>) -> bool {
    match answer {
        Ok(response) => matches!(response.status, 408 | 500..=599),
        Err(Unanswered::NotSent(_) | Unanswered::Refused(_) | Unanswered::OutOfTime(_)) => false,
        Err(_) => true,
    }
}

/// The last attempt's answer, in the light of an earlier one that was lost: nothing that
/// says "it did not happen" stays as it is.
pub(crate) fn with_the_past(
    answer: Result<Response, Unanswered>,
    lost: bool,
    secrets: &Scrubber,
) -> Result<Response, Unanswered> {
    let earlier = |what: &'static str, why: SafeText| {
        let text = SafeText::ours("An earlier attempt got no answer, and a further one was ");
        Err(Unanswered::NoAnswer(text.and(what).and(": ").and(why)))
    };
    match answer {
        Ok(response) => Ok(Response {
            earlier_attempt_lost: lost,
            ..response
        }),
        Err(Unanswered::NotSent(why)) if lost => earlier("not sent", why),
        Err(Unanswered::Refused(refusal) | Unanswered::OutOfTime(refusal)) if lost => {
            earlier("refused", SafeText::foreign(&refusal.message, secrets))
        }
        failure => failure,
    }
}

/// Exponential, and spread out so that many clients do not come back together.
fn back_off(attempt: u32, jitter: f64) -> Duration {
    let doubled = FIRST_BACK_OFF.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let most = doubled.min(LONGEST_BACK_OFF);
    most.div_f64(2.0) + most.div_f64(2.0).mul_f64(jitter.clamp(0.0, 1.0))
}

/// Reads `retry-after` in either of its forms (RFC 9110 §10.2.3), in milliseconds.
pub(crate) fn retry_after_ms(value: &str, now: SystemTime) -> Option<u32> {
    let value = value.trim();
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit still mean "long".
        Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX)))
    } else {
        let at = httpdate::parse_http_date(value).ok()?;
        at.duration_since(now).unwrap_or_default()
    };
    if value.is_empty() {
        return None;
    }
    Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Result<Response, Unanswered> {
        Ok(Response {
            status,
            headers: vec![],
            body: vec![],
            retry_after_ms: None,
            earlier_attempt_lost: false,
        })
    }

    fn again(repeatability: Repeatability, answer: &Result<Response, Unanswered>) -> bool {
        wait_before_next(repeatability, answer, 1, 0.5).is_some()
    }

    #[test]
    fn safe_and_idempotent_requests_are_retried_on_what_may_pass() {
        for repeatability in [Repeatability::Safe, Repeatability::Idempotent] {
            for code in [408, 425, 429, 500, 502, 503, 504] {
                assert!(again(repeatability, &status(code)), "{code}");
            }
            for code in [200, 201, 400, 401, 403, 404, 409, 501] {
                assert!(!again(repeatability, &status(code)), "{code}");
            }
            assert!(again(
                repeatability,
                &Err(Unanswered::NoAnswer(SafeText::ours("")))
            ));
            assert!(again(
                repeatability,
                &Err(Unanswered::NotSent(SafeText::ours("")))
            ));
        }
    }

    #[test]
    fn a_request_that_must_not_happen_twice_is_retried_only_where_it_did_not_happen() {
        let once = Repeatability::Once;
        assert!(again(once, &status(429)));
        assert!(again(once, &Err(Unanswered::NotSent(SafeText::ours("")))));
        assert!(!again(once, &Err(Unanswered::NoAnswer(SafeText::ours("")))));
        assert!(!again(once, &status(503)));
    }

    #[test]
    fn there_are_four_attempts_and_growing_waits() {
        let waits: Vec<_> = (1..=4)
            .map(|attempt| wait_before_next(Repeatability::Safe, &status(503), attempt, 1.0))
            .collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(waits, [ms(250), ms(500), ms(1000), None]);
    }

    #[test]
    fn a_lost_attempt_is_not_forgotten_by_the_last_answer() {
        assert!(is_unsettled(&status(503)) && !is_unsettled(&status(429)));
        assert!(
            with_the_past(status(409), true, &Scrubber::default())
                .unwrap()
                .earlier_attempt_lost
        );
        let not_sent = Err(Unanswered::NotSent(SafeText::ours("")));
        assert!(matches!(
            with_the_past(not_sent, true, &Scrubber::default()),
            Err(Unanswered::NoAnswer(_))
        ));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after_ms("120", now), Some(120_000));
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:50:37 GMT", now),
            Some(60_000)
        );
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:00:00 GMT", now),
            Some(0)
        );
        assert_eq!(
            retry_after_ms("99999999999999999999999", now),
            Some(u32::MAX)
        );
        assert_eq!(retry_after_ms("soon", now), None);
        assert_eq!(retry_after_ms("", now), None);
    }
}
