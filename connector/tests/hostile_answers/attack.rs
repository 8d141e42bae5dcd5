//! One cell's answer: which exchange it replaces, and by what.

use connector_8x8::transport::Response;
use serde_json::Value as Json;

use crate::bodies::{Body, Location};
use crate::service::{BASE, respond};

/// What the exchange would have been answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Users,
    User,
    Creation,
    Write,
    Configuration,
}

/// The right answer to an exchange.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    pub(crate) status: u16,
    pub(crate) due: Due,
    pub(crate) json: Json,
    pub(crate) bodiless: bool,
    pub(crate) location: Option<String>,
}

impl Right {
    pub(crate) fn new(status: u16, due: Due, json: Json) -> Self {
        Self {
            status,
            due,
            json,
            bodiless: false,
            location: None,
        }
    }
}

/// An answer in place of the right one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attack {
    /// The exchange, from 0.
    pub(crate) at: usize,
    /// Whether every later exchange is answered so, too.
    pub(crate) persists: bool,
    pub(crate) status: u16,
    pub(crate) body: &'static Body,
    /// Whether a write that is answered so is done all the same.
    pub(crate) takes_effect: bool,
}

impl Attack {
    pub(crate) fn strikes(&self, at: usize) -> bool {
        at == self.at || self.persists && at > self.at
    }

    /// Whether a write at this exchange is done, whatever is answered. Of those after the
    /// first only where the answer does not deny it.
    pub(crate) fn does(&self, at: usize) -> bool {
        let denies = matches!(self.status, 300..=303 | 305..=407 | 409..=424 | 426..=499 | 501);
        self.takes_effect && (at == self.at || !denies)
    }

    pub(crate) fn answer(&self, right: &Right) -> Response {
        let location = match self.body.location {
            Location::AsDue => right.location.clone(),
            Location::Missing => None,
            Location::Elsewhere => Some("https://elsewhere.example/scim/v2/Users/23".to_owned()),
            Location::SomeoneElse => Some(format!("{BASE}/Users/23")),
        };
        respond(self.status, location.as_deref(), self.body.bytes(right))
    }
}
