//! The collector for loads that are larger than memory: every entry is returned once, in the order of the keys.

use crate::spills::{FailingSpill, FileSpill};
use alloy_primitives::keccak256;
use stages::etl::{EqualKeys, EtlError, MemorySpill, Spill, SpillCollector};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn in_memory(capacity: usize, rule: EqualKeys) -> SpillCollector<MemorySpill> {
    SpillCollector::new(capacity, rule, MemorySpill::new())
}

fn drained<S: Spill>(collector: &mut SpillCollector<S>) -> Result<Pairs, EtlError> {
    let mut out = Vec::new();
    let mut merge = collector.merge()?;
    while let Some((key, value)) = merge.next()? {
        out.push((key.to_vec(), value.to_vec()));
    }
    Ok(out)
}

fn pairs(of: &[(&str, &str)]) -> Pairs {
    of.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn hashes(count: u64) -> impl Iterator<Item = ([u8; 32], [u8; 8])> {
    (0..count).map(|number| (keccak256(number.to_be_bytes()).0, number.to_be_bytes()))
}

#[test]
fn e01_the_buffer_keeps_its_bound_counts_entries_and_clears_what_it_made() {
    let spill = FileSpill::new("e01");
    let folder = spill.folder().to_owned();
    let mut collector = SpillCollector::new(4_096, EqualKeys::Last, spill);
    assert!(!folder.exists(), "nothing is created before it is needed");
    for (at, (key, value)) in hashes(1_000).enumerate() {
        collector.insert(&key, &value).expect("room on the disk");
        assert!(collector.allocated() <= 4_096, "{} bytes", collector.allocated());
        assert_eq!(collector.len(), at as u64 + 1);
    }
    assert!(collector.runs() > 10 && folder.exists());
    collector.clear().expect("files can be removed");
    assert!(!folder.exists(), "neither files nor their folder stay");
    assert_eq!((collector.len(), collector.runs(), collector.allocated()), (0, 0, 0));
}

#[test]
fn e01_an_entry_that_never_fits_is_refused_and_the_rest_stays() {
    let mut collector = in_memory(256, EqualKeys::Last);
    collector.insert(b"kept", b"1").expect("fits");
    assert_eq!(collector.insert(&[7; 300], b""), Err(EtlError::EntryTooLong { got: 300, max: 244 }));
    collector.insert(&[7; 200], &[1; 44]).expect("fits exactly, once the buffer was spilled");
    assert_eq!((collector.len(), collector.runs()), (2, 1));
    assert_eq!(drained(&mut collector).expect("sound").len(), 2);
    // Offsets and lengths are 32 bits wide, and an entry has a named limit of its own.
    let mut large = in_memory(1 << 20, EqualKeys::Last);
    assert!(matches!(large.insert(&[0; 65_537], b""), Err(EtlError::EntryTooLong { max: 65_536, .. })));
    large.insert(&[0; 65_536], b"").expect("as long as an entry may be");
    large.seal().expect("memory");
    assert_eq!(drained(&mut large).expect("one long block")[0].0.len(), 65_536);
}

#[test]
fn e02_runs_merge_in_the_order_of_their_keys_with_a_look_ahead() {
    let mut collector = in_memory(2_048, EqualKeys::Last);
    for (key, value) in hashes(500) {
        collector.insert(&key, &value).expect("memory");
    }
    assert!(collector.runs() > 5);
    let mut expected: Pairs = hashes(500).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    expected.sort();
    let mut merge = collector.merge().expect("sound");
    for (key, value) in &expected {
        let next = Some((key.as_slice(), value.as_slice()));
        assert_eq!(merge.peek().expect("sound"), next);
        assert_eq!(merge.peek().expect("looking takes nothing"), next);
        assert_eq!(merge.next().expect("sound"), next);
    }
    assert_eq!(merge.peek(), Ok(None));
    assert_eq!(merge.next(), Ok(None));
}

#[test]
fn e03_what_was_handed_out_to_its_end_is_not_handed_out_again() {
    for capacity in [512, 1 << 20] {
        let mut collector = in_memory(capacity, EqualKeys::Last);
        for (key, value) in hashes(100) {
            collector.insert(&key, &value).expect("memory");
        }
        assert_eq!(drained(&mut collector).expect("sound").len(), 100);
        assert_eq!(drained(&mut collector).expect("sound"), []);
        assert!(collector.spill().is_empty(), "its runs are gone");
        // The collector can be used again.
        collector.insert(b"anew", b"").expect("memory");
        assert_eq!(drained(&mut collector).expect("sound"), pairs(&[("anew", "")]));
    }
}

#[test]
fn e03_a_load_that_stopped_before_its_end_is_repeated_whole() {
    let mut collector = in_memory(512, EqualKeys::Last);
    for (key, value) in hashes(100) {
        collector.insert(&key, &value).expect("memory");
    }
    let mut merge = collector.merge().expect("sound");
    for _ in 0..50 {
        assert!(merge.next().expect("sound").is_some());
    }
    assert_eq!(drained(&mut collector).expect("sound").len(), 100);
}

/// Of entries with the same key the last one inserted is returned, over all runs; the reference leaves this open.
#[test]
fn e04_the_last_write_wins_by_the_order_of_insertion() {
    let writes = [("b", "9"), ("a", "1"), ("b", "2"), ("a", "0"), ("c", "5"), ("b", "1")];
    let expect = |rule: EqualKeys, expected: &[(&str, &str)]| {
        // All in one buffer, and each in a run of its own.
        for capacity in [1 << 16, 14] {
            let mut collector = in_memory(capacity, rule);
            for (key, value) in writes {
                collector.insert(key.as_bytes(), value.as_bytes()).expect("memory");
            }
            assert_eq!(collector.runs(), if capacity == 14 { 5 } else { 0 });
            assert_eq!(drained(&mut collector).expect("sound"), pairs(expected), "{rule:?}");
        }
    };
    expect(EqualKeys::Last, &[("a", "0"), ("b", "1"), ("c", "5")]);
    expect(EqualKeys::First, &[("a", "1"), ("b", "9"), ("c", "5")]);
    expect(EqualKeys::All, &[("a", "1"), ("a", "0"), ("b", "9"), ("b", "2"), ("b", "1"), ("c", "5")]);
}

#[test]
fn e04_a_run_has_one_form_on_every_target() {
    let mut collector = in_memory(1 << 16, EqualKeys::Last);
    collector.insert(b"key", b"value").expect("memory");
    collector.seal().expect("memory");
    let mut spill = std::mem::take(collector.spill_mut());
    let (_, bytes) = spill.runs_mut().next().expect("one run");
    // Length of the block and number of entries, 32 bits each; 64 bits of checksum; two lengths of 32 bits.
    assert_eq!(bytes[..8], [16, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(bytes[16..], *b"\x03\0\0\0\x05\0\0\0keyvalue");
}

#[test]
fn e04_an_entry_without_any_byte_is_an_entry() {
    for capacity in [12, 1 << 16] {
        let mut collector = in_memory(capacity, EqualKeys::All);
        for _ in 0..3 {
            collector.insert(b"", b"").expect("memory");
        }
        assert_eq!(collector.len(), 3);
        assert_eq!(drained(&mut collector).expect("sound"), pairs(&[("", ""), ("", ""), ("", "")]));
    }
}

#[test]
fn e04_a_failed_read_loses_no_entry() {
    let mut expected: Pairs = hashes(300).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    expected.sort();
    let mut failures = 0;
    for calls in (0..200).step_by(7) {
        let mut collector = SpillCollector::new(1_024, EqualKeys::Last, FailingSpill::new(MemorySpill::new()));
        for (key, value) in hashes(300) {
            collector.insert(&key, &value).expect("memory");
        }
        collector.seal().expect("memory");
        collector.spill().fail_after(calls);
        let mut out = Vec::new();
        let mut merge = collector.merge().expect("nothing is read yet");
        loop {
            match merge.next() {
                Ok(Some((key, value))) => out.push((key.to_vec(), value.to_vec())),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error, EtlError::Spill(sync_core::fault::StoreFailure::Full));
                    failures += 1;
                }
            }
        }
        assert_eq!(out, expected);
    }
    assert!(failures > 5, "{failures} reads failed");
}

#[test]
fn e04_what_fits_is_never_spilled() {
    let mut collector = in_memory(1 << 20, EqualKeys::Last);
    for (key, value) in hashes(10_000) {
        collector.insert(&key, &value).expect("memory");
    }
    assert_eq!(drained(&mut collector).expect("sound").len(), 10_000);
    assert_eq!((collector.runs(), collector.spill().bytes()), (0, 0));
}

#[test]
fn e04_every_changed_byte_of_a_run_is_noticed() {
    let mut collector = in_memory(4_096, EqualKeys::Last);
    for (key, value) in hashes(200) {
        collector.insert(&key, &value).expect("memory");
    }
    let manifest = collector.seal().expect("memory");
    let spill = std::mem::take(collector.spill_mut());
    let sound = drained(&mut SpillCollector::reopen(4_096, EqualKeys::Last, spill.clone(), manifest.clone()));
    let sound = sound.expect("nothing changed");
    for at in (0..spill.bytes()).step_by(13) {
        let mut damaged = spill.clone();
        let mut skipped = 0;
        for (_, bytes) in damaged.runs_mut() {
            if (skipped..skipped + bytes.len()).contains(&at) {
                bytes[at - skipped] ^= 0x20;
            }
            skipped += bytes.len();
        }
        let mut reopened = SpillCollector::reopen(4_096, EqualKeys::Last, damaged, manifest.clone());
        let mut merge = reopened.merge().expect("nothing is read yet");
        let mut before = 0;
        let error = loop {
            match merge.next() {
                Ok(Some((key, value))) => {
                    assert_eq!((key, value), (&sound[before].0[..], &sound[before].1[..]), "only what is sound");
                    before += 1;
                }
                Ok(None) => panic!("the change at {at} was not noticed"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, EtlError::Damaged { .. }), "{error}");
    }
}

/// A host that used an id twice, or restored an old file: each block is valid, but the run is not the one of the
/// manifest.
#[test]
fn e04_another_run_under_the_same_id_is_noticed() {
    let sealed = |from: u64| {
        let mut collector = in_memory(1 << 16, EqualKeys::Last);
        for number in from..from + 100 {
            collector.insert(keccak256(number.to_be_bytes()).as_slice(), &number.to_be_bytes()).expect("memory");
        }
        let manifest = collector.seal().expect("memory");
        (manifest, std::mem::take(collector.spill_mut()))
    };
    let ((ours, spill), (_, other)) = (sealed(0), sealed(500));
    assert!(drained(&mut SpillCollector::reopen(1 << 16, EqualKeys::Last, spill, ours.clone())).is_ok());
    let mixed = drained(&mut SpillCollector::reopen(1 << 16, EqualKeys::Last, other, ours));
    assert!(matches!(mixed, Err(EtlError::Damaged { .. })), "{mixed:?}");
}

#[test]
fn e04_runs_outlive_their_session_and_a_failed_load_goes_on_where_it_stopped() {
    let mut first = SpillCollector::new(4_096, EqualKeys::Last, FileSpill::new("e04"));
    for (key, value) in hashes(600) {
        first.insert(&key, &value).expect("room on the disk");
    }
    let record = first.seal().expect("room on the disk").encode();
    let mut loaded: Pairs = Vec::new();
    let mut merge = first.merge().expect("sound");
    while loaded.len() < 250 {
        let (key, value) = merge.next().expect("sound").expect("not the end");
        loaded.push((key.to_vec(), value.to_vec()));
    }
    // The session ends here. The next one has the manifest and the last key that was loaded.
    let spill = first.spill().reopened();
    drop(first);
    let folder = spill.folder().to_owned();
    let manifest = stages::etl::Manifest::decode(&record).expect("written above");
    let mut second = SpillCollector::reopen(4_096, EqualKeys::Last, spill, manifest);
    assert_eq!(second.len(), 600);
    let mut merge = second.merge().expect("sound");
    merge.skip_through(&loaded[249].0).expect("sound");
    while let Some((key, value)) = merge.next().expect("sound") {
        loaded.push((key.to_vec(), value.to_vec()));
    }
    let mut expected: Pairs = hashes(600).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    expected.sort();
    assert_eq!(loaded, expected);
    second.clear().expect("files can be removed");
    assert!(!folder.exists());
}

#[test]
fn e04_a_garbled_manifest_is_none() {
    let mut collector = in_memory(64, EqualKeys::Last);
    for (key, value) in hashes(20) {
        collector.insert(&key, &value).expect("memory");
    }
    let record = collector.seal().expect("memory").encode();
    assert!(stages::etl::Manifest::decode(&record).is_some());
    assert_eq!(stages::etl::Manifest::decode(&[&record[..], &[0]].concat()), None);
    assert_eq!(stages::etl::Manifest::decode(&record[..record.len() - 1]), None);
    assert_eq!(stages::etl::Manifest::decode(b"none"), None);
}

#[test]
fn e05_ten_thousand_random_hashes_through_one_kilobyte_equal_the_sorted_input() {
    let mut collector = in_memory(1_024, EqualKeys::Last);
    for (key, value) in hashes(10_000) {
        collector.insert(&key, &value).expect("memory");
        assert!(collector.runs() <= 64, "the number of runs is bounded");
    }
    let mut expected: Pairs = hashes(10_000).map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    expected.sort();
    assert_eq!(drained(&mut collector).expect("sound"), expected);
}

#[test]
fn e05_empty_keys_and_empty_values_are_kept_apart_from_absent_ones() {
    for capacity in [20, 1 << 16] {
        let mut collector = in_memory(capacity, EqualKeys::Last);
        for (key, value) in [("k", ""), ("", "v"), ("kk", "v")] {
            collector.insert(key.as_bytes(), value.as_bytes()).expect("memory");
        }
        let mut merge = collector.merge().expect("sound");
        assert_eq!(merge.next(), Ok(Some((&b""[..], &b"v"[..]))));
        assert_eq!(merge.next(), Ok(Some((&b"k"[..], &b""[..]))));
        assert_eq!(merge.next(), Ok(Some((&b"kk"[..], &b"v"[..]))));
        assert_eq!(merge.next(), Ok(None));
    }
    assert_eq!(drained(&mut in_memory(64, EqualKeys::Last)), Ok(vec![]), "nothing in, nothing out");
}

/// A transformation that emits twice what it reads, fed into a second collector: the chain of two loads that an index
/// of an index is.
#[test]
fn e05_doubled_on_extraction_and_on_load() {
    let mut first = in_memory(256, EqualKeys::All);
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        first.insert(key.as_bytes(), value.as_bytes()).expect("memory");
        first.insert(key.as_bytes(), value.as_bytes()).expect("memory");
    }
    let mut second = in_memory(32, EqualKeys::All);
    let mut merge = first.merge().expect("sound");
    while let Some((key, value)) = merge.next().expect("sound") {
        second.insert(value, key).expect("memory");
        second.insert(value, key).expect("memory");
    }
    let twice = [("1", "a"), ("2", "b"), ("3", "c")].into_iter().flat_map(|pair| [pair; 4]).collect::<Vec<_>>();
    assert_eq!(drained(&mut second).expect("sound"), pairs(&twice));
}
