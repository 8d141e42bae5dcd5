pub(crate) struct High(crate::folder_two::low::Low);
