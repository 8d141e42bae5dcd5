//! A whole company: sync.

mod apply;
mod clocked;
mod company;
mod directory;
mod error;
pub mod guard;
pub mod journal;
mod kill;
pub mod lock;
pub mod plan;
mod private_file;
pub mod report;
mod run;
mod scratch;
mod stand_in;
mod tenant;
mod values;

pub use self::apply::Halt;
pub use self::company::plan_for;
pub use self::error::{Duplicate, SyncError};
pub use self::run::{OnProgress, Prepared, Progress, SyncOptions};
pub use self::stand_in::*;
pub use self::tenant::Tenant;
