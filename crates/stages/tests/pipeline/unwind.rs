//! Unwinds: in reverse order, to the highest block kept, marked in the store until they are complete.

use crate::pipes::{Disk, Host, Line, Rest, Scripted};
use alloy_primitives::B256;
use header_rules::range::BlockRange;
use stages::config::PipelineConfig;
use stages::pipeline::{
    ControlFlow, ExecInput, News, Pipeline, PipelineError, PipelineInput, StageCheckpoint, StageError, StageId,
    UnwindInput,
};
use sync_core::{BlockNumHash, Checkpoint, time::Instant};

fn up_to(max_block: u64) -> PipelineConfig {
    PipelineConfig { max_block: Some(max_block), ..PipelineConfig::default() }
}

fn standing(at: &[(&'static str, u64)]) -> Disk {
    let mut disk = Disk::default();
    disk.state.checkpoints.extend(at.iter().map(|(stage, block)| (StageId(stage), StageCheckpoint::at(*block))));
    disk
}

fn unwind(to: u64) -> PipelineInput {
    PipelineInput::Unwind { to, checkpoint: None }
}

fn hash(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn detached(number: u64) -> StageError {
    StageError::DetachedHead { local: BlockNumHash { number, hash: hash(1) }, expected: hash(2) }
}

#[test]
fn l07_l08_l10_stages_are_taken_back_in_reverse_to_the_block_that_is_kept() {
    let mut host = Host::new(standing(&[("a", 100), ("b", 10), ("c", 20)]));
    let stages = ["a", "b", "c"].map(|id| Scripted::new(id, [Line::Waits]));
    let asked = stages.each_ref().map(|stage| stage.asked.clone());
    let stages = stages.map(Scripted::boxed).into();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, stages);
    host.input(&mut pipeline, unwind(1));
    host.run(&mut pipeline);
    let expected = [
        "unwind c 20 to 1",
        "unwound c 1",
        "unwind b 10 to 1",
        "unwound b 1",
        "unwind a 100 to 1",
        "unwound a 1",
        "pass unwind 1",
        "prepare a 1",
        "waiting a",
    ];
    assert_eq!(host.story(), expected);
    assert!(host.disk.state.checkpoints.values().all(|checkpoint| *checkpoint == StageCheckpoint::at(1)));
    // Gathered data is dropped before the unwind.
    assert!(asked.iter().all(|asked| asked.borrow()[0] == "reset"));
}

#[test]
fn l07_l10_a_stage_that_is_not_above_the_block_is_skipped() {
    let mut host = Host::new(standing(&[("a", 100), ("b", 30), ("c", 70)]));
    let stages = ["a", "b", "c"].map(|id| Scripted::new(id, [Line::Waits]).boxed());
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, stages.into());
    host.input(&mut pipeline, unwind(50));
    host.run(&mut pipeline);
    let expected = ["unwind c 70 to 50", "unwound c 50", "skipped b 30", "unwind a 100 to 50", "unwound a 50"];
    assert_eq!(host.story()[..5], expected);
    assert_eq!(host.disk.state.checkpoints[&StageId("b")], StageCheckpoint::at(30));
}

#[test]
fn l07_l10_s11_an_unwind_to_the_tip_or_above_removes_nothing() {
    for to in [100, 101, u64::MAX] {
        let mut host = Host::new(standing(&[("a", 100)]));
        let before = host.disk.clone();
        let mut pipeline =
            Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![Scripted::new("a", [Line::Waits]).boxed()]);
        host.input(&mut pipeline, unwind(to));
        host.run(&mut pipeline);
        assert_eq!((host.disk, host.writes), (before, 0));
    }
}

/// The host keeps no finalized or safe number beside its target, so none is lowered.
#[test]
fn l07_long_unwinds_go_in_parts_and_the_mark_stands_until_the_last() {
    let mut host = Host::new(standing(&[("a", 100), ("b", 90)]));
    let stages = ["a", "b"].map(|id| Scripted { depth: 40, ..Scripted::new(id, [Line::Waits]) }.boxed());
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, stages.into());
    host.input(&mut pipeline, unwind(10));
    host.run(&mut pipeline);
    let writes: Vec<_> =
        host.commits.iter().map(|commit| (commit.stage.0, commit.checkpoint.block, commit.unwinding)).collect();
    let (at, mark) = (|block| Some(block), Some(10));
    let expected =
        [("b", at(50), mark), ("b", at(10), mark), ("a", at(60), mark), ("a", at(20), mark), ("a", at(10), None)];
    assert_eq!(writes, expected);
}

