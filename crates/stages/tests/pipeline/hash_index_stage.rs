//! The hash index stage: sorted loads of several writes each, which survive a stop and a damaged spill.

use crate::pipes::{Disk, Host, Kill, Rest, block, range, real_stages};
use header_store::contract::TestChain;
use stages::pipeline::{
    Change, ControlFlow, HASH_INDEX, HashIndexStage, News, Pipeline, PipelineInput, hash_index_row,
};
use stages::{
    config::PipelineConfig,
    etl::{MemorySpill, Spill},
};
use sync_core::fault::StoreFailure;

const BLOCKS: u64 = 2_000;

fn pipeline<S: Spill + core::fmt::Debug + 'static>(disk: &Disk, spill: S) -> Pipeline {
    // A buffer that a load of 2,000 rows fills many times; 300 rows a write.
    let index = HashIndexStage::new(8_192, spill).with_steps(2_500, 300);
    Pipeline::new(PipelineConfig::default(), &disk.state, real_stages(index))
}

fn downloaded() -> (TestChain, Host) {
    let chain = TestChain::new(BLOCKS as usize, 3);
    let host = Host::new(Disk::with_chain(&chain, range(0, BLOCKS - 1)));
    (chain, host)
}

fn keys(host: &Host) -> Vec<Vec<u8>> {
    let changes = host.commits.iter().flat_map(|commit| commit.changes.iter());
    let rows = changes.filter_map(|change| if let Change::Put { rows, .. } = change { Some(rows) } else { None });
    rows.flatten().map(|(key, _)| key.clone()).collect()
}

/// Headers are stored in windows, each batch with its checkpoint, so an interrupted download continues; only the index
/// is sorted over the whole gap.
#[test]
fn s04_the_rows_of_a_whole_gap_enter_the_index_in_the_order_of_their_hashes() {
    let (chain, mut host) = downloaded();
    let mut pipeline = pipeline(&host.disk, MemorySpill::new());
    host.greet(&mut pipeline, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
    let keys = keys(&host);
    assert_eq!(keys.len() as u64, BLOCKS);
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "over all writes");
    assert!(host.commits.len() > 6, "in several writes");
}

/// The stage hashes what it reads and nothing else, so any bytes do for a chain this long.
#[test]
fn s04_e02_a_gap_of_a_hundred_thousand_blocks_through_one_mebibyte() {
    const LAST: u64 = 99_999;
    let mut host = Host::default();
    host.disk.headers = (0..=LAST).map(|number| (number, number.to_le_bytes().to_vec().into())).collect();
    let spill = crate::spills::FileSpill::new("hash-index-large");
    let folder = spill.folder().to_owned();
    let config = PipelineConfig { max_block: Some(LAST), ..PipelineConfig::default() };
    let stage = Box::new(HashIndexStage::new(1 << 20, spill));
    let mut pipeline = Pipeline::new(config, &host.disk.state, vec![stage]);
    let finished = ControlFlow::Finished { block: LAST };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(finished)));
    let keys = keys(&host);
    assert_eq!(keys.len() as u64, LAST + 1);
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "over all writes");
    let rows: Vec<usize> = host.commits.iter().map(|commit| rows_of(&commit.changes)).collect();
    assert!(rows.iter().all(|rows| *rows <= 8_192), "{rows:?}");
    // Every write takes this host the same time: sizes double up to the limit, try less, and stay there.
    assert_eq!(rows[..10], [1_024, 1_024, 1_024, 2_048, 2_048, 2_048, 4_096, 4_096, 4_096, 8_192]);
    assert_eq!(rows[rows.len() - 3..rows.len() - 1], [8_192, 8_192]);
    assert!(host.commits.iter().rev().skip(1).all(|commit| commit.checkpoint.data.len() < 1_024), "small records");
    let index = host.disk.index();
    for number in (0..=LAST).step_by(997) {
        let (key, value) = hash_index_row(number, &number.to_le_bytes());
        assert_eq!(index.get(&key[..]).map(Vec::as_slice), Some(&value[..]));
    }
    assert!(!folder.exists(), "no run stays behind");
}

fn rows_of(changes: &[Change]) -> usize {
    changes.iter().map(|change| if let Change::Put { rows, .. } = change { rows.len() } else { 0 }).sum()
}

/// Genesis needs no special case: its row is stored whether the index was empty or not.
#[test]
fn s08_a_later_gap_is_merged_into_the_index_that_is_there() {
    let (chain, mut host) = downloaded();
    let mut pipeline = pipeline(&host.disk, MemorySpill::new());
    for last in [0, 1, 700, BLOCKS - 1] {
        let mut part = Host::new(Disk { state: host.disk.state.clone(), ..host.disk.clone() });
        part.disk.headers.retain(|number, _| *number <= last);
        host.news(&mut pipeline, News::Target(block(&chain, last)));
        if last == 0 {
            host.tell_durable(&mut pipeline);
        }
        // The stage stops at its target although more is stored.
        host.run(&mut pipeline);
        let rows = host.disk.index();
        assert_eq!(rows.len() as u64, last + 1);
    }
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
}

/// A store that returns other numbers than requested cannot make the index skip a block.
#[test]
fn s08_a_number_that_is_missing_is_named_and_not_passed_over() {
    let (chain, mut host) = downloaded();
    host.disk.headers.remove(&1_234);
    let mut pipeline = pipeline(&host.disk, MemorySpill::new());
    host.greet(&mut pipeline, block(&chain, BLOCKS - 1));
    host.run(&mut pipeline);
    assert!(host.story().contains(&"error hash-index".to_owned()));
    host.disk.download(&chain, range(1_234, BLOCKS - 1));
    host.tell_durable(&mut pipeline);
    host.run(&mut pipeline);
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
}

