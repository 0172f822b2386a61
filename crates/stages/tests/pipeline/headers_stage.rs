//! The stage of the stored headers: it follows the contiguous range from the floor up, and an unwind removes headers
//! with the machine's checkpoint.

use crate::pipes::{Disk, Host, Rest, block, range, real_pipeline};
use alloy_primitives::{B256, keccak256};
use header_store::{SEGMENT_HEADERS, contract::TestChain};
use stages::config::{PipelineConfig, STAGE_READ_HEADERS_MAX};
use stages::pipeline::{
    Change, ControlFlow, HASH_INDEX, HEADERS, HeadersStage, News, Pipeline, PipelineError, PipelineInput,
    PipelineOutput, StageCheckpoint, StageError, hash_index_row,
};
use sync_core::{BlockNumHash, Checkpoint};

/// A stage reads at most what one segment of the store holds.
const _: () = assert!(STAGE_READ_HEADERS_MAX == SEGMENT_HEADERS);

fn headers_only(disk: &Disk) -> Pipeline {
    Pipeline::new(PipelineConfig::default(), &disk.state, vec![Box::new(HeadersStage::new())])
}

fn stands(host: &Host) -> Option<u64> {
    host.disk.state.checkpoints.get(&HEADERS).and_then(|checkpoint| checkpoint.block)
}

/// A chain that is fully stored, and a pipeline that has processed all of it.
fn synced(chain: &TestChain, to: u64) -> (Host, Pipeline) {
    let mut host = Host::new(Disk::with_chain(chain, range(0, to)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(chain, to));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.assert_whole(chain, range(0, to));
    (host, pipeline)
}

#[test]
fn s01_a_look_at_what_is_stored_repeated_is_the_same_look() {
    let chain = TestChain::new(300, 1);
    let (mut host, mut pipeline) = synced(&chain, 299);
    let writes = host.writes;
    for _ in 0..5 {
        host.greet(&mut pipeline, block(&chain, 299));
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
    }
    assert_eq!(host.writes, writes);
}

#[test]
fn s02_the_gap_is_closed_when_number_and_hash_are_the_targets() {
    let chain = TestChain::new(300, 1);
    let (mut host, mut pipeline) = synced(&chain, 299);
    let before = host.disk.clone();
    assert_eq!(host.passes().last(), Some(&ControlFlow::NoProgress { block: Some(299) }));
    // The same target again changes nothing.
    host.news(&mut pipeline, News::Target(block(&chain, 299)));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.disk, before);
    // The same number with another hash is another chain.
    host.news(&mut pipeline, News::Target(BlockNumHash { number: 299, hash: B256::repeat_byte(1) }));
    host.run(&mut pipeline);
    assert!(host.story().contains(&"error headers".to_owned()));
    assert_eq!((stands(&host), host.disk), (Some(299), before), "nothing is removed before an ancestor is known");
}

/// The store is filled from the top, so it is ahead of this stage during a download, and none of it is removed: the
/// machine's checkpoint is stored with its batches. The store is behind only after damage; then the stages are unwound
/// and the headers fetched again.
#[test]
fn s03_a_store_that_is_ahead_is_waited_for_and_one_that_is_behind_is_mended() {
    let chain = TestChain::new(3_000, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(1_500, 2_999)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 2_999));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!((stands(&host), host.disk.headers.len()), (None, 1_500));
    host.disk.download(&chain, range(0, 1_499));
    host.tell_durable(&mut pipeline);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, 2_999));

    // Damage: numbers 1,000 to 1,023 are dropped from the store and carved out of the machine's checkpoint.
    let hole = range(1_000, 1_023);
    host.disk.headers.retain(|number, _| !hole.contains(*number));
    let (upper, lower) = (Some(chain.hash(1_023)), Some(chain.hash(999)));
    host.disk.machine.as_mut().expect("stored").carve(hole, upper, lower);
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 2_999));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    // Rows of missing headers lead to no header; they stay until these blocks are stored again: a reader compares the
    // hash with the header.
    assert_eq!((stands(&host), host.disk.headers.len(), host.disk.index().len()), (Some(999), 1_000, 1_024));
    host.disk.download(&chain, range(1_000, 2_999));
    host.tell_durable(&mut pipeline);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, 2_999));
}

