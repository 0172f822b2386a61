//! The machine as a whole and in its parts: every scenario is inputs, then what comes out.

#[path = "../inputs/mod.rs"]
mod inputs;
#[path = "../support/mod.rs"]
mod support;

mod ancestor_liars;
mod any_input;
mod branch;
mod checkpoint;
mod collector;
mod culprit;
mod downloader;
mod escalation;
mod fair_sample;
mod floor;
mod follow_head;
mod fork_choice;
mod front;
mod given_up;
mod happy;
mod invalid_target;
mod kill_anywhere;
mod lineage;
mod lying_peer;
mod memory;
mod memory_store;
mod misbehaved;
mod other_chains;
mod pause;
mod peer_book;
mod peer_choice;
mod peer_health;
mod plan;
mod ranges;
mod reorg;
mod reorg_while_syncing;
mod resume;
mod retarget;
mod segment;
mod short_answers;
mod sides;
mod silence;
mod silent_search;
mod skeleton_extend;
mod skeleton_init;
mod skeleton_retrieve;
mod slow_links;
mod sorted;
mod store_full;
mod store_segments;
mod strategies;
mod subchains;
mod target;
mod unknown_fork;
mod wrong_chain;
