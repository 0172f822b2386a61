//! The command line.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use clap::Parser;

use crate::{link::LinkConfig, loss::Loss, relay::RelayConfig};

/// Smallest default queue, in bytes: that of a small home router.
const QUEUE_BYTES_MIN: u64 = 64 * 1024;

/// A UDP relay with the delay, rate, queue and loss of a link. Prints one JSON line when it is ready, a line of
/// counters for each `counters` on standard input and at the end of standard input; `hold MS` delays all packets
#[derive(Clone, Debug, Parser)]
#[command(name = "link-relay", version, about, max_term_width = 100)]
pub struct Args {
    /// Where packets go; once for each peer behind the link
    #[arg(long = "target", value_name = "ADDRESS", required = true)]
    pub targets: Vec<SocketAddr>,

    /// Address of the relay's own sockets
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,

    /// Milliseconds from one end to the other, each way
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = millis)]
    pub delay_ms: f64,

    /// Up to so many milliseconds more; packets keep their order
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = millis)]
    pub jitter_ms: f64,

    /// Megabits per second, each way [default: no limit]
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate_mbit: Option<f64>,

    /// Bytes that may wait, each way [default: what the link holds in one round trip, 65536 at least]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub queue_bytes: Option<u64>,

    /// Share of packets that are lost, each way, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub loss: f64,

    /// Mean number of packets lost in a row [default: each is lost by itself]
    #[arg(long, value_name = "N", value_parser = length)]
    pub burst: Option<f64>,

    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl Args {
    /// Configuration of the relay.
    pub fn relay(&self) -> RelayConfig {
        let delay = Duration::from_secs_f64(self.delay_ms / 1_000.0);
        let rate = self.rate_mbit.map(|mbit| (mbit * 125_000.0) as u64);
        let in_one_round_trip = (rate.unwrap_or(0) as f64 * delay.as_secs_f64() * 2.0) as u64;
        let link = LinkConfig {
            delay,
            jitter: Duration::from_secs_f64(self.jitter_ms / 1_000.0),
            rate,
            queue_bytes: self.queue_bytes.unwrap_or(in_one_round_trip.max(QUEUE_BYTES_MIN)),
            loss: match (self.loss, self.burst) {
                (0.0, _) => Loss::None,
                (rate, None) => Loss::Random { rate },
                (rate, Some(length)) => Loss::Bursts { rate, length },
            },
        };
        RelayConfig { targets: self.targets.clone(), listen: self.listen, up: link, down: link, seed: self.seed }
    }
}

fn millis(text: &str) -> Result<f64, String> {
    number(text, 0.0, 60_000.0)
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, 0.01, 100_000.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0, 0.99)
}

fn length(text: &str) -> Result<f64, String> {
    number(text, 1.0, 10_000.0)
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(format!("takes {least} to {most}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<RelayConfig, clap::Error> {
        Args::try_parse_from([&["link-relay", "--target", "127.0.0.1:9"], args].concat()).map(|args| args.relay())
    }

    #[test]
    fn a_profile_is_what_its_figures_say() {
        let relay =
            parse(&["--rate-mbit", "50", "--delay-ms", "15", "--loss", "0.01", "--burst", "8"]).expect("a profile");
        let expected = LinkConfig {
            delay: Duration::from_millis(15),
            jitter: Duration::ZERO,
            rate: Some(6_250_000),
            queue_bytes: 187_500,
            loss: Loss::Bursts { rate: 0.01, length: 8.0 },
        };
        assert_eq!((relay.up, relay.down), (expected, expected));
        let plain = parse(&[]).expect("no profile").up;
        assert_eq!((plain.rate, plain.loss, plain.delay), (None, Loss::None, Duration::ZERO));
    }

    #[test]
    fn figures_that_cannot_be_are_refused() {
        for (flag, value) in [
            ("--delay-ms", "-1"),
            ("--delay-ms", "NaN"),
            ("--rate-mbit", "0"),
            ("--loss", "1"),
            ("--loss", "some"),
            ("--burst", "0.5"),
            ("--queue-bytes", "0"),
            ("--target", "nowhere"),
        ] {
            let error = parse(&[&format!("{flag}={value}")]).expect_err(value).to_string();
            assert!(error.contains(flag), "{error}");
        }
        assert!(Args::try_parse_from(["link-relay"]).is_err());
    }
}
