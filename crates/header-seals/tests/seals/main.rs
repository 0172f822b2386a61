//! Proof of work and of authority.

#[path = "../../../header-rules/tests/data/mod.rs"]
mod data;

mod audit;
mod clique;
mod clique_limits;
mod clique_votes;
mod ethash;
mod support;
