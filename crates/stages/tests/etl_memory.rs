//! A load that is four times as large as its buffer, measured where memory is given out.
//!
//! One test alone in its process: the counting allocator sees every thread.

#[path = "pipeline/spills/mod.rs"]
mod spills;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use alloy_primitives::keccak256;
use spills::FileSpill;
use stages::etl::{EqualKeys, SpillCollector};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    PEAK.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise about `pointer` and `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BUFFER: usize = 1 << 20;
const ENTRIES: u64 = 100_000;

/// All memory: buffer, list, sorting, blocks to write, blocks to read, the current entry. A reallocation counts both
/// the old and the new allocation, as the trait's own `realloc` does.
#[test]
fn e01_e02_a_hundred_thousand_entries_through_one_mebibyte() {
    let mut collector = SpillCollector::new(BUFFER, EqualKeys::Last, FileSpill::new("etl-memory"));
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    for number in 0..ENTRIES {
        collector.insert(keccak256(number.to_be_bytes()).as_slice(), &number.to_be_bytes()).expect("room on the disk");
    }
    let collecting = PEAK.swap(before, Relaxed) - before;
    assert!(collector.runs() >= 4, "{} runs", collector.runs());

    let mut merge = collector.merge().expect("room on the disk");
    // The buffer is freed here; one block of each run is left.
    PEAK.store(HELD.load(Relaxed), Relaxed);
    let (mut count, mut sum, mut last) = (0, 0, [0; 32]);
    while let Some((key, value)) = merge.next().expect("sound files") {
        assert!(count == 0 || key > last.as_slice(), "rising, each key once");
        last.copy_from_slice(key);
        let number = u64::from_be_bytes(value.try_into().expect("eight bytes"));
        sum += number;
        count += 1;
        if count % 9_973 == 0 {
            assert_eq!(last, keccak256(number.to_be_bytes()).0);
        }
    }
    let merging = PEAK.load(Relaxed) - before;
    assert_eq!((count, sum), (ENTRIES, ENTRIES * (ENTRIES - 1) / 2));
    collector.clear().expect("files can be removed");
    println!("collecting {collecting} bytes, merging {merging} bytes");
    // While the buffer grows to its whole size, the old allocation (an eighth) exists beside the new one.
    assert!(collecting <= BUFFER + BUFFER / 8, "{collecting} bytes while collecting");
    assert!(merging <= BUFFER / 4, "{merging} bytes while merging");
}
