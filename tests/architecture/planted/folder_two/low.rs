pub(crate) struct Low;
