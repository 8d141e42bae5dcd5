mod child;

pub(crate) struct Parent(Option<child::Child>);
