//! What a host and the process that compiles for it say to each other.

/// What the process says where it has compiled everything: the key.
pub(super) const COMPILED: &str = "compiled-for";
/// And where the component cannot be compiled.
pub(super) const REFUSED: &str = "refused";