#[test]
fn l07_below_what_was_pruned_is_refused() {
    let mut host = Host::new(standing(&[("a", 100)]));
    let config = PipelineConfig { pruned_below: Some(50), ..PipelineConfig::default() };
    let mut pipeline = Pipeline::new(config.clone(), &host.disk.state, vec![Scripted::new("a", []).boxed()]);
    host.input(&mut pipeline, unwind(48));
    let refused = PipelineError::UnwindTargetPruned { to: 48, pruned_below: 50 };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(refused)));
    assert_eq!(host.writes, 0);
    let waits = Scripted::new("a", [Line::Waits]).boxed();
    let mut pipeline = Pipeline::new(config, &host.disk.state, vec![waits]);
    host.input(&mut pipeline, unwind(49));
    host.run(&mut pipeline);
    assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(49), "50 is kept whole");
}

#[test]
fn l07_an_error_while_unwinding_is_the_end_and_the_next_session_ends_the_unwind() {
    let mut host = Host::new(standing(&[("a", 100), ("b", 90)]));
    let mut a = Scripted::new("a", []);
    a.unwinds.push_back(StageError::Recoverable("broken".into()));
    let mut pipeline =
        Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed(), Scripted::new("b", []).boxed()]);
    host.input(&mut pipeline, unwind(10));
    assert!(matches!(host.run(&mut pipeline), Rest::Ended(Err(PipelineError::Stage { stage: StageId("a"), .. }))));
    assert_eq!(host.disk.state.unwinding, Some(10));
    let stages = ["a", "b"].map(|id| Scripted::new(id, [Line::Waits]).boxed());
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, stages.into());
    host.events.clear();
    host.run(&mut pipeline);
    assert_eq!(host.story()[..4], ["skipped b 10", "unwind a 100 to 10", "unwound a 10", "pass unwind 10"]);
    assert_eq!(host.disk.state.unwinding, None);
}

#[test]
fn l04_an_unwind_that_the_host_will_not_have_is_an_error() {
    let config = PipelineConfig { fail_on_unwind: true, ..up_to(100) };
    let errors = [detached(60), StageError::MissingData { block: 58 }];
    for (error, requested) in errors.into_iter().zip([Some(57), None]) {
        let a = Scripted::new("a", [Line::More(60), Line::Fails(error)]);
        let mut host = Host::default();
        let mut pipeline = Pipeline::new(config.clone(), &host.disk.state, vec![a.boxed()]);
        if let Some(to) = requested {
            assert_eq!(host.run(&mut pipeline), Rest::Drained);
            host.input(&mut pipeline, unwind(to));
        }
        assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(PipelineError::UnexpectedUnwind { to: 57 })));
        assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(60), "nothing was removed");
    }
}

#[test]
fn l10_an_unwind_in_the_middle_of_a_pass_and_then_up_again() {
    let (a, b) = (Scripted::new("a", [Line::Done(100), Line::Done(100)]), {
        let invalid = BlockNumHash { number: 61, hash: hash(6) };
        let error = StageError::InvalidBlock { block: invalid, reason: "as the test wants".into() };
        Scripted::new("b", [Line::More(60), Line::Fails(error)])
    });
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(100), &host.disk.state, vec![a.boxed(), b.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 100 })));
    let expected = [
        "prepare a -",
        "run a 100",
        "ran a 100 done",
        "prepare b -",
        "run b 60",
        "ran b 60",
        "prepare b 60",
        "error b",
        "skipped b 60",
        "unwind a 100 to 60",
        "unwound a 60",
        "pass unwind 60",
        "prepare a 60",
        "run a 100",
        "ran a 100 done",
        "prepare b 60",
        "run b 100",
        "ran b 100 done",
        "pass continue 100",
    ];
    assert_eq!(host.story(), expected);
    let bad = host.passes().iter().find_map(|flow| match flow {
        ControlFlow::Unwind { bad_block, .. } => *bad_block,
        _ => None,
    });
    assert_eq!(bad.expect("recorded").number, 61);
}

#[test]
fn l06_a_detached_head_removes_nothing_until_an_unwind_is_requested() {
    let a = Scripted::new("a", [Line::More(60), Line::Fails(detached(60)), Line::Fails(detached(60))]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(100), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    // News in between: the stage tries again, and the heads still do not meet.
    host.news(&mut pipeline, News::Durable(Checkpoint::new(1, 0)));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.story()[3..], ["prepare a 60", "error a", "error a"]);
    assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(60));
    host.input(&mut pipeline, unwind(12));
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 100 })));
    assert_eq!(host.story()[6..9], ["unwind a 60 to 12", "unwound a 12", "pass unwind 12"]);
    assert_eq!(host.pauses_ms, [0; 0], "no timer: the unwind is the event that ends the wait");
}

