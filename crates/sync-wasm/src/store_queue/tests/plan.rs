//! The schedule of the audit alone: what is read in which session, and when the walk restarts.

use std::time::Duration;

use header_rules::range::BlockNumber;
use header_store::{AuditStep, Segment};
use sync_core::{Checkpoint, checkpoint::Subchain, time::Instant};

use crate::store_queue::{
    StoreOp,
    audit::{Audit, AuditPlace, IDLE_PAUSE, PLACE_EVERY, Purpose, SAMPLE_SEGMENTS, YIELD_MAX},
};

/// A store that holds `0..=head`.
fn stored(head: BlockNumber) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(1, 0);
    checkpoint.adopt(Subchain { head, head_hash: Default::default(), tail: 0, next: Default::default() });
    checkpoint
}

/// One session over a sound store, at most `steps` segments: what each part read, and the stored position.
fn session(
    head: BlockNumber,
    mut kept: Option<AuditPlace>,
    steps: usize,
) -> (Vec<(Purpose, BlockNumber)>, Option<AuditPlace>) {
    let mut audit = Audit::new(Instant::ZERO, Some(&stored(head)), true, 5);
    let mut read = Vec::new();
    while let Some(now) = audit.due() {
        match audit.step(now, false, false) {
            None => break,
            Some(StoreOp::ReadPlace) => audit.place_read(now, Ok(kept)),
            Some(StoreOp::KeepPlace(place)) => {
                kept = Some(place);
                audit.place_kept(now);
            }
            Some(StoreOp::Audit { from, purpose }) => {
                if read.len() == steps {
                    break;
                }
                read.push((purpose, from));
                let next = Segment::slot(from).first().checked_sub(1);
                audit.stepped(now, purpose, &AuditStep::Sound { next }, true);
            }
            Some(other) => panic!("the audit only reads: {other:?}"),
        }
    }
    (read, kept)
}

fn count(read: &[(Purpose, BlockNumber)], purpose: Purpose) -> usize {
    read.iter().filter(|(of, _)| *of == purpose).count()
}

#[test]
fn the_walk_goes_on_where_the_last_session_stopped() {
    let head = 1_024 * 100 - 1;
    let (read, kept) = session(head, None, 40);
    assert_eq!(count(&read, Purpose::Walk), 40);
    let place = kept.expect("kept on the way");
    let done = (head - place.next.expect("not at the end")) / 1_024;
    assert!(40 - done <= u64::from(PLACE_EVERY), "{done} of 40 steps are kept");

    let (read, kept) = session(head, kept, usize::MAX);
    assert_eq!(count(&read, Purpose::Walk) as u64, 100 - done, "the rest, once");
    assert_eq!(count(&read, Purpose::Sample), SAMPLE_SEGMENTS.min(done as usize));
    assert_eq!(kept, Some(AuditPlace { top: head, next: None }));

    let (read, _) = session(head, kept, usize::MAX);
    assert_eq!(read.len(), SAMPLE_SEGMENTS, "a sample alone: {read:?}");
    assert!(read.iter().all(|(purpose, _)| *purpose == Purpose::Sample));
}

#[test]
fn what_was_stored_since_is_read_first() {
    let kept = Some(AuditPlace { top: 10_239, next: None });
    let (read, kept) = session(13_311, kept, usize::MAX);
    let fresh: Vec<_> = read.iter().take_while(|(purpose, _)| *purpose == Purpose::Fresh).map(|(_, at)| *at).collect();
    assert_eq!(fresh, [13_311, 12_287, 11_263]);
    assert_eq!(count(&read, Purpose::Sample), 10);
    assert_eq!(kept, Some(AuditPlace { top: 13_311, next: None }));
}

