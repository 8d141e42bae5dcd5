use crate::by_use::one::One;

pub(crate) struct Other(Box<One>);
