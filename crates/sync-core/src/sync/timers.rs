//! Timers: the next moment at which something may change without an input.

use crate::{
    io::{Timer, Wakeup},
    sync::HeaderSync,
    time::Instant,
};

impl HeaderSync {
    /// The timer that ends first after `now`; of timers that end at the same moment, the first of this list.
    pub(super) fn next_wakeup(&self, now: Instant) -> Option<Wakeup> {
        let is_downloading = !self.host.is_paused && !self.downloader.plan.is_empty();
        let timers = [
            (Timer::RequestDeadline, self.downloader.requests.next_deadline()),
            (Timer::HandOver, self.hand_over_wakeup(now)),
            (Timer::Trial, self.trial_wakeup(now)),
            (Timer::Strategy, self.strategy_wakeup(now)),
            (Timer::ForkCheck, self.fork_check_wakeup(now)),
            (Timer::RangeRetry, self.downloader.plan.next_wakeup(now).filter(|_| is_downloading)),
            (Timer::PeerPause, self.peers.next_wakeup(now)),
            (Timer::TargetRetry, self.target.retry_at),
            (Timer::Probe, self.probe_wakeup(now)),
            (Timer::TipSettle, self.settles_at()),
            (Timer::Announcements, self.peers.announcements.due_at()),
            (Timer::AncestorSearch, self.search_wakeup(now)),
            (Timer::StoreRetry, self.store.retry_at()),
            (Timer::Stall, self.stall_wakeup(now)),
            (Timer::Flush, self.flush_wakeup()),
            (Timer::Progress, self.reports.progress.due_at(now, self.config.progress_every)),
        ];
        let wakeups = timers.into_iter().filter_map(|(timer, at)| Some(Wakeup { at: at?, timer }));
        // Work that is due and was not done waits for another event (a pause that ends, a batch that is stored). Its
        // input wakes the machine; a timer would wake it again and again.
        wakeups.filter(|wakeup| wakeup.at > now).min_by_key(|wakeup| wakeup.at)
    }
}
