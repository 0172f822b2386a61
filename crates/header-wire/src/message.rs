//! The messages as plain values. Field order is the order on the wire.

use alloc::vec::Vec;
use alloy_primitives::B256;
use bytes::Bytes;

/// Message ids of eth/69 that this protocol speaks.
pub mod id {
    /// [`Status`](super::Status)
    pub const STATUS: u8 = 0x00;
    /// [`GetBlockHeaders`](super::GetBlockHeaders)
    pub const GET_BLOCK_HEADERS: u8 = 0x03;
    /// [`BlockHeaders`](super::BlockHeaders)
    pub const BLOCK_HEADERS: u8 = 0x04;
    /// [`BlockRangeUpdate`](super::BlockRangeUpdate)
    pub const BLOCK_RANGE_UPDATE: u8 = 0x11;
}

/// One message of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who I am and what I serve; the first message of both sides.
    Status(Status),
    /// A request for a run of headers.
    GetBlockHeaders(GetBlockHeaders),
    /// The response to it.
    BlockHeaders(BlockHeaders),
    /// What I serve has changed.
    BlockRangeUpdate(BlockRangeUpdate),
}

impl Message {
    /// Its id, the first byte of the body.
    pub const fn id(&self) -> u8 {
        match self {
            Self::Status(_) => id::STATUS,
            Self::GetBlockHeaders(_) => id::GET_BLOCK_HEADERS,
            Self::BlockHeaders(_) => id::BLOCK_HEADERS,
            Self::BlockRangeUpdate(_) => id::BLOCK_RANGE_UPDATE,
        }
    }
}

/// Fork identifier (EIP-2124).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForkId {
    /// CRC-32 of the genesis hash and the forks that have passed.
    pub hash: [u8; 4],
    /// Block number or timestamp of the next fork; 0 when none is known.
    pub next: u64,
}

/// Who a side is and which blocks it serves (EIP-7642).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Version of the message set, [`ETH_VERSION`](crate::ETH_VERSION).
    pub version: u32,
    /// Network id; the chain id on every public network, 0 where it is not known.
    pub network_id: u64,
    /// Hash of the genesis block; [`GENESIS_UNKNOWN`](Self::GENESIS_UNKNOWN) from a side that does not know it.
    pub genesis: B256,
    /// Fork identifier at the latest block.
    pub fork_id: ForkId,
    /// Lowest block that this side serves.
    pub earliest: u64,
    /// Highest block that this side serves.
    pub latest: u64,
    /// Hash of the highest block.
    pub latest_hash: B256,
}

impl Status {
    /// What a side sends that does not know the genesis of its chain: 32 zero bytes, the hash of no block. Nothing may be
    /// compared with it.
    pub const GENESIS_UNKNOWN: B256 = B256::ZERO;

    /// Hash of the genesis block, if the sender knows it.
    pub fn known_genesis(&self) -> Option<B256> {
        (self.genesis != Self::GENESIS_UNKNOWN).then_some(self.genesis)
    }
}

/// Where a request starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashOrNumber {
    /// At the header with this hash.
    Hash(B256),
    /// At the canonical header with this number.
    Number(u64),
}

/// A request for headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetBlockHeaders {
    /// Comes back with the response.
    pub request_id: u64,
    /// First header of the response.
    pub start: HashOrNumber,
    /// Most headers in the response; at most [`HEADERS_PER_REQUEST_MAX`](crate::limits::HEADERS_PER_REQUEST_MAX).
    pub limit: u64,
    /// Numbers left out between two headers.
    pub skip: u64,
    /// Falling (towards the genesis) when true, rising when false.
    pub reverse: bool,
}

/// The response to a [`GetBlockHeaders`]: a prefix of what was asked for, in the order asked for; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeaders {
    /// Id of the request.
    pub request_id: u64,
    /// RLP of each header with its list prefix: slices of the one buffer in which the message was received. A header
    /// that is kept for long keeps that whole buffer; copy it when that matters.
    pub headers: Vec<Bytes>,
}

/// What a side serves has changed (EIP-7642).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRangeUpdate {
    /// Lowest block that this side serves.
    pub earliest: u64,
    /// Highest block that this side serves.
    pub latest: u64,
    /// Hash of the highest block.
    pub latest_hash: B256,
}