#[test]
fn a_look_up_that_finds_damage_does_not_move_the_walk() {
    let mut audit = Audit::new(Instant::ZERO, Some(&stored(102_399)), true, 5);
    let now = audit.due().expect("something is stored");
    assert!(matches!(audit.step(now, false, false), Some(StoreOp::ReadPlace)));
    audit.place_read(now, Ok(None));
    audit.damage_found(now, 5_000);
    let Some(StoreOp::Audit { from: 5_000, purpose: Purpose::Urgent }) = audit.step(now, false, false) else {
        panic!("the damage comes first")
    };
    audit.stepped(now, Purpose::Urgent, &AuditStep::Sound { next: Some(4_095) }, true);
    let next = audit.step(audit.due().expect("it goes on"), false, false);
    assert!(matches!(next, Some(StoreOp::Audit { from: 102_399, purpose: Purpose::Walk })), "{next:?}");
}

#[test]
fn damage_in_the_sample_sends_the_walk_back_once() {
    let mut audit = Audit::new(Instant::ZERO, Some(&stored(102_399)), true, 5);
    let mut restarts = 0;
    let mut damaged = 0;
    for _ in 0..1_000 {
        let Some(now) = audit.due() else { break };
        match audit.step(now, false, false) {
            Some(StoreOp::ReadPlace) => audit.place_read(now, Ok(Some(AuditPlace { top: 102_399, next: None }))),
            Some(StoreOp::KeepPlace(place)) => {
                restarts += u32::from(place == AuditPlace::at_top(102_399));
                audit.place_kept(now);
            }
            Some(StoreOp::Audit { from, purpose: Purpose::Sample }) => {
                damaged += 1;
                let slot = Segment::slot(from);
                let next = slot.first().checked_sub(1);
                let step = AuditStep::Dropped { range: slot, checkpoint: stored(102_399), next };
                audit.stepped(now, Purpose::Sample, &step, true);
            }
            Some(StoreOp::Audit { from, purpose }) => {
                let next = Segment::slot(from).first().checked_sub(1);
                audit.stepped(now, purpose, &AuditStep::Sound { next }, true);
            }
            _ => break,
        }
    }
    assert_eq!((damaged, restarts), (1, 1), "and then everything was read");
    assert_eq!(audit.due(), None);
}

#[test]
fn look_ups_go_first_but_not_for_ever() {
    let mut audit = Audit::new(Instant::ZERO, Some(&stored(102_399)), true, 5);
    let begun = audit.due().expect("something is stored");
    let mut now = begun;
    while audit.step(now, false, true).is_none() {
        assert_eq!(audit.due(), Some(now + IDLE_PAUSE));
        now = now + IDLE_PAUSE;
    }
    assert_eq!(now.saturating_since(begun), YIELD_MAX);
    assert!(audit.step(now + Duration::from_secs(60), true, false).is_none(), "an operation of the sync is never held");
}

#[test]
fn a_dropped_step_comes_again() {
    let mut audit = Audit::new(Instant::ZERO, Some(&stored(102_399)), true, 5);
    let now = audit.due().expect("something is stored");
    assert!(audit.step(now, false, false).is_some());
    // No outcome is reported.
    assert!(audit.due().is_some_and(|due| audit.step(due, false, false).is_some()));
}

#[test]
fn a_place_survives_its_form_and_nothing_else_is_one() {
    for place in [AuditPlace { top: 7, next: None }, AuditPlace { top: 9, next: Some(0) }, AuditPlace::at_top(1 << 40)]
    {
        assert_eq!(AuditPlace::decode(&place.encode()), Some(place));
        for length in 0..place.encode().len() {
            assert_eq!(AuditPlace::decode(&place.encode()[..length]), None);
        }
    }
    let above_its_top = AuditPlace { top: 1, next: Some(2) };
    assert_eq!(AuditPlace::decode(&above_its_top.encode()), None);
    let mut other_form = AuditPlace::at_top(1).encode();
    other_form[0] += 1;
    assert_eq!(AuditPlace::decode(&other_form), None);
}
