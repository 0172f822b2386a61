//! The model of one direction: the arrival time of a packet, or the reason of its loss.
//!
//! A packet enters a bounded queue, which a transmitter empties at the rate of the link; a transmitted packet may be
//! lost, or arrives after the delay and some jitter, never before the packet ahead of it. The queue is not stored: it
//! is the time until the transmitter is free.

use std::time::Duration;

use header_maker::SplitMix64;

use crate::loss::{Loss, LossModel, unit};

/// Bytes of the IP (version 4) and UDP headers, which take part of the rate on a real link.
pub const HEADER_BYTES: u64 = 28;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Properties of a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkConfig {
    /// Delay from one end to the other.
    pub delay: Duration,
    /// Largest additional delay, equally distributed; packets keep their order.
    pub jitter: Duration,
    /// Bytes per second; `None`: no limit, and no queue.
    pub rate: Option<u64>,
    /// Most bytes that wait for the transmitter; a packet that does not fit is dropped.
    pub queue_bytes: u64,
    /// Loss after the queue.
    pub loss: Loss,
}

/// Result for one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Arrives at this time.
    Arrives(Duration),
    /// Dropped: the queue was full.
    QueueFull,
    /// Transmitted and lost.
    Lost,
}

/// One direction. Times are since its start and never decrease.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    loss: LossModel,
    jitter: SplitMix64,
    /// Time at which the transmitter has sent the whole queue, in nanoseconds.
    free_at: u64,
    /// Arrival time of the last packet, in nanoseconds; later packets do not arrive earlier.
    last_arrival: u64,
}

impl Link {
    /// A link without packets.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        let mut seeds = SplitMix64(seed);
        let loss = LossModel::new(config.loss, seeds.draw());
        Self { config, loss, jitter: SplitMix64(seeds.draw()), free_at: 0, last_arrival: 0 }
    }

    /// Sends a datagram with this many bytes of payload.
    pub fn send(&mut self, now: Duration, payload_bytes: usize) -> Fate {
        let now = nanos(now);
        let mut leaves = now;
        if let Some(rate) = self.config.rate {
            let bytes = payload_bytes as u64 + HEADER_BYTES;
            if self.queued_bytes(now) + bytes > self.config.queue_bytes {
                return Fate::QueueFull;
            }
            self.free_at = self.free_at.max(now) + bytes * NANOS_PER_SECOND / rate;
            leaves = self.free_at;
        }
        if self.loss.loses() {
            return Fate::Lost;
        }
        let jitter = (nanos(self.config.jitter) as f64 * unit(&mut self.jitter)) as u64;
        let arrival = (leaves + nanos(self.config.delay) + jitter).max(self.last_arrival);
        self.last_arrival = arrival;
        Fate::Arrives(Duration::from_nanos(arrival))
    }

    /// Nothing arrives during this time; packets sent meanwhile arrive after it, in order. Models a radio that changes
    /// its cell.
    pub fn hold(&mut self, now: Duration, time: Duration) {
        self.last_arrival = self.last_arrival.max(nanos(now) + nanos(time));
    }

    /// Bytes that wait for the transmitter, including those that it is sending.
    fn queued_bytes(&self, now: u64) -> u64 {
        let rate = self.config.rate.unwrap_or(0);
        let bytes = u128::from(self.free_at.saturating_sub(now)) * u128::from(rate) / u128::from(NANOS_PER_SECOND);
        // At most `queue_bytes`.
        bytes as u64
    }
}

