//! The one call by which glibc's allocator gives back what it keeps.

/// Gives the system back every whole page that is free, in the middle of the heap as well as at its end.
pub(super) fn trim() {
    // SAFETY: it takes no pointer, and any thread may call it at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
