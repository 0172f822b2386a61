//! The rules of every fork: public cases, real chains, mutations, arbitrary values.

#[path = "../data/mod.rs"]
mod data;

mod any_figures;
mod as_the_field;
mod chain;
mod conformance;
mod conformance_data;
mod difficulty;
mod each_rule;
mod forks_json;
mod genesis_json;
mod header;
mod known_until;
mod mutations;
mod one_table;
mod real_chains;
mod unknown_chain;
