//! Progress: malicious peers may delay a sync, and only by so much. By when a world under attack must be done.
//!
//! The measure is the same world without its malicious peers ([`Options::without_attackers`]), from the moment when it
//! is quiescent: from then on the honest peers are connected, agree, and have clean ways. The sync may take [`TIMES`]
//! times as long, and [`Attack::allowance`](crate::attack::Attack::allowance) more.
//!
//! * **Twice**: attackers in these worlds are up to sixteen, against one to six honest peers, and five new ones may come
//!   in a second. With piece sizes and windows that adapt, a piece that was given to a malicious peer is a piece that an
//!   honest one serves later: when each piece of the front is held up once, that is twice the time. More is a share of
//!   the honest peers' bandwidth that is lost for as long as the attack goes on.
//! * **What is paid once**, however long the sync is: [`Attack::allowance`](crate::attack::Attack::allowance), for each
//!   kind about a half more than the worst of four hundred to eighteen hundred measured worlds of it. Most are under one
//!   deadline of a peer that was never heard of (5 s): a machine that waits for such a deadline is found.
//!
//! The attack table ([`table`](crate::table)) has longer syncs and tighter limits, without an allowance.

use crate::{chain::Pool, options::Options, outcome::Outcome, world::World};

/// How many times longer an attack may make a sync.
pub const TIMES: u64 = 2;

/// The options, with the moment by which the sync must be done if the world is one under attack. An error is what became
/// of the same world without its malicious peers: even that violated something.
pub fn with_due(pool: &Pool, mut options: Options) -> Result<Options, Box<Outcome>> {
    if options.attack.is_none() {
        return Ok(options);
    }
    let mut outcome = World::new(pool, options.without_attackers(), None, 0).run();
    if let Some(violation) = &mut outcome.violation {
        violation.what = format!("without the malicious peers: {}", violation.what);
        return Err(Box::new(outcome));
    }
    let quiescent_at = options.script.quiescent_at;
    if let Some(attack) = &mut options.attack {
        attack.due = Some(quiescent_at + TIMES * outcome.took + attack.kind.allowance());
    }
    Ok(options)
}
