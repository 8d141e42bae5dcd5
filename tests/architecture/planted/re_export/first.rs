use super::Second;

pub(crate) struct First(Second);
