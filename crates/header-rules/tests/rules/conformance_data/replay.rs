//! Replays the blocks of a case on a tree of headers and compares each result with the expected one.
//!
//! Each header is validated three times: in a pass from genesis up, which knows the total difficulty and must give the
//! expected result; as in a sync from the top down; and as a header of an unknown chain. The last two know less: they
//! must accept every valid header, and reject a header only for an expected reason.

use std::{
    collections::BTreeMap,
    fmt::{Display, Formatter},
};

use alloy_primitives::{B256, U256, keccak256};
use bytes::Bytes;
use header_rules::{
    chain::ChainSpec,
    header::Header,
    rules::{self, Parent, RuleViolation, validate, validate_forward, validate_standalone},
};

use super::{
    format::{Block, Case},
    network,
};

/// A check of a header's proof of work, for cases with real seals. The error is the reason.
pub(crate) type SealCheck<'a> = dyn FnMut(&ChainSpec, &Header<'_>) -> Result<(), String> + 'a;

/// Differences that are stored in full.
const DISAGREEMENTS_SHOWN_MAX: usize = 20;

/// Result of a run over cases.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub cases: usize,
    pub accepted: usize,
    /// Accepted headers of blocks with an invalid body.
    pub body_invalid: usize,
    /// Rejected headers, by rule.
    pub rejected: BTreeMap<String, usize>,
    /// Rejected headers that a sync from the top down accepts, because it does not know the total difficulty.
    pub forward_only: usize,
    /// Headers whose seal was checked.
    pub seals: usize,
    /// Skipped cases, by the unknown part of their network.
    pub unknown: BTreeMap<String, usize>,
    pub disagreements: usize,
    pub shown: Vec<String>,
}

impl Tally {
    pub(crate) fn rejected(&self) -> usize {
        self.rejected.values().sum()
    }

    fn disagree(&mut self, message: String) {
        self.disagreements += 1;
        if self.shown.len() < DISAGREEMENTS_SHOWN_MAX {
            self.shown.push(message);
        }
    }

    /// All unknown parts and differences, as text; empty if there are none.
    pub(crate) fn complaint(&self) -> String {
        let unknown = self.unknown.iter().map(|(what, cases)| format!("{what}: {cases} cases not played\n"));
        let more = self.disagreements - self.shown.len();
        let more = if more > 0 { format!("and {more} more disagreements\n") } else { String::new() };
        unknown.chain(self.shown.iter().map(|line| format!("{line}\n"))).chain([more]).collect()
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let (accepted, rejected) = (self.accepted + self.body_invalid, self.rejected());
        write!(f, "{} cases, {accepted} headers accepted ({} of invalid bodies)", self.cases, self.body_invalid)?;
        write!(f, ", {rejected} rejected ({} going up only), {} seals checked", self.forward_only, self.seals)?;
        self.rejected.iter().try_for_each(|(reason, count)| write!(f, "\n    {reason} {count}"))
    }
}

/// A header that was accepted.
struct Known {
    rlp: Bytes,
    total_difficulty: U256,
}

/// Replays one case.
pub(crate) fn replay(case: &Case, mut seal: Option<&mut SealCheck<'_>>, tally: &mut Tally) {
    tally.cases += 1;
    let chain = match network::chain(&case.network, &case.config) {
        Ok(chain) => chain,
        Err(error) => return *tally.unknown.entry(error).or_default() += 1,
    };
    let genesis = Header::decode(&case.genesis).expect("genesis is a header");
    let total_difficulty = genesis.difficulty;
    let genesis = Known { rlp: case.genesis.clone(), total_difficulty };
    let mut known: BTreeMap<B256, Known> = [(keccak256(&genesis.rlp), genesis)].into();
    for (at, block) in case.blocks.iter().enumerate() {
        let seal = seal.as_deref_mut().filter(|_| case.is_ethash);
        let verdict = judge(block, &chain, &mut known, seal, tally);
        let name = format!("{}, {}, block {at} {:?}", case.name, case.network, block.hash);
        compare(block, verdict, tally, &name);
    }
}

/// `Err`: the id of the rule, and a text.
type Verdict = Result<(), (String, String)>;

fn compare(block: &Block, verdict: Verdict, tally: &mut Tally, name: &str) {
    match (block.is_valid, verdict) {
        (true, Ok(())) if block.is_body_invalid => tally.body_invalid += 1,
        (true, Ok(())) => tally.accepted += 1,
        (true, Err((id, words))) => tally.disagree(format!("{name}: valid, rejected as {id}: {words}")),
        (false, Ok(())) => tally.disagree(format!("{name}: accepted, invalid as {:?}", block.violated)),
        (false, Err((id, _))) if block.violated.contains(&id) => *tally.rejected.entry(id).or_default() += 1,
        (false, Err((id, words))) => {
            tally.disagree(format!("{name}: rejected as {id} ({words}), invalid as {:?}", block.violated));
        }
    }
}

fn judge(
    block: &Block,
    chain: &ChainSpec,
    known: &mut BTreeMap<B256, Known>,
    seal: Option<&mut SealCheck<'_>>,
    tally: &mut Tally,
) -> Verdict {
    let header = Header::decode(&block.rlp).map_err(|error| ("rlp".to_owned(), error.to_string()))?;
    let hash = keccak256(&block.rlp);
    if block.hash != Some(hash) {
        return Err(("hash".to_owned(), format!("{hash}, the case says {:?}", block.hash)));
    }
    let Some(parent) = known.get(&header.parent_hash) else {
        return Err(("unknown_parent".to_owned(), header.parent_hash.to_string()));
    };
    let parent_header = Header::decode(&parent.rlp).expect("it was decoded before");
    let total_difficulty = Some(parent.total_difficulty);
    let forward = Parent { header: &parent_header, hash: header.parent_hash, total_difficulty };
    let up = validate_forward(&header, &forward, chain);
    let down = validate(&header, &parent_header, chain).and_then(|()| validate_standalone(&header, chain));
    let is_merge_known = chain.forks().is_some_and(|forks| forks.seal_at(header.number, None).is_some());
    match (&up, down) {
        (Ok(()), Err(violation)) => return Err(named("going down", &violation)),
        (Err(_), Ok(())) => tally.forward_only += 1,
        // Where only the total difficulty tells the seal of a block, the same fault may be reported as another one.
        (Err(_), Err(violation)) if is_merge_known && !block.violated.iter().any(|id| id == violation.id()) => {
            return Err(named("going down", &violation));
        }
        _ => {}
    }
    up.map_err(|violation| named("going up", &violation))?;
    let stranger = ChainSpec::unknown(7, None);
    validate(&header, &parent_header, &stranger)
        .and_then(|()| validate_standalone(&header, &stranger))
        .map_err(|violation| named("of an unknown chain", &violation))?;
    if let Some(check) = seal.filter(|_| !header.is_proof_of_stake()) {
        check(chain, &header).map_err(|words| ("seal".to_owned(), words))?;
        tally.seals += 1;
    }
    let total_difficulty = rules::total_difficulty(parent.total_difficulty, &header);
    known.insert(hash, Known { rlp: block.rlp.clone(), total_difficulty });
    Ok(())
}

fn named(way: &str, violation: &RuleViolation) -> (String, String) {
    (violation.id().to_owned(), format!("{way}: {violation}"))
}
