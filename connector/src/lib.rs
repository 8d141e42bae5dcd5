//! 8x8.
pub mod component;
