//! Where in the copy the changes stand.

use std::ops::Range;

use serde_json::json;

#[derive(Default)]
pub struct Places {
    /// File, the bytes in the copy, the change's number. A change that would be traced too late, because the compiler blames what is
    /// around it, has its surroundings as a second, wider place.
    placed: Vec<(String, Range<usize>, usize)>,
    unplaced: Vec<(usize, &'static str)>,
}

impl Places {
    pub fn place(&mut self, file: &str, bytes: Range<usize>, number: usize) {
        self.placed.push((file.to_owned(), bytes, number));
    }

    pub fn leave_out(&mut self, number: usize, why: &'static str) {
        self.unplaced.push((number, why));
    }

    pub fn to_json(&self) -> String {
        let placed: Vec<_> = self
            .placed
            .iter()
            .map(|(file, bytes, number)| json!({"file": file, "start": bytes.start, "end": bytes.end, "change": number}))
            .collect();
        let unplaced: Vec<_> = self.unplaced.iter().map(|(number, why)| json!({"change": number, "why": why})).collect();
        json!({"placed": placed, "unplaced": unplaced}).to_string()
    }
}
