pub(crate) struct High(crate::folder_one::low::Low);
