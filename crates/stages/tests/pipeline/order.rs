//! The order of stages: which stage runs when, its target, its writes, and the result of a pass.

use crate::pipes::{Disk, Host, Line, Rest, Scripted};
use stages::config::PipelineConfig;
use stages::pipeline::{
    ControlFlow, ExecInput, ExecOutput, News, Pipeline, PipelineError, PipelineInput, PipelineProgress, Stage,
    StageCheckpoint, StageError, StageId, Step, UnwindInput, UnwindOutput,
};

fn up_to(max_block: u64) -> PipelineConfig {
    PipelineConfig { max_block: Some(max_block), ..PipelineConfig::default() }
}

fn run(config: PipelineConfig, stages: Vec<Box<dyn Stage>>) -> (Host, Rest) {
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(config, &host.disk.state, stages);
    let rest = host.run(&mut pipeline);
    (host, rest)
}

fn finished(block: u64) -> Rest {
    Rest::Ended(Ok(ControlFlow::Finished { block }))
}

#[test]
fn l01_each_stage_goes_as_far_as_the_one_before_and_is_asked_until_it_is_done() {
    let a = Scripted::new("a", [Line::More(3), Line::More(6), Line::Done(10)]);
    let b = Scripted::new("b", []);
    let asked = [a.asked.clone(), b.asked.clone()];
    let (_, rest) = run(PipelineConfig::default(), vec![a.boxed(), b.boxed()]);
    assert_eq!(rest, Rest::Drained);
    let asked = asked.map(|asked| asked.borrow().clone());
    assert_eq!(asked[0][..3], ["execute None to None", "execute Some(3) to None", "execute Some(6) to None"]);
    assert_eq!(asked[1][0], "execute None to Some(10)");
}

/// The last block of the pipeline is the target of every stage, except after a stage with a lower checkpoint: nothing
/// is built on missing data.
#[test]
fn l01_with_a_last_block_it_is_the_target_of_all() {
    let (a, b) = (Scripted::new("a", []), Scripted::new("b", []));
    let asked = b.asked.clone();
    let (host, rest) = run(up_to(10), vec![a.boxed(), b.boxed()]);
    assert_eq!(rest, finished(10));
    assert_eq!(asked.borrow()[0], "execute None to Some(10)");
    assert!(host.disk.state.checkpoints.values().all(|checkpoint| checkpoint.block == Some(10)));
}

#[test]
fn l02_a_stage_that_stands_at_the_last_block_is_skipped() {
    let mut host = Host::default();
    host.disk.state.checkpoints.insert(StageId("a"), StageCheckpoint::at(12));
    let (a, b) = (Scripted::new("a", []), Scripted::new("b", []));
    let asked = a.asked.clone();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed(), b.boxed()]);
    assert_eq!(host.run(&mut pipeline), finished(10));
    assert_eq!(host.story()[..2], ["skipped a 12", "prepare b -"]);
    assert_eq!(asked.borrow().len(), 0);
}

#[test]
fn l02_a_stage_that_stopped_in_the_middle_of_a_step_is_not_skipped() {
    let mut host = Host::default();
    let partial = StageCheckpoint { is_partial: true, ..StageCheckpoint::at(10) };
    host.disk.state.checkpoints.insert(StageId("a"), partial);
    let a = Scripted::new("a", [Line::Done(10)]);
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), finished(10));
    assert_eq!(host.story(), ["prepare a 10", "run a 10", "ran a 10 done", "pass continue 10"]);
}

#[test]
fn l03_a_step_is_announced_written_with_its_checkpoint_and_then_told() {
    let a = Scripted::new("a", [Line::Waits, Line::More(5), Line::Done(10)]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    assert_eq!(host.story(), ["prepare a -", "waiting a"]);
    host.news(&mut pipeline, News::Closed);
    assert_eq!(host.run(&mut pipeline), finished(10));
    let story = host.story();
    assert_eq!(story[2..7], ["run a 5", "ran a 5", "prepare a 5", "run a 10", "ran a 10 done"]);
    let checkpoints: Vec<_> = host.commits.iter().map(|commit| commit.checkpoint.block).collect();
    assert_eq!(checkpoints, [Some(5), Some(10)], "one transaction a step");
}

#[test]
fn l03_of_a_step_that_fails_nothing_is_written() {
    let a = Scripted::new("a", [Line::More(5), Line::Fails(StageError::Fatal("broken".into()))]);
    let (host, rest) = run(PipelineConfig::default(), vec![a.boxed()]);
    assert!(matches!(rest, Rest::Ended(Err(PipelineError::Stage { stage: StageId("a"), .. }))));
    assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(5));
}

/// The ideas of the reference's tests of outliers and of control flow.
#[test]
fn l04_l10_lowest_and_highest_checkpoint_of_a_pass() {
    let mut progress = PipelineProgress::default();
    progress.note(Some(10));
    assert_eq!((progress.last, progress.min, progress.max), (Some(10), Some(10), Some(10)));
    progress.note(Some(20));
    assert_eq!((progress.last, progress.min, progress.max), (Some(20), Some(10), Some(20)));
    progress.note(Some(5));
    assert_eq!((progress.last, progress.min, progress.max), (Some(5), Some(5), Some(20)));
    progress.note(None);
    assert_eq!((progress.last, progress.min, progress.max), (None, None, Some(20)), "nothing is under everything");
}

#[test]
fn l04_l10_a_pass_is_progress_when_any_checkpoint_moved() {
    let a = Scripted::new("a", [Line::Done(10), Line::Done(10)]);
    let b = Scripted::new("b", [Line::Done(5), Line::Done(10), Line::Done(10)]);
    let (host, rest) = run(PipelineConfig::default(), vec![a.boxed(), b.boxed()]);
    assert_eq!(rest, Rest::Drained);
    let block = |block| Some(block);
    assert_eq!(
        host.passes(),
        [
            ControlFlow::Continue { block: block(5) },
            ControlFlow::Continue { block: block(10) },
            ControlFlow::NoProgress { block: block(10) }
        ]
    );
    assert_eq!(host.writes, 3, "a checkpoint that did not move is not written");
}