/// The error is reported, the end is final, and gathered data is dropped (see the property in `resume`).
#[test]
fn s05_i10_the_end_of_the_download_is_an_error_unless_all_is_there() {
    let chain = TestChain::new(300, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(100, 299)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 299));
    host.news(&mut pipeline, News::Closed);
    let closed = PipelineError::Stage { stage: HEADERS, error: StageError::ChannelClosed };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(closed)));

    let (mut host, mut pipeline) = synced(&chain, 299);
    host.news(&mut pipeline, News::Closed);
    assert_eq!(host.run(&mut pipeline), Rest::Drained, "nothing is missing");
}

#[test]
fn s05_l06_a_detached_head_waits_for_the_search_and_unwinds_to_its_ancestor_at_once() {
    let old = TestChain::new(1_000, 1);
    for ancestor in [998, 900, 0] {
        let new = old.fork_above(ancestor, 1_200, 2);
        let (mut host, mut pipeline) = synced(&old, 999);
        host.news(&mut pipeline, News::Target(block(&new, 1_199)));
        // The machine fetches the new chain down to the stored head, and finds that the two do not meet.
        host.disk.download(&new, range(1_000, 1_199));
        let before = host.disk.headers.clone();
        for _ in 0..3 {
            host.tell_durable(&mut pipeline);
            assert_eq!(host.run(&mut pipeline), Rest::Drained);
        }
        assert!(host.story().contains(&"error headers".to_owned()), "{:?}", host.story());
        assert_eq!((stands(&host), &host.disk.headers), (Some(999), &before), "nothing is removed during the search");
        // The search has found the ancestor.
        let mut checkpoint = host.disk.machine.clone().expect("stored");
        checkpoint.trim_above(ancestor, Some(old.hash(ancestor)));
        host.input(&mut pipeline, PipelineInput::Unwind { to: ancestor, checkpoint: Some(checkpoint) });
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
        assert_eq!(stands(&host), Some(ancestor));
        let unwinds: Vec<_> =
            host.passes().into_iter().filter(|flow| matches!(flow, ControlFlow::Unwind { .. })).collect();
        assert_eq!(unwinds, [ControlFlow::Unwind { to: ancestor, bad_block: None }], "one unwind");
        host.disk.download(&new, range(ancestor + 1, 1_199));
        host.tell_durable(&mut pipeline);
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
        host.disk.assert_whole(&new, range(0, 1_199));
    }
}

#[test]
fn s06_a_target_that_changes_in_the_middle_leaves_nothing_twice() {
    let chain = TestChain::new(2_500, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(0, 999)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 999));
    // The target rises during the load of the hash index; then once more.
    for (polls, target) in [(12, 1_999), (40, 2_499)] {
        step(&mut host, &mut pipeline, polls);
        host.news(&mut pipeline, News::Target(block(&chain, target)));
        let from = host.disk.headers.len() as u64;
        host.disk.download(&chain, range(from, target));
        host.tell_durable(&mut pipeline);
    }
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.assert_whole(&chain, range(0, 2_499));
}

