//! Recordings of sync sessions, for reports of bugs.
//!
//! The machine of `sync-core` reads no clock, has no chance but its seed's and sees the world through its inputs alone. So a
//! list of its inputs, each with its moment, is the whole session: [`replay()`] runs the machine again and gives the same
//! outputs. A [`Recorder`] stands beside the host's event loop and writes that list; a page offers it as a file.
//!
//! # The file
//!
//! [`MAGIC`], then records in the form of `postcard`, one after another ([`mod@file`]):
//!
//! | record | meaning |
//! |---|---|
//! | `Start` | a machine was made: settings, chain, checkpoint, what was known of peers |
//! | `Input` | an input, with its moment |
//! | `Polls` | so many polls at one moment |
//! | `Drained` | the machine is drained; the digest of all its outputs so far |
//! | `Full` | the recorder has reached its limit; what followed is not in the file |
//!
//! One file holds every machine of a session: a host starts another one when its store was lost.
//!
//! # Limits and privacy
//!
//! A recorder keeps the beginning of a session, up to a number of bytes that its owner chooses. A header takes some 600 of
//! them, everything else is small. A recording has the addresses of the peers and the hashes that the user asked for; it
//! has no keys.
//!
//! A file is untrusted: [`replay()`] returns an error for what is no recording, and its memory is bounded by the length of
//! the file and by the limits of the machine.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod digest;
pub mod file;
mod recorder;
mod replay;

pub use digest::Digest;
pub use file::MAGIC;
pub use recorder::Recorder;
pub use replay::{ReplayError, Replayed, Step, replay};
