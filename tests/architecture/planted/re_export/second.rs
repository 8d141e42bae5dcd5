pub(crate) struct Second(Box<crate::re_export::Renamed>);
