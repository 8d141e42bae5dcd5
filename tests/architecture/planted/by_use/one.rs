use super::other::Other;

pub(crate) struct One(Other);
