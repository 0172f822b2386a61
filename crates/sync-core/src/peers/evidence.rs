//! Evidence of a peer in this session, and its rank.
//!
//! | rank | the peer | may have |
//! |---|---|---|
//! | [`Verified`](Rank::Verified) | headers of it were verified, its score is good and it was not silent lately | everything |
//! | [`Shaken`](Rank::Shaken) | the same, but it was silent since, or has a low score | a trial |
//! | [`Responded`](Rank::Responded) | it responded; no header of it was verified | a trial |
//! | [`New`](Rank::New) | it was never asked | a trial |
//! | [`Doubtful`](Rank::Doubtful) | it responded once, was silent since, or has a low score | a trial |
//! | [`NoResponse`](Rank::NoResponse) | it was asked and never responded | a trial |
//!
//! "Never asked" and "never responded" differ: the first may be the best peer there is, the second is the worst.
//! `sync::front` defines a trial, and what happens when no peer is verified.

/// What is known of a peer by its own doing, in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// It was never asked.
    #[default]
    NeverAsked,
    /// It was asked and did not respond yet.
    NoResponse,
    /// It responded. Whether the response is valid is known later.
    Responded,
    /// Headers of it were verified.
    Verified,
}

impl Evidence {
    /// The peer is asked for something.
    pub fn asked(&mut self) {
        *self = (*self).max(Self::NoResponse);
    }

    /// A whole response of it came.
    pub fn responded(&mut self) {
        *self = (*self).max(Self::Responded);
    }

    /// Headers of it were verified.
    pub fn verified(&mut self) {
        *self = Self::Verified;
    }

    /// The same peer under another id: its evidence is kept, at most as `Responded`.
    pub fn inherit(&mut self, before: Self) {
        *self = (*self).max(before.min(Self::Responded));
    }
}

/// The order in which peers are asked. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Headers of it were verified, and nothing speaks against it.
    Verified,
    /// Headers of it were verified; it was silent since, or has a low score.
    Shaken,
    /// It responded.
    Responded,
    /// It was never asked.
    New,
    /// It responded once, was silent since, or has a low score.
    Doubtful,
    /// It was asked and never responded.
    NoResponse,
}

impl Rank {
    /// The rank of a peer with this evidence. `steady`: it was not silent lately, and its score is good.
    pub fn of(evidence: Evidence, steady: bool) -> Self {
        match (evidence, steady) {
            (Evidence::Verified, true) => Self::Verified,
            (Evidence::Verified, false) => Self::Shaken,
            (Evidence::Responded, true) => Self::Responded,
            (Evidence::NeverAsked, true) => Self::New,
            (Evidence::Responded | Evidence::NeverAsked, false) => Self::Doubtful,
            (Evidence::NoResponse, _) => Self::NoResponse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_only_grows_and_another_id_begins_below_what_was_verified() {
        let mut evidence = Evidence::default();
        evidence.asked();
        assert_eq!(evidence, Evidence::NoResponse);
        evidence.responded();
        evidence.asked();
        assert_eq!(evidence, Evidence::Responded);
        evidence.verified();
        evidence.responded();
        assert_eq!(evidence, Evidence::Verified);
        let mut other = Evidence::default();
        other.inherit(evidence);
        assert_eq!(other, Evidence::Responded);
        let mut silent = Evidence::default();
        silent.inherit(Evidence::NoResponse);
        assert_eq!(silent, Evidence::NoResponse, "a new id does not reset the evidence");
    }

    #[test]
    fn u01_no_response_is_the_worst_and_never_asked_is_not() {
        let steady = [Evidence::Verified, Evidence::Responded, Evidence::NeverAsked, Evidence::NoResponse];
        let ranks = steady.map(|evidence| Rank::of(evidence, true));
        assert!(ranks.is_sorted() && ranks[3] > Rank::of(Evidence::Responded, false), "{ranks:?}");
        assert_eq!(Rank::of(Evidence::Verified, false), Rank::Shaken);
    }
}
