mod high;
pub(crate) mod low;