/// Polls the pipeline this many times and responds as a host does.
fn step(host: &mut Host, pipeline: &mut Pipeline, polls: usize) {
    for _ in 0..polls {
        host.now_ms += 1;
        let now = host.now();
        match pipeline.poll_output(now) {
            PipelineOutput::Read { id, range } => {
                let rows = Ok(host.disk.read(range));
                pipeline.handle_input(now, PipelineInput::Headers { id, rows });
            }
            PipelineOutput::Commit(commit) => {
                host.disk.apply(&commit);
                pipeline.handle_input(now, PipelineInput::Committed { id: commit.id });
            }
            PipelineOutput::Event(_) | PipelineOutput::Working => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Without a gap, or before it is filled, the reference returns an error; here a stage waits.
#[test]
fn s07_without_a_target_or_without_headers_it_waits() {
    let chain = TestChain::new(300, 1);
    let mut host = Host::default();
    let mut pipeline = headers_only(&host.disk);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.news(&mut pipeline, News::Target(block(&chain, 299)));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.disk.download(&chain, range(200, 299));
    host.tell_durable(&mut pipeline);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!((host.writes, stands(&host)), (0, None));
    assert_eq!(host.story(), ["prepare headers -", "waiting headers", "waiting headers", "waiting headers"]);
}

/// The range and the share that is done are the stage's progress; the checkpoint holds number and hash.
#[test]
fn s09_i05_the_checkpoint_is_the_last_block_and_progress_never_passes_its_total() {
    let chain = TestChain::new(2_000, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(0, 499)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 499));
    host.run(&mut pipeline);
    let first_rows = host.commits.iter().map(|commit| rows_of(&commit.changes)).sum::<usize>();
    assert_eq!(first_rows, 500);
    host.commits.clear();
    host.disk.download(&chain, range(500, 1_999));
    host.greet(&mut pipeline, block(&chain, 1_999));
    host.run(&mut pipeline);
    let second_rows = host.commits.iter().map(|commit| rows_of(&commit.changes)).sum::<usize>();
    assert_eq!(second_rows, 1_500, "the second run writes the new range alone");
    let head = &host.disk.state.checkpoints[&HEADERS];
    assert_eq!((head.block, &head.data[..]), (Some(1_999), chain.hash(1_999).as_slice()));
    for event in &host.events {
        if let stages::pipeline::PipelineEvent::Progress(stages) = event {
            assert!(stages.iter().all(|stage| stage.processed <= stage.total), "{stages:?}");
        }
    }
    assert!(pipeline.progress(host.now()).iter().all(|stage| (stage.processed, stage.total) == (2_000, 2_000)));
}

fn rows_of(changes: &[Change]) -> usize {
    changes.iter().map(|change| if let Change::Put { rows, .. } = change { rows.len() } else { 0 }).sum()
}

#[test]
fn s10_an_unwind_removes_index_rows_and_headers_and_trims_the_machines_checkpoint() {
    let chain = TestChain::new(3_000, 1);
    for to in [2_998, 2_048, 2_047, 1_500, 1, 0] {
        let (mut host, mut pipeline) = synced(&chain, 2_999);
        host.input(&mut pipeline, PipelineInput::Unwind { to, checkpoint: None });
        host.run(&mut pipeline);
        host.disk.assert_whole(&chain, range(0, to));
        let machine = host.disk.machine.as_ref().expect("stored");
        let newest = machine.newest().expect("something is left");
        assert_eq!((newest.head, newest.head_hash, newest.tail), (to, chain.hash(to), 0));
        let passes = host.passes();
        assert!(passes.contains(&ControlFlow::Unwind { to, bad_block: None }), "{passes:?}");
        // The headers are stored again, as by a new machine.
        host.disk.download(&chain, range(to + 1, 2_999));
        host.tell_durable(&mut pipeline);
        host.run(&mut pipeline);
        host.disk.assert_whole(&chain, range(0, 2_999));
    }
}

#[test]
fn s10_the_index_is_taken_back_before_the_headers_that_it_needs() {
    let chain = TestChain::new(3_000, 1);
    let (mut host, mut pipeline) = synced(&chain, 2_999);
    host.commits.clear();
    host.input(&mut pipeline, PipelineInput::Unwind { to: 10, checkpoint: None });
    host.run(&mut pipeline);
    let stages: Vec<_> = host.commits.iter().map(|commit| commit.stage).collect();
    assert_eq!(stages, [HASH_INDEX, HASH_INDEX, HASH_INDEX, HEADERS], "a thousand blocks a write, then the headers");
}

#[test]
fn s10_headers_that_the_machine_gives_up_go_with_its_own_checkpoint() {
    let chain = TestChain::new(1_000, 1);
    let (mut host, mut pipeline) = synced(&chain, 999);
    // The machine drops the whole range: it does not know the common ancestor.
    let empty = Checkpoint::new(chain.spec().id(), 0);
    host.input(&mut pipeline, PipelineInput::Unwind { to: 0, checkpoint: Some(empty.clone()) });
    host.run(&mut pipeline);
    assert_eq!(host.disk.machine, Some(empty), "what the machine said, and not what this stage would have kept");
    assert_eq!(host.disk.state.unwinding, None);
    assert_eq!(stands(&host), None, "nothing that the checkpoint speaks of is left to stand on");
}

#[test]
fn s10_an_unwind_before_the_machine_stored_anything_under_a_gap_is_answered() {
    let chain = TestChain::new(2_000, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(1_500, 1_999)));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 1_999));
    host.run(&mut pipeline);
    let empty = Checkpoint::new(chain.spec().id(), 0);
    host.input(&mut pipeline, PipelineInput::Unwind { to: 1_499, checkpoint: Some(empty.clone()) });
    host.run(&mut pipeline);
    assert_eq!((host.disk.headers.len(), host.disk.machine), (0, Some(empty)));
}

