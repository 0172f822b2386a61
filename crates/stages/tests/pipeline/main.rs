//! Stages over what is stored, and the collector under them.

#[path = "../../../sync-core/tests/support/mod.rs"]
mod support;

mod errors;
mod etl_model;
mod etl_spill;
mod hash_index_stage;
mod headers_stage;
mod order;
mod pipes;
mod report;
mod resume;
mod spills;
mod unwind;
