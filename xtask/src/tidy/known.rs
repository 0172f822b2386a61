//! Exceptions, each with its reason. They become fewer: `tidy` fails on one that is no longer true.

use super::circles::Known;

/// Circles of files that were there before the check was.
pub(super) const KNOWN_CIRCLES: &[Known] = &[
    Known {
        package: "sync-core",
        reason: "a table of cases in three files",
        circles: &[
            "tests/machine/every_stall_ends.rs -> tests/machine/every_stall_ends/peers.rs",
            "tests/machine/every_stall_ends.rs -> tests/machine/every_stall_ends/targets.rs",
        ],
    },
    Known {
        package: "webrtc-worker",
        reason: "a link, its channels and the replies of the page know each other",
        circles: &[
            "src/broker.rs -> src/data_channel.rs -> src/link.rs",
            "src/broker.rs -> src/link.rs",
            "src/data_channel.rs -> src/link.rs",
        ],
    },
    Known {
        package: "sync-wasm",
        reason: "the driver and two of its parts know each other, as do messages and peers",
        circles: &[
            "src/driver.rs -> src/driver/kept.rs",
            "src/driver.rs -> src/driver/report.rs",
            "src/message.rs -> src/message/event.rs",
            "src/message.rs -> src/message/event.rs -> src/network/peers/peer.rs",
            "src/message/event.rs -> src/network/peers/peer.rs",
        ],
    },
    Known {
        package: "sync-sim",
        reason: "a world owns its options, its events and its checker, and each of them looks at the world",
        circles: &[
            "src/attack.rs -> src/options.rs",
            "src/attack.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs -> src/checker/escalation.rs",
            "src/attack.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs -> src/checker/runs.rs",
            "src/attack.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs -> src/checker/sizes.rs",
            "src/attack.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs -> src/checker/sleep.rs",
            "src/checker/bounds.rs -> src/checker/mod.rs",
            "src/checker/bounds.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/correlation.rs -> src/checker/mod.rs",
            "src/checker/correlation.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/escalation.rs -> src/checker/mod.rs",
            "src/checker/escalation.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/fairness.rs -> src/checker/mod.rs",
            "src/checker/fairness.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/forks.rs -> src/checker/mod.rs",
            "src/checker/forks.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/merit.rs -> src/checker/mod.rs",
            "src/checker/merit.rs -> src/script.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/merit.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs -> src/checker/mod.rs",
            "src/checker/mod.rs -> src/checker/numbers.rs",
            "src/checker/mod.rs -> src/checker/numbers.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/checker/mod.rs -> src/checker/runs.rs",
            "src/checker/mod.rs -> src/checker/runs.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/checker/mod.rs -> src/checker/safety.rs",
            "src/checker/mod.rs -> src/checker/safety.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/checker/mod.rs -> src/checker/sizes.rs",
            "src/checker/mod.rs -> src/checker/sizes.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/checker/mod.rs -> src/checker/sleep.rs",
            "src/checker/mod.rs -> src/checker/sleep.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/checker/mod.rs -> src/state.rs -> src/options.rs -> src/churn.rs -> src/world.rs",
            "src/churn.rs -> src/world.rs -> src/options.rs",
            "src/churn.rs -> src/world.rs -> src/options.rs -> src/options/peers.rs",
            "src/churn.rs -> src/world.rs -> src/mutation.rs -> src/state.rs -> src/options.rs",
            "src/churn.rs -> src/world.rs -> src/state.rs -> src/options.rs",
            "src/options.rs -> src/options/peers.rs",
            "src/options.rs -> src/script.rs",
            "src/options.rs -> src/special.rs -> src/script.rs",
        ],
    },
];
