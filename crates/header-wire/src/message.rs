//! The messages as plain values, with their fields in wire order.

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
    /// Chain and served range of the sender; the first message of both sides.
    Status(Status),
    /// A request for headers.
    GetBlockHeaders(GetBlockHeaders),
    /// A response to a request for headers.
    BlockHeaders(BlockHeaders),
    /// A change of the served range.
    BlockRangeUpdate(BlockRangeUpdate),
}

impl Message {
    /// Message id, the first byte of the body.
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
    /// Block number or timestamp of the next fork; 0 if none is known.
    pub next: u64,
}

/// Chain and served range of a side (EIP-7642).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Version of the message set, [`ETH_VERSION`](crate::ETH_VERSION).
    pub version: u32,
    /// Network id; the chain id on every public network, 0 where it is not known.
    pub network_id: u64,
    /// Hash of the genesis block; [`GENESIS_UNKNOWN`](Self::GENESIS_UNKNOWN) if the sender does not know it.
    pub genesis: B256,
    /// Fork identifier at the latest block.
    pub fork_id: ForkId,
    /// Lowest block that the sender serves.
    pub earliest: u64,
    /// Highest block that the sender serves.
    pub latest: u64,
    /// Hash of the highest block.
    pub latest_hash: B256,
}

impl Status {
    /// Genesis of a sender that does not know it: 32 zero bytes. A receiver compares nothing with it.
    pub const GENESIS_UNKNOWN: B256 = B256::ZERO;

    /// Hash of the genesis block, if the sender knows it.
    pub fn known_genesis(&self) -> Option<B256> {
        (self.genesis != Self::GENESIS_UNKNOWN).then_some(self.genesis)
    }
}

/// First header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashOrNumber {
    /// The header with this hash.
    Hash(B256),
    /// The canonical header with this number.
    Number(u64),
}

/// A request for headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetBlockHeaders {
    /// The response carries the same id.
    pub request_id: u64,
    /// First header to return.
    pub start: HashOrNumber,
    /// Most headers in the response; at most [`HEADERS_PER_REQUEST_MAX`](crate::limits::HEADERS_PER_REQUEST_MAX).
    pub limit: u64,
    /// Numbers to skip between two headers.
    pub skip: u64,
    /// `true`: falling (towards the genesis); `false`: rising.
    pub reverse: bool,
}

/// The response to a [`GetBlockHeaders`]: the first headers of the requested ones, in the requested order; may be
/// empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeaders {
    /// Id of the request.
    pub request_id: u64,
    /// RLP of each header with its list prefix: slices of the buffer in which the message was received. Each slice
    /// keeps the whole buffer in memory; copy a header that is kept for long.
    pub headers: Vec<Bytes>,
}

/// A change of the served range (EIP-7642).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRangeUpdate {
    /// Lowest block that the sender serves.
    pub earliest: u64,
    /// Highest block that the sender serves.
    pub latest: u64,
    /// Hash of the highest block.
    pub latest_hash: B256,
}
