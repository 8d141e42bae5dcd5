//! [`Compiler`]: compiles components in a process of its own, since what the compiler does
//! cannot be stopped once it has begun, and no look at a component tells for certain how long
//! it will take. That process limits its own processor time and memory before it reads the
//! component, compiles it with the host's own configuration, and leaves the code in the host's
//! directory, from which the host loads it as it loads what it compiled itself.

mod child;
mod leash;
mod program;
mod protocol;

pub use child::run;
pub(crate) use leash::Leash;
pub use program::Compiler;
pub(crate) use program::Job;
