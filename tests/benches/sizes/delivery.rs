use std::path::Path;
pub(crate) fn measure(_folder: &Path) {}
