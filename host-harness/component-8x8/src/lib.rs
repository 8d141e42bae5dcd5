//! The 8x8 connector as a component, built once for all that use it: the program, tests,
//! benchmarks.

#![no_std]

/// The component's bytes.
pub const CONNECTOR_8X8: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/connector-8x8.wasm"));
