//! The 8x8 connector: provisions accounts of 8x8 over SCIM 2.0, as a component that builds
//! requests and maps answers, and does nothing else.
//!
//! | Module | Holds |
//! |---|---|
//! | [`settings`] | what people paste, turned into a tenant |
//! | [`attributes`] | the twelve attributes, one table |
//! | [`manifest`] | what the connector says of itself |
//! | [`account`] | accounts, drafts and edits against that table |
//! | [`scim`] | RFC 7643 and 7644: resources, lists, patches; nothing of 8x8 |
//! | [`failure`] | status × scimType × operation → failure, one table |
//! | [`connection`] | the operations, a file each |
//! | [`transport`] | the one way out |
//! | [`json`] | the bodies' format, read without copying |
//! | `case` | texts without their case |
//! | [`contract`] | the contract's types, generated |
//! | `component` | the exports |
//! | `memory` | what a component needs in place of the standard library |
//! | `prelude` | the names that come with the standard library |
//! | `planted` | mistakes for the tests to notice; not in the component |
//!
//! Everything but `memory` builds natively, and everything but that and `component` is tested there.

#![no_std]

#[macro_use]
extern crate alloc;

pub mod account;
pub mod attributes;
mod case;
#[cfg(not(feature = "parts"))]
mod component;
pub mod connection;
pub mod contract;
pub mod failure;
pub mod json;
pub mod manifest;
#[cfg(all(target_family = "wasm", not(feature = "parts")))]
mod memory;
mod planted;
mod prelude;
pub mod scim;
pub mod settings;
pub mod transport;