#[test]
fn l04_it_ends_when_the_stage_that_is_behind_all_others_has_come_to_the_last_block() {
    let a = Scripted::new("a", [Line::Done(10)]);
    let b = Scripted::new("b", [Line::Done(7), Line::Done(10)]);
    let (host, rest) = run(up_to(10), vec![a.boxed(), b.boxed()]);
    assert_eq!(rest, finished(10));
    assert_eq!(host.passes().len(), 2);
}

#[test]
fn l10_events_of_a_pass_come_in_order() {
    let (a, b) = (Scripted::new("a", [Line::Done(20)]), Scripted::new("b", [Line::Done(10)]));
    let (host, rest) = run(up_to(10), vec![a.boxed(), b.boxed()]);
    assert_eq!(rest, finished(10));
    let expected =
        ["prepare a -", "run a 20", "ran a 20 done", "prepare b -", "run b 10", "ran b 10 done", "pass continue 10"];
    assert_eq!(host.story(), expected);
}

#[test]
fn l10_a_stage_that_is_left_out_keeps_its_checkpoint() {
    let mut disk = Disk::default();
    disk.state.checkpoints.insert(StageId("left-out"), StageCheckpoint::at(4));
    let mut host = Host::new(disk);
    let a = Scripted::new("a", []);
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), finished(10));
    assert_eq!(host.disk.state.checkpoints[&StageId("left-out")], StageCheckpoint::at(4));
}

#[test]
fn l10_s11_a_second_run_at_the_target_does_nothing() {
    let mut host = Host::default();
    for _ in 0..2 {
        let (a, b) = (Scripted::new("a", []), Scripted::new("b", []));
        let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed(), b.boxed()]);
        assert_eq!(host.run(&mut pipeline), finished(10));
        assert_eq!(host.writes, 2);
    }
    assert_eq!(host.passes().last(), Some(&ControlFlow::NoProgress { block: Some(10) }));
}

#[test]
fn l11_a_stop_ends_between_two_writes_and_says_so() {
    let a = Scripted::new("a", [Line::More(1), Line::More(2), Line::Waits]);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.input(&mut pipeline, PipelineInput::Shutdown);
    assert_eq!(host.run(&mut pipeline), Rest::Ended(Ok(ControlFlow::Shutdown)));
    assert_eq!(host.disk.state.checkpoints[&StageId("a")], StageCheckpoint::at(2));
    host.news(&mut pipeline, News::Closed);
    assert_eq!(host.run(&mut pipeline), Rest::Drained, "nothing follows the end");
}

#[test]
fn l11_progress_knows_the_rate_and_the_time_that_is_left() {
    let steps = (1..=50).map(|step| Line::More(step * 100));
    let a = Scripted::new("a", steps.chain([Line::Waits]));
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(9_999), &host.disk.state, vec![a.boxed()]);
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    let [progress] = pipeline.progress(host.now())[..] else { panic!("one stage") };
    assert_eq!((progress.block, progress.processed, progress.total), (Some(5_000), 5_001, 10_000));
    assert!(progress.per_second > 0.0);
    let eta = progress.eta.expect("there is a rate").as_secs_f64();
    assert!((eta - 4_999.0 / progress.per_second).abs() < 0.001, "{eta}");
}

/// Waits once, then processes everything; shows that a call which waits gathers nothing.
#[derive(Debug)]
struct Counts(usize);

impl Stage for Counts {
    fn id(&self) -> StageId {
        StageId("counts")
    }

    fn execute(&mut self, _: ExecInput<'_>) -> Result<Step<ExecOutput>, StageError> {
        self.0 += 1;
        assert!(self.0 < 10, "asked again and again although it waits");
        Ok(Step::Waiting)
    }

    fn unwind(&mut self, _: UnwindInput<'_>) -> Result<Step<UnwindOutput>, StageError> {
        Ok(Step::Waiting)
    }

    fn reset(&mut self) -> Result<(), StageError> {
        Ok(())
    }
}

/// Readiness and execution are one call here: a stage that is not ready returns `Waiting`, so the reference's error of
/// executing such a stage cannot happen.
#[test]
fn s01_s07_a_stage_that_waits_is_asked_again_after_news_and_not_before() {
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(PipelineConfig::default(), &host.disk.state, vec![Box::new(Counts(0))]);
    for _ in 0..5 {
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
    }
    assert_eq!(host.story(), ["prepare counts -", "waiting counts"], "asked once");
    for asked in 2..6 {
        host.news(&mut pipeline, News::Closed);
        assert_eq!(host.run(&mut pipeline), Rest::Drained);
        assert_eq!(host.story().len(), asked + 1);
    }
}

#[test]
fn s01_late_and_unknown_answers_are_ignored() {
    let a = Scripted::new("a", []);
    let mut host = Host::default();
    let mut pipeline = Pipeline::new(up_to(10), &host.disk.state, vec![a.boxed()]);
    for id in [0, 1, 77].map(stages::pipeline::StepId) {
        host.input(&mut pipeline, PipelineInput::Committed { id });
        host.input(&mut pipeline, PipelineInput::Headers { id, rows: Ok(vec![]) });
        host.input(&mut pipeline, PipelineInput::CommitFailed { id, failure: sync_core::fault::StoreFailure::Full });
    }
    assert_eq!(host.run(&mut pipeline), finished(10));
    assert_eq!(host.writes, 1);
}
