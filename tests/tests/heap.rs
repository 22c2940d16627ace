//! Memory goes back to the system. A process of its own: what others allocate meanwhile would be counted, too.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use belfry_core::net::{give_memory_back, resident_bytes};

#[test]
fn what_is_free_in_the_middle_of_the_heap_goes_back_to_the_system() {
    const PIECES: usize = 16_384;
    let before = resident_bytes().unwrap();
    // One in sixteen lives on, so that neither end of the heap is free.
    let mut pieces: Vec<Option<Vec<u8>>> = (0..PIECES).map(|_| Some(vec![1; 4000])).collect();
    for (n, piece) in pieces.iter_mut().enumerate() {
        if n % 16 != 0 {
            *piece = None;
        }
    }
    let most = (PIECES * 4000) as u64;
    assert!(resident_bytes().unwrap() > before + most * 3 / 4, "the allocator keeps it");
    give_memory_back();
    assert!(resident_bytes().unwrap() < before + most / 2);
    assert_eq!(pieces.iter().flatten().map(|piece| piece.len()).sum::<usize>(), PIECES / 16 * 4000);
}
