//! The 8x8 connector, built along with this library (cargo feature `bundled`).

/// The component's bytes, for [`Component::from_bytes`](crate::Component::from_bytes).
pub const CONNECTOR_8X8: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/connector-8x8.wasm"));