#[test]
fn e04_i11_a_load_goes_on_with_its_runs_in_the_next_session() {
    let (chain, mut host) = downloaded();
    let spill = crate::spills::FileSpill::new("hash-index");
    let folder = spill.folder().to_owned();
    // Stopped after the third write: the headers' checkpoint, then two writes of the load.
    host.kill = Some(Kill::After(2));
    let mut first = pipeline(&host.disk, spill.reopened());
    host.greet(&mut first, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut first), Rest::Killed);
    drop(first);
    assert!(host.disk.state.checkpoints[&HASH_INDEX].is_partial);
    assert_eq!(host.disk.index().len(), 600);
    assert!(folder.exists(), "its runs are still there");

    let (kill, commits) = (None, Vec::new());
    let mut host = Host { kill, commits, ..host };
    let mut second = pipeline(&host.disk, spill.reopened());
    host.greet(&mut second, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut second), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
    assert_eq!(keys(&host).len() as u64, BLOCKS - 600, "rows that were stored are not stored again");
    assert!(!folder.exists(), "and its runs are gone");
}

#[test]
fn e04_i01_a_load_whose_runs_are_gone_is_done_again() {
    let (chain, mut host) = downloaded();
    host.kill = Some(Kill::After(2));
    let mut first = pipeline(&host.disk, MemorySpill::new());
    host.greet(&mut first, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut first), Rest::Killed);
    let mut host = Host { kill: None, ..host };
    let mut second = pipeline(&host.disk, MemorySpill::new());
    host.greet(&mut second, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut second), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
}

/// The table may contain rows of all blocks of an unfinished load; an unwind into it must find them all.
#[test]
fn s10_i01_an_unwind_in_the_middle_of_a_load_leaves_no_row_of_what_is_gone() {
    let old = TestChain::new(BLOCKS as usize, 3);
    for to in [1_999, 1_500, 1_000, 0] {
        let new = old.fork_above(to.min(1_998), BLOCKS as usize + 100, 4);
        // Files, so that the runs of the old chain are still there for the second session.
        let spill = crate::spills::FileSpill::new(&format!("hash-index-unwind-{to}"));
        let mut host = Host::new(Disk::with_chain(&old, range(0, BLOCKS - 1)));
        host.kill = Some(Kill::After(3));
        let mut first = pipeline(&host.disk, spill.reopened());
        host.greet(&mut first, block(&old, BLOCKS - 1));
        assert_eq!(host.run(&mut first), Rest::Killed);
        assert!(spill.folder().exists());

        let to = to.min(1_998);
        let mut host = Host { kill: None, ..host };
        let mut second = pipeline(&host.disk, spill.reopened());
        host.tell_durable(&mut second);
        host.input(&mut second, PipelineInput::Unwind { to, checkpoint: None });
        host.news(&mut second, News::Target(block(&new, BLOCKS + 99)));
        assert_eq!(host.run(&mut second), Rest::Drained);
        assert_eq!(host.disk.headers.len() as u64, to + 1);
        host.disk.download(&new, range(to + 1, BLOCKS + 99));
        host.tell_durable(&mut second);
        assert_eq!(host.run(&mut second), Rest::Drained);
        host.disk.assert_whole(&new, range(0, BLOCKS + 99));
        assert!(!spill.folder().exists(), "no run stays behind");
    }
}

/// A session may end right after a load; its runs must be removed.
#[test]
fn e01_i05_a_load_that_ended_leaves_no_run_behind() {
    let (chain, mut host) = downloaded();
    let spill = crate::spills::FileSpill::new("hash-index-end");
    let index = HashIndexStage::new(8_192, spill.reopened()).with_steps(2_500, 300);
    let config = PipelineConfig { max_block: Some(BLOCKS - 1), ..PipelineConfig::default() };
    let mut pipeline = Pipeline::new(config, &host.disk.state, real_stages(index));
    host.greet(&mut pipeline, block(&chain, BLOCKS - 1));
    assert!(matches!(host.run(&mut pipeline), Rest::Ended(Ok(_))));
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
    assert!(!spill.folder().exists());
}

#[test]
fn i01_a_spill_that_fails_is_tried_again_and_leaves_no_row_twice() {
    let (chain, _) = downloaded();
    for calls in (0..60).step_by(3) {
        let mut host = Host::new(Disk::with_chain(&chain, range(0, BLOCKS - 1)));
        let spill = crate::spills::FailingSpill::new(MemorySpill::new());
        spill.fail_after(calls);
        let mut pipeline = pipeline(&host.disk, spill);
        host.greet(&mut pipeline, block(&chain, BLOCKS - 1));
        assert_eq!(host.run(&mut pipeline), Rest::Drained, "{:?}", host.story());
        host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
    }
}

#[test]
fn l05_a_read_that_fails_is_tried_again() {
    let (chain, mut host) = downloaded();
    host.unreadable.extend([StoreFailure::Other("aborted".into()), StoreFailure::Locked]);
    let mut pipeline = pipeline(&host.disk, MemorySpill::new());
    host.greet(&mut pipeline, block(&chain, BLOCKS - 1));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.pauses_ms.len(), 2);
    host.disk.assert_whole(&chain, range(0, BLOCKS - 1));
}
