use std::path::Path;
pub(crate) fn ask(_folder: &Path, _scale: crate::generate::Scale) {}
