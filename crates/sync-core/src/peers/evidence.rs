//! What a peer has shown by its own doing, and the order of peers that follows from it.
//!
//! | rank | the peer | may have |
//! |---|---|---|
//! | [`Verified`](Rank::Verified) | headers of it were verified, nothing speaks against it | everything |
//! | [`Shaken`](Rank::Shaken) | the same, but it was silent since, or has a low score | a trial |
//! | [`Answered`](Rank::Answered) | it answered; no header of it was verified | a trial |
//! | [`New`](Rank::New) | it was never asked | a trial |
//! | [`Doubtful`](Rank::Doubtful) | it answered once, was silent since, or has a low score | a trial |
//! | [`Unanswered`](Rank::Unanswered) | it was asked and never answered | a trial |
//!
//! "Never asked" and "never answered" are two things: the first may be the best peer there is, the second is the worst.
//! What a trial is, and when there is no other way than to ask whoever is there, says `sync::front`.

/// What is known of a peer by its own doing, in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// It was never asked.
    #[default]
    NeverAsked,
    /// It was asked and did not answer yet.
    Unanswered,
    /// It answered. What a response is worth shows later.
    Answered,
    /// Headers of it were verified.
    Verified,
}

impl Evidence {
    /// The peer is asked for something.
    pub fn asked(&mut self) {
        *self = (*self).max(Self::Unanswered);
    }

    /// A whole response of it came.
    pub fn answered(&mut self) {
        *self = (*self).max(Self::Answered);
    }

    /// Headers of it were verified.
    pub fn verified(&mut self) {
        *self = Self::Verified;
    }

    /// The same peer under another id: what it showed is remembered, but it is not asked first for that.
    pub fn inherit(&mut self, before: Self) {
        *self = (*self).max(before.min(Self::Answered));
    }
}

/// The order in which peers are asked. See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Headers of it were verified, and nothing speaks against it.
    Verified,
    /// Headers of it were verified; it was silent since, or has a low score.
    Shaken,
    /// It answered.
    Answered,
    /// It was never asked.
    New,
    /// It answered once, was silent since, or has a low score.
    Doubtful,
    /// It was asked and never answered.
    Unanswered,
}

impl Rank {
    /// The rank of a peer with this evidence. `steady`: it was not silent lately, and its score is good.
    pub fn of(evidence: Evidence, steady: bool) -> Self {
        match (evidence, steady) {
            (Evidence::Verified, true) => Self::Verified,
            (Evidence::Verified, false) => Self::Shaken,
            (Evidence::Answered, true) => Self::Answered,
            (Evidence::NeverAsked, true) => Self::New,
            (Evidence::Answered | Evidence::NeverAsked, false) => Self::Doubtful,
            (Evidence::Unanswered, _) => Self::Unanswered,
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
        assert_eq!(evidence, Evidence::Unanswered);
        evidence.answered();
        evidence.asked();
        assert_eq!(evidence, Evidence::Answered);
        evidence.verified();
        evidence.answered();
        assert_eq!(evidence, Evidence::Verified);
        let mut other = Evidence::default();
        other.inherit(evidence);
        assert_eq!(other, Evidence::Answered);
        let mut silent = Evidence::default();
        silent.inherit(Evidence::Unanswered);
        assert_eq!(silent, Evidence::Unanswered, "a new id is no new chance");
    }

    #[test]
    fn u01_never_answered_is_the_worst_and_never_asked_is_not() {
        let steady = [Evidence::Verified, Evidence::Answered, Evidence::NeverAsked, Evidence::Unanswered];
        let ranks = steady.map(|evidence| Rank::of(evidence, true));
        assert!(ranks.is_sorted() && ranks[3] > Rank::of(Evidence::Answered, false), "{ranks:?}");
        assert_eq!(Rank::of(Evidence::Verified, false), Rank::Shaken);
    }
}
