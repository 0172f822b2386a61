//! The final report and the event log: numbers, and lines in a format for tools.

use crate::pipes::{Disk, Host, Rest, block, range, real_pipeline};
use header_store::contract::TestChain;
use proptest::prelude::*;
use stages::pipeline::{EventLog, Histogram, PipelineInput};
use sync_core::{fault::StoreFailure, time::Instant};

fn told() -> (Host, stages::pipeline::Pipeline) {
    let chain = TestChain::new(3_000, 1);
    let mut host = Host::new(Disk::with_chain(&chain, range(0, 2_999)));
    host.refusals.push_back(StoreFailure::Other("says \"no\"\n".into()));
    let mut pipeline = real_pipeline(&host.disk);
    host.greet(&mut pipeline, block(&chain, 2_999));
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    host.input(&mut pipeline, PipelineInput::Unwind { to: 2_899, checkpoint: None });
    assert_eq!(host.run(&mut pipeline), Rest::Drained);
    (host, pipeline)
}

#[test]
fn l11_the_report_sums_up_every_stage() {
    let (host, pipeline) = told();
    let report = pipeline.report(host.now());
    let [headers, index] = &report.stages[..] else { panic!("two stages") };
    assert_eq!((headers.blocks, headers.blocks_unwound, headers.runs, headers.unwinds), (3_000, 100, 1, 1));
    assert_eq!((index.blocks, index.blocks_unwound, index.unwinds), (3_000, 100, 1));
    assert_eq!(headers.commit_micros.count() + index.commit_micros.count(), host.writes as u64);
    for stage in &report.stages {
        let (rates, mean) = (&stage.blocks_per_second, stage.mean_per_second().expect("it was busy"));
        assert!(rates.percentile(1) <= rates.percentile(50) && rates.percentile(99) <= rates.max());
        assert!(mean > 0.0 && mean <= rates.max() as f64 * 1.1, "{mean} of at most {}", rates.max());
        assert!(stage.busy <= report.elapsed);
    }
    let table = report.to_string();
    assert!(table.contains("hash-index") && table.lines().count() == 4, "{table}");
}

#[test]
fn l11_the_log_is_a_json_object_a_line() {
    let (host, pipeline) = told();
    let mut log = EventLog::new(String::new());
    for (at, event) in host.events.iter().enumerate() {
        log.event(Instant::from_millis(at as u64), event).expect("a string takes everything");
    }
    log.report(host.now(), &pipeline.report(host.now())).expect("a string takes everything");
    let text = log.into_inner();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let named = |name: &str| lines.iter().filter(|line| line["event"] == name).cloned().collect::<Vec<_>>();
    for name in ["prepare", "run", "ran", "waiting", "error", "unwind", "unwound", "pass", "progress", "report", "end"]
    {
        assert!(!named(name).is_empty(), "{name}");
    }
    assert_eq!(named("error")[0]["error"], "store failed: says \"no\"\n");
    assert_eq!(named("error")[0]["retry_in_us"], 1_000_000);
    assert_eq!(named("prepare")[0]["checkpoint"], serde_json::Value::Null);
    let last = named("ran").into_iter().rfind(|line| line["stage"] == "hash-index").expect("it ran");
    assert_eq!((&last["done"], &last["checkpoint"]), (&true.into(), &2_999.into()));
    let report = &named("report")[0];
    assert!(report["blocks_per_second"]["p50"].is_u64() && report["commit_us"]["p99"].is_u64());
    assert!(lines.windows(2).all(|pair| pair[0]["at_us"].as_u64() <= pair[1]["at_us"].as_u64()));
}

proptest! {
    /// A percentile is a recorded value, or at most a sixteenth below it.
    #[test]
    fn l11_percentiles_are_near_the_sorted_values(mut values in prop::collection::vec(any::<u64>(), 1..300), percent in 0u8..=100) {
        let mut histogram = Histogram::default();
        values.iter_mut().enumerate().for_each(|(at, value)| *value >>= at % 64);
        values.iter().for_each(|value| histogram.add(*value));
        values.sort_unstable();
        let rank = (values.len() * usize::from(percent)).div_ceil(100).max(1);
        let exact = values[rank - 1];
        let got = histogram.percentile(percent);
        prop_assert!(got <= exact && exact - got <= exact / 16, "{got} for {exact}");
        prop_assert_eq!(histogram.max(), values[values.len() - 1]);
    }
}