#[test]
fn l06_another_genesis_is_another_network() {
    let a = Scripted::new("a", [Line::More(2), Line::Fails(detached(2)), Line::Fails(detached(0))]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(100), &host.disk.state, vec![a.boxed()]);
    let wrong = PipelineError::WrongNetwork { got: hash(2), expected: hash(1) };
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.input(&mut pipeline, unwind(0));
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(wrong)));
    assert_eq!(host.story()[3..6], ["prepare a 2", "error a", "unwind a 2 to 0"]);
}

/// `checkpoint + 1`, except for the first step, which starts at the lowest block of the store: genesis is downloaded
/// and verified here like any other header.
#[test]
fn l09_ranges_of_a_step_upwards() {
    let stands = |block: Option<u64>| StageCheckpoint { block, ..StageCheckpoint::default() };
    let range = |first, last| BlockRange::new(first, last);
    let cases = [
        (None, Some(9), 100, range(5, 9), false),
        (Some(9), Some(9), 100, None, true),
        (Some(12), Some(9), 100, None, true),
        (Some(9), Some(30), 10, range(10, 19), false),
        (Some(9), Some(15), 10, range(10, 15), false),
        (Some(9), None, 10, None, false),
        (Some(9), Some(30), 0, None, false),
        (None, Some(4), 10, None, false),
        (Some(u64::MAX), Some(u64::MAX), 10, range(u64::MAX, u64::MAX), true),
    ];
    for (at, target, most, expected, reached) in cases {
        let checkpoint = stands(at);
        let input = ExecInput { now: Instant::ZERO, first: 5, target, checkpoint: &checkpoint, read: None };
        assert_eq!((input.next_block_range(most), input.is_target_reached()), (expected, reached), "{input:?}");
    }
}

#[test]
fn l08_l09_ranges_of_a_step_downwards() {
    let range = |first, last| BlockRange::new(first, last);
    let cases = [
        (Some(20), 10, 100, range(11, 20)),
        (Some(20), 10, 4, range(17, 20)),
        (Some(10), 10, 4, None),
        (Some(20), 0, 100, range(5, 20)),
        (Some(20), u64::MAX, 100, None),
        (Some(20), 10, 0, None),
        (None, 10, 4, None),
    ];
    for (block, to, most, expected) in cases {
        let checkpoint = StageCheckpoint { block, ..StageCheckpoint::default() };
        let (now, bad_block, read) = (Instant::ZERO, None, None);
        let input = UnwindInput { now, first: 5, to, checkpoint: &checkpoint, bad_block, read };
        assert_eq!(input.unwind_block_range(most), expected, "{input:?}");
    }
}

#[test]
fn l09_a_checkpoint_survives_its_bytes_and_nothing_else_is_one() {
    for block in [None, Some(0), Some(77)] {
        for (is_partial, data) in [(false, vec![]), (true, vec![7; 65_536])] {
            let checkpoint = StageCheckpoint { block, is_partial, data: data.into() };
            let bytes = checkpoint.encode();
            assert_eq!(StageCheckpoint::decode(&bytes), Some(checkpoint));
            assert_eq!(StageCheckpoint::decode(&bytes[..bytes.len() - 1]), None);
            assert_eq!(StageCheckpoint::decode(&[&bytes[..], &[0]].concat()), None);
        }
    }
    let long = StageCheckpoint { data: vec![7; 65_537].into(), ..StageCheckpoint::default() };
    assert_eq!(StageCheckpoint::decode(&long.encode()), None, "longer than its named limit");
    assert_eq!(StageCheckpoint::decode(b""), None);
}

#[test]
fn l08_a_machine_that_gives_headers_up_is_waited_for_even_where_no_stage_stands_so_high() {
    let mut host = Host::new(standing(&[("a", 10)]));
    let a = Scripted::new("a", [Line::Waits]);
    let asked = a.asked.clone();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed()]);
    let checkpoint = Some(Checkpoint::new(1, 0));
    host.input(&mut pipeline, PipelineInput::Unwind { to: 10, checkpoint });
    host.run(&mut pipeline);
    assert!(asked.borrow().contains(&"unwind Some(10) to 10".to_owned()));
    assert_eq!(host.story()[..3], ["unwind a 10 to 10", "unwound a 10", "pass unwind 10"]);
}
