pub(crate) struct Child(Box<super::Parent>);
