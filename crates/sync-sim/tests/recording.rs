//! Recordings: a replay gives the same outputs, and a file that is not as it was written is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use recording::{MAGIC, ReplayError, Replayed, Step, replay};
use sync_sim::{Outcome, Pool, trace::LINES_KEPT, world::World};

/// Room for every world of these tests.
const BYTES_MAX: usize = 256 << 20;

fn recorded(pool: &Pool, seed: u64, bytes_max: usize) -> (Outcome, Vec<u8>) {
    let options = sync_sim::draw(pool, seed).expect("a world that holds without malicious peers");
    let mut outcome = World::new(pool, options, None, 0).recorded(bytes_max).run();
    let recording = outcome.recording.take().expect("there is room");
    (outcome, recording)
}

#[test]
fn a_replay_gives_the_outputs_of_the_world() {
    let pool = Pool::new();
    let (mut machines, mut headers) = (0, 0);
    // Seed 5 and every fifth after it are under attack.
    for seed in 0..30 {
        let (outcome, file) = recorded(&pool, seed, BYTES_MAX);
        let mut linked = 0;
        let replayed = replay(&file, |_, step| {
            if let Step::Output(sync_core::Output::Event(sync_core::Event::HeadersLinked { range, .. })) = step {
                linked += range.len();
            }
        });
        let replayed = replayed.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(replayed.machines, u64::from(outcome.sessions) + 1, "seed {seed}");
        assert!(!replayed.is_cut, "seed {seed}");
        assert_eq!(linked, outcome.linked, "seed {seed}");
        machines += replayed.machines;
        headers += linked;
    }
    assert!(machines > 30, "no world had a second process");
    assert!(headers > 10_000);
}

#[test]
fn a_recording_does_not_change_the_world() {
    let pool = Pool::new();
    for seed in [3, 4, 5] {
        let (with, _) = recorded(&pool, seed, BYTES_MAX);
        assert_eq!(with.trace_hash, sync_sim::run(&pool, seed).trace_hash, "seed {seed}");
    }
}

#[test]
fn what_was_recorded_up_to_the_limit_can_be_replayed() {
    let pool = Pool::new();
    let (_, whole) = recorded(&pool, 7, BYTES_MAX);
    let all = replay(&whole, |_, _| {}).expect("a whole recording");
    for bytes_max in [MAGIC.len() + 1, 200, 1_000, whole.len() / 2, whole.len(), whole.len() + 1] {
        let (_, file) = recorded(&pool, 7, bytes_max);
        assert!(file.len() <= bytes_max, "{} of {bytes_max} bytes", file.len());
        let part = replay(&file, |_, _| {}).unwrap_or_else(|error| panic!("{bytes_max} bytes: {error}"));
        assert_eq!(part.is_cut, bytes_max <= whole.len(), "{bytes_max} bytes");
        assert!(part.inputs <= all.inputs);
        assert!(part.is_cut || part == all, "{bytes_max} bytes");
    }
    let options = sync_sim::draw(&pool, 7).expect("a world");
    let none = World::new(&pool, options, None, LINES_KEPT).recorded(0).run();
    assert_eq!(none.recording, None, "no room, no file");
}

#[test]
fn another_machine_is_told_apart() {
    let pool = Pool::new();
    let (_, file) = recorded(&pool, 7, BYTES_MAX);
    // The seed of the machine's choices is the first setting in the file.
    let mut changed = 0;
    for at in MAGIC.len()..MAGIC.len() + 40 {
        let mut file = file.clone();
        file[at] ^= 1;
        changed += usize::from(matches!(replay(&file, |_, _| {}), Err(ReplayError::Diverged { .. })));
    }
    assert!(changed > 0, "no changed setting led to other outputs");
}

#[test]
fn what_is_no_recording_is_an_error() {
    assert_eq!(replay(b"", |_, _| {}), Err(ReplayError::NotARecording));
    assert_eq!(replay(b"headlight", |_, _| {}), Err(ReplayError::NotARecording));
    assert_eq!(replay(&MAGIC, |_, _| {}), Ok(Replayed::default()), "nothing was recorded");
    let pool = Pool::new();
    let (_, file) = recorded(&pool, 11, 100_000);
    for length in (MAGIC.len()..file.len()).step_by(997) {
        // A part of a file is a shorter session, or ends within a record.
        if let Err(error) = replay(&file[..length], |_, _| {}) {
            assert!(matches!(error, ReplayError::Damaged { .. }), "{length} bytes: {error}");
        }
    }
    let (mut errors, mut tried) = (0, 0);
    let mut state = 7_u64;
    for _ in 0..300 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut file = file.clone();
        let at = MAGIC.len() + (state >> 33) as usize % (file.len() - MAGIC.len());
        file[at] = (state >> 20) as u8;
        let outcome = catch_unwind(AssertUnwindSafe(|| replay(&file, |_, _| {})));
        let replayed = outcome.unwrap_or_else(|_| panic!("byte {at} = {} makes the replay panic", file[at]));
        errors += usize::from(replayed.is_err());
        tried += 1;
    }
    assert!(errors > tried / 4, "{errors} of {tried} damaged files were found");
}
