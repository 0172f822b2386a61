//! Consequences of errors: an unwind, a retry, or the end. Every retry has a pause, and most have a limit.

use crate::pipes::{Host, Line, Rest, Scripted};
use alloy_primitives::B256;
use stages::config::PipelineConfig;
use stages::pipeline::{
    ControlFlow, News, Pipeline, PipelineError, PipelineInput, StageCheckpoint, StageError, StageId, Triage, triage,
};
use sync_core::{BlockNumHash, fault::StoreFailure};

fn up_to(max_block: u64) -> PipelineConfig {
    PipelineConfig { max_block: Some(max_block), ..PipelineConfig::default() }
}

fn bad(number: u64) -> BlockNumHash {
    BlockNumHash { number, hash: B256::repeat_byte(9) }
}

fn invalid(number: u64) -> StageError {
    StageError::InvalidBlock { block: bad(number), reason: "as the test wants".into() }
}

fn recoverable() -> StageError {
    StageError::Recoverable("for now".into())
}

#[test]
fn l05_every_error_has_its_consequence() {
    let other = || StoreFailure::Other("aborted".into());
    let cases = [
        (invalid(61), Triage::Unwind { to: 60, bad_block: Some(bad(61)) }),
        (invalid(40), Triage::Unwind { to: 39, bad_block: Some(bad(40)) }),
        (StageError::MissingData { block: 31 }, Triage::Unwind { to: 30, bad_block: None }),
        (StageError::MissingData { block: 0 }, Triage::Unwind { to: 0, bad_block: None }),
        (recoverable(), Triage::Retry { for_ever: false }),
        (StageError::Store(other()), Triage::Retry { for_ever: false }),
        (StageError::Store(StoreFailure::Full), Triage::Retry { for_ever: true }),
        (StageError::Store(StoreFailure::Locked), Triage::Retry { for_ever: true }),
        (StageError::Store(StoreFailure::Damaged("a page".into())), Triage::Stop),
        (StageError::DetachedHead { local: bad(61), expected: B256::ZERO }, Triage::AwaitUnwind),
        (StageError::DetachedHead { local: bad(0), expected: B256::ZERO }, Triage::Stop),
        (StageError::ChannelClosed, Triage::Stop),
        (StageError::Fatal("for good".into()), Triage::Stop),
    ];
    for (error, expected) in cases {
        assert_eq!(triage(0, Some(60), &error), expected, "{error}");
    }
    // An invalid block before the stage has a checkpoint: everything is removed.
    assert_eq!(triage(50, None, &invalid(55)), Triage::Unwind { to: 49, bad_block: Some(bad(55)) });
}

#[test]
fn l05_l10_s05_what_may_go_better_is_tried_again_after_a_pause_and_what_cannot_stops() {
    let a = Scripted::new("a", [Line::Fails(recoverable()), Line::Fails(recoverable()), Line::Done(10)]);
    let asked = a.asked.clone();
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 10 })));
    assert_eq!(host.story()[..3], ["prepare a -", "error a retry", "error a retry"]);
    let execute = "execute None to Some(10)";
    assert_eq!(asked.borrow()[..], [execute, "reset", execute, "reset", execute], "what was gathered is forgotten");
    assert_eq!(host.pauses_ms.len(), 2);
    assert!(host.pauses_ms[0] >= 990 && host.pauses_ms[1] >= 1_990, "{:?}", host.pauses_ms);

    let fatal = StageError::Fatal("for good".into());
    let a = Scripted::new("a", [Line::Fails(fatal.clone())]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    let stopped = PipelineError::Stage { stage: StageId("a"), error: fatal };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(stopped)));
    assert_eq!(host.pauses_ms, [0; 0]);
}

/// The reference retries without limit and without a pause.
#[test]
fn l05_tries_have_an_end_that_names_the_last_error() {
    let a = Scripted::new("a", std::iter::repeat_n(Line::Fails(recoverable()), 100));
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    let exhausted = PipelineError::RetriesExhausted { stage: StageId("a"), tries: 6, error: recoverable() };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(exhausted)));
    assert_eq!(host.pauses_ms.len(), 5);
}

#[test]
fn l05_a_step_that_succeeds_ends_the_count_of_tries() {
    let fails = || std::iter::repeat_n(Line::Fails(recoverable()), 4);
    let script = fails().chain([Line::More(1)]).chain(fails()).chain([Line::More(2)]).chain(fails());
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![Scripted::new("a", script).boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 10 })));
    assert_eq!(host.pauses_ms.len(), 12);
}

#[test]
fn l05_the_same_bad_block_twice_is_the_end_and_is_named() {
    let a = Scripted::new("a", [Line::More(60), Line::Fails(invalid(60)), Line::More(60), Line::Fails(invalid(60))]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(100), &host.disk.state, vec![a.boxed()]);
    let Rest::Ended(Err(PipelineError::SameBadBlock { block, .. })) = host.run(&mut pipeline) else {
        panic!("{:?}", host.story())
    };
    assert_eq!(block, bad(60));
    assert_eq!(host.passes(), [ControlFlow::Unwind { to: 59, bad_block: Some(bad(60)) }]);
}