#[test]
fn s11_the_four_plain_cases() {
    let chain = TestChain::new(501, 1);
    // Nothing stored, nothing to do.
    let mut host = Host::default();
    let mut pipeline = real_pipeline(&host.disk);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.writes, 0);
    // From 100 to 500.
    let (mut host, mut pipeline) = synced(&chain, 100);
    host.disk.download(&chain, range(101, 500));
    host.greet(&mut pipeline, block(&chain, 500));
    host.run(&mut pipeline);
    host.disk.assert_whole(&chain, range(0, 500));
    // An unwind to the tip has nothing to remove.
    let before = host.disk.clone();
    host.input(&mut pipeline, PipelineInput::Unwind { to: 500, checkpoint: None });
    host.run(&mut pipeline);
    assert_eq!(host.disk, before);
    // And back to 100.
    host.input(&mut pipeline, PipelineInput::Unwind { to: 100, checkpoint: None });
    host.run(&mut pipeline);
    host.disk.assert_whole(&chain, range(0, 100));
}

#[test]
fn s11_a_download_above_an_older_one_and_a_short_unwind() {
    let chain = TestChain::new(1_201, 1);
    let (mut host, mut pipeline) = synced(&chain, 1_000);
    host.disk.download(&chain, range(1_001, 1_200));
    host.greet(&mut pipeline, block(&chain, 1_200));
    host.run(&mut pipeline);
    host.disk.assert_whole(&chain, range(0, 1_200));
    host.input(&mut pipeline, PipelineInput::Unwind { to: 1_190, checkpoint: None });
    host.run(&mut pipeline);
    host.disk.assert_whole(&chain, range(0, 1_190));
}

#[test]
fn s02_a_store_that_holds_another_chain_than_the_checkpoint_starts_every_stage_again() {
    let old = TestChain::new(600, 1);
    let new = old.fork_above(500, 700, 2);
    let (host, _) = synced(&old, 599);
    // A reorg was stored by a session without the pipeline: the store holds the new chain, the index rows are the old
    // ones.
    let mut disk = Disk::with_chain(&new, range(0, 699));
    (disk.state, disk.tables) = (host.disk.state.clone(), host.disk.tables.clone());
    let mut host = Host::new(disk);
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&new, 699));
    host.run(&mut pipeline);
    assert!(host.story().contains(&"error headers".to_owned()), "{:?}", host.story());
    assert_eq!((stands(&host), host.disk.state.unwinding), (Some(0), None));
    host.disk.download(&new, range(1, 699));
    host.tell_durable(&mut pipeline);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(stands(&host), Some(699));
    for number in 0..700 {
        let (key, value) = hash_index_row(number, new.header(number));
        assert_eq!(host.disk.index().get(&key[..]), Some(&value.to_vec()), "index row of block {number}");
    }
}

#[test]
fn l02_s09_a_last_block_under_the_target_is_where_the_stage_stops() {
    let chain = TestChain::new(600, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(0, 599)));
    let config = PipelineConfig { max_block: Some(300), ..PipelineConfig::default() };
    let mut pipeline = Pipeline::new(config, &host.disk.state, vec![Box::new(HeadersStage::new())]);
    host.greet(&mut pipeline, block(&chain, 599));
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 300 })));
    let hash = keccak256(chain.header(300));
    let expected = StageCheckpoint { data: hash.to_vec().into(), ..StageCheckpoint::at(300) };
    assert_eq!(host.disk.state.checkpoints[&HEADERS], expected);
}
