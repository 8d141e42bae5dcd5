use super::low::Low;

pub(crate) struct High(Low);