/// 64 bits of nanoseconds last 584 years.
fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn config() -> LinkConfig {
        LinkConfig { delay: 25 * MS, jitter: Duration::ZERO, rate: None, queue_bytes: 0, loss: Loss::None }
    }

    fn arrives(fate: Fate) -> Duration {
        let Fate::Arrives(at) = fate else { panic!("{fate:?}") };
        at
    }

    #[test]
    fn without_a_rate_every_packet_takes_the_delay() {
        let mut link = Link::new(config(), 1);
        for sent in [0, 0, 1, 70] {
            assert_eq!(arrives(link.send(sent * MS, 1_200)), (sent + 25) * MS);
        }
    }

    #[test]
    fn the_rate_spreads_a_burst_and_an_idle_link_saves_nothing_up() {
        // 1,000 bytes a millisecond: a packet of 972 and its headers takes one.
        let mut link = Link::new(LinkConfig { rate: Some(1_000_000), queue_bytes: 100_000, ..config() }, 1);
        for place in 1..=10 {
            assert_eq!(arrives(link.send(Duration::ZERO, 972)), (25 + place) * MS);
        }
        assert_eq!(arrives(link.send(900 * MS, 972)), 926 * MS);
        assert_eq!(arrives(link.send(900 * MS, 972)), 927 * MS);
    }

    #[test]
    fn a_full_queue_drops_and_takes_packets_again_as_it_empties() {
        let mut link = Link::new(LinkConfig { rate: Some(1_000_000), queue_bytes: 5_000, ..config() }, 1);
        let fates: Vec<_> = (0..8).map(|_| link.send(Duration::ZERO, 972)).collect();
        assert!(fates[..5].iter().all(|fate| matches!(fate, Fate::Arrives(_))));
        assert_eq!(fates[5..], [Fate::QueueFull; 3]);
        assert!(matches!(link.send(2 * MS, 972), Fate::Arrives(_)));
        assert!(matches!(link.send(2 * MS, 972), Fate::Arrives(_)));
        assert_eq!(link.send(2 * MS, 972), Fate::QueueFull);
    }

    #[test]
    fn the_rate_is_kept_over_a_long_time() {
        let rate = 6_250_000;
        let mut link = Link::new(LinkConfig { rate: Some(rate), queue_bytes: 125_000, ..config() }, 1);
        let (mut bytes, mut now) = (0, Duration::ZERO);
        while now < Duration::from_secs(10) {
            if let Fate::Arrives(_) = link.send(now, 1_172) {
                bytes += 1_200;
            }
            now += Duration::from_micros(100);
        }
        let share = bytes as f64 / (10 * rate) as f64;
        assert!((0.99..1.01).contains(&share), "{share}");
    }

    #[test]
    fn jitter_changes_the_delay_and_keeps_the_order() {
        let mut link = Link::new(LinkConfig { jitter: 10 * MS, ..config() }, 3);
        let delays: Vec<_> = (0..1_000).map(|n| arrives(link.send(n * 100 * MS, 500)) - n * 100 * MS).collect();
        assert!(delays.iter().all(|delay| (25 * MS..=35 * MS).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < 26 * MS) && delays.iter().any(|delay| *delay > 34 * MS));

        let mut link = Link::new(LinkConfig { jitter: 10 * MS, ..config() }, 3);
        let arrivals: Vec<_> = (0..1_000).map(|n| arrives(link.send(n * MS / 10, 500))).collect();
        assert!(arrivals.is_sorted());
    }

    #[test]
    fn a_link_that_is_held_hands_out_everything_afterwards() {
        let mut link = Link::new(config(), 1);
        assert_eq!(arrives(link.send(10 * MS, 500)), 35 * MS);
        link.hold(20 * MS, 3_000 * MS);
        assert_eq!(arrives(link.send(21 * MS, 500)), 3_020 * MS);
        assert_eq!(arrives(link.send(2_000 * MS, 500)), 3_020 * MS);
        assert_eq!(arrives(link.send(3_010 * MS, 500)), 3_035 * MS);
    }

    #[test]
    fn loss_is_behind_the_queue_and_takes_the_time_of_the_link() {
        let loss = Loss::Random { rate: 1.0 };
        let mut link = Link::new(LinkConfig { rate: Some(1_000_000), queue_bytes: 2_000, loss, ..config() }, 1);
        let fates: Vec<_> = (0..3).map(|_| link.send(Duration::ZERO, 972)).collect();
        assert_eq!(fates, [Fate::Lost, Fate::Lost, Fate::QueueFull]);
    }
}
