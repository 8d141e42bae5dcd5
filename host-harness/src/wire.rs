//! The seam between what decides about a connector's request and what carries it, for whatever
//! stands around the network or in its place.
//!
//! ```
//! use host_harness::wire::{Begun, Carrier, Wire};
//! use std::sync::Arc;
//!
//! /// Counts operations, and leaves their requests to the network.
//! #[derive(Debug, Default)]
//! struct Counted(std::sync::atomic::AtomicUsize);
//!
//! impl Wire for Counted {
//!     fn begin(&self, _: &Begun<'_>, network: Arc<dyn Carrier>) -> Arc<dyn Carrier> {
//!         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//!         network
//!     }
//! }
//!
//! let options = host_harness::ConnectionOptions::new().wire(Counted::default());
//! # drop(options);
//! ```

pub use crate::egress::{Answer, Attempt, Begun, Carrier, Connected, Given, Outgoing, Wire};
pub use crate::safe_text::{SafeText, Unanswered};
