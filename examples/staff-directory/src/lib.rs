//! A connector: builds the requests that a service is sent, and maps its answers. What is
//! the service's own stands in one file, [`service`]; the rest is the same for any service
//! that has accounts, and keeps the contract's promises.
//!
//! | Module | Holds |
//! |---|---|
//! | [`service`] | the service: manifest, requests, answers, errors |
//! | [`connection`] | open, check, list, get, find |
//! | `writing` | create, update, delete, and what becomes of lost answers |
//! | [`wish`] | drafts and edits against the manifest's attributes |
//! | [`settings`] | what the operator typed against the manifest's settings |
//! | [`exchange`] | one request and its answer |
//! | [`failure`] | failures, and what a status means where the service says no more |
//! | [`contract`] | the contract's types, generated from the WIT |
//! | `component` | the exports |
//!
//! All of it runs natively too, where tests put a script in the place of the network.

mod component;
pub mod connection;
pub mod contract;
pub mod exchange;
pub mod failure;
pub mod service;
pub mod settings;
pub mod wish;
mod writing;
