mod first;
mod second;

pub(crate) use first::{First as Renamed};
pub(crate) use second::*;