#[test]
fn l05_missing_data_takes_every_stage_back_to_the_block_before() {
    let a = Scripted::new("a", [Line::Done(100), Line::Done(100)]);
    let b = Scripted::new("b", [Line::More(60), Line::Fails(StageError::MissingData { block: 31 }), Line::Done(100)]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(100), &host.disk.state, vec![a.boxed(), b.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 100 })));
    assert!(host.story().contains(&"unwind b 60 to 30".to_owned()));
    assert!(host.story().contains(&"unwind a 100 to 30".to_owned()));
}

/// An unwind that removes nothing cannot help: it counts as a failed attempt, with its pause and its limit.
#[test]
fn l05_i10_an_error_whose_unwind_removes_nothing_does_not_spin() {
    let a = Scripted::new("a", std::iter::repeat_n(Line::Fails(StageError::MissingData { block: 0 }), 100));
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert!(matches!(host.run(&mut pipeline), Rest::Ended(Err(PipelineError::RetriesExhausted { tries: 6, .. }))));
    assert!(host.polls < 100, "{} polls", host.polls);
}

#[test]
fn l05_a_full_store_waits_for_its_user_and_nothing_is_lost() {
    let a = Scripted::new("a", [Line::More(5), Line::Done(10)]);
    let mut host = Host::default();
    host.refusals.extend(std::iter::repeat_n(StoreFailure::Full, 50));
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Finished { block: 10 })));
    assert_eq!(host.pauses_ms.len(), 50);
    assert!(host.pauses_ms.iter().all(|pause| *pause <= 10_000), "pauses have a longest");
    assert_eq!(host.commits.len(), 2, "the same two writes");
}

#[test]
fn l05_a_store_that_is_broken_is_the_end() {
    for (failure, tries) in [(StoreFailure::Damaged("a page".into()), 0), (StoreFailure::Other("aborted".into()), 5)] {
        let mut host = Host::default();
        host.refusals.extend(std::iter::repeat_n(failure.clone(), 50));
        let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![Scripted::new("a", []).boxed()]);
        assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(PipelineError::Store(failure))));
        assert_eq!((host.pauses_ms.len(), host.writes), (tries, 0));
    }
}

#[test]
fn l05_a_stop_does_not_wait_for_a_store_that_refuses() {
    let mut host = Host::default();
    host.refusals.extend(std::iter::repeat_n(StoreFailure::Full, 3));
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![Scripted::new("a", []).boxed()]);
    // The first write fails; then the page is closed.
    loop {
        let now = sync_core::time::Instant::from_millis(1);
        match pipeline.poll_output(now) {
            stages::pipeline::PipelineOutput::Commit(commit) => {
                let failure = StoreFailure::Full;
                pipeline.handle_input(now, PipelineInput::CommitFailed { id: commit.id, failure });
                pipeline.handle_input(now, PipelineInput::Shutdown);
                break;
            }
            stages::pipeline::PipelineOutput::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Shutdown)));
}

#[test]
fn i10_a_closed_source_ends_with_an_error_and_without_spinning() {
    let a = Scripted::new("a", [Line::Waits, Line::Fails(StageError::ChannelClosed)]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.news(&mut pipeline, News::Closed);
    let closed = PipelineError::Stage { stage: StageId("a"), error: StageError::ChannelClosed };
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Err(closed)));
    assert!(host.polls < 20, "{} polls", host.polls);
    assert_eq!(host.run(&mut pipeline), Rest::Drained, "polled after its end it says nothing");
}

#[test]
fn i10_a_stage_that_neither_moves_nor_ends_is_not_asked_in_a_circle() {
    let a = Scripted::new("a", std::iter::repeat_n(Line::More(5), 1_000));
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert!(host.polls < 20, "{} polls", host.polls);
    assert_eq!(host.writes, 1);
}

#[test]
fn l09_a_stage_that_breaks_its_contract_is_named() {
    let a = Scripted::new("a", [Line::More(5), Line::More(4)]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed()]);
    assert!(matches!(
        host.run(&mut pipeline),
        Rest::Ended(Err(PipelineError::BrokenStage { stage: StageId("a"), .. }))
    ));
    assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(5), "what it did before stays");
}

#[test]
fn l03_l09_what_a_stage_keeps_for_itself_travels_with_its_checkpoint_and_has_a_limit() {
    let config = PipelineConfig::default;
    let mut host = Host::default();
    let a = Scripted::new("a", [Line::Data(5, 65_536), Line::Data(5, 65_536)]);
    let mut pipeline = Pipeline::new(config(), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.disk.state.checkpoints[&StageId("a")].data.len(), 65_536);
    let again = Pipeline::new(config(), &host.disk.state, vec![Scripted::new("a", []).boxed()]);
    assert_eq!(again.checkpoint(StageId("a")), host.disk.state.checkpoints.get(&StageId("a")));

    let a = Scripted::new("a", [Line::Data(6, 65_537)]);
    let mut pipeline = Pipeline::new(config(), &host.disk.state, vec![a.boxed()]);
    assert!(matches!(host.run(&mut pipeline), Rest::Ended(Err(PipelineError::BrokenStage { .. }))));
    assert_eq!(host.disk.state.checkpoints[&StageId("a")].block, Some(5));
}
