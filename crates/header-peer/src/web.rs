//! The web server: the page, the peer's addresses, and its counters.
//!
//! | path | what |
//! |---|---|
//! | `/` | the page's files (`--web DIR`), never cached, so that a rebuilt page is shown at once |
//! | `/peers.json` | chain, range and multiaddrs; any origin may read it |
//! | `/stats.json` | counters since the start; any origin may read it |
//! | `/headers.bin?from=&to=` | RLP of the headers `from..=to`, rising, from the source without faults; for comparisons |

use std::{fmt, path::PathBuf, sync::Arc};

use alloy_primitives::B256;
use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::{Bytes, BytesMut};
use futures::stream;
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use crate::{chain::Chain, forks::Forks, limits, session::Service, source::HeaderSource};

/// State of the routes.
#[derive(Clone)]
pub struct Web {
    /// Identity and counters of the peer.
    pub service: Arc<Service>,
    /// The honest headers, even with `--fault`.
    pub source: Arc<dyn HeaderSource>,
    /// Chain of the peer.
    pub chain: Chain,
    /// Forks that override the network's own table.
    pub forks: Option<Forks>,
    /// Addresses of the peer.
    pub addresses: watch::Receiver<Vec<Multiaddr>>,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("service", &self.service)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// `GET /peers.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Peers {
    chain_id: u64,
    chain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    genesis: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forks: Option<Map<String, Value>>,
    earliest: u64,
    latest: u64,
    latest_hash: B256,
    peers: Vec<String>,
}

/// The routes, and the page in `folder`.
pub fn router(web: Web, folder: Option<PathBuf>) -> Router {
    let routes = Router::new()
        .route("/peers.json", get(peers))
        .route("/stats.json", get(stats))
        .route("/headers.bin", get(headers))
        .with_state(web);
    let routes = match folder {
        Some(folder) => routes.fallback_service(ServeDir::new(folder)),
        None => routes.fallback(no_page),
    };
    let set = SetResponseHeaderLayer::overriding;
    routes.layer(set(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

const ANY_ORIGIN: (header::HeaderName, HeaderValue) =
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

async fn peers(State(web): State<Web>) -> impl IntoResponse {
    let status = web.service.status;
    let body = Peers {
        chain_id: web.chain.id,
        chain: web.chain.to_string(),
        genesis: status.known_genesis(),
        forks: web.forks.as_ref().map(Forks::json).cloned(),
        earliest: status.earliest,
        latest: status.latest,
        latest_hash: status.latest_hash,
        peers: web.addresses.borrow().iter().map(ToString::to_string).collect(),
    };
    ([ANY_ORIGIN], Json(body))
}

async fn stats(State(web): State<Web>) -> impl IntoResponse {
    ([ANY_ORIGIN], Json(web.service.stats.snapshot()))
}

#[derive(Debug, Deserialize)]
struct Span {
    from: Option<u64>,
    to: Option<u64>,
}

async fn headers(State(web): State<Web>, Query(span): Query<Span>) -> Response {
    let (earliest, latest) = (web.source.earliest(), web.source.latest());
    let (from, to) = (span.from.unwrap_or(earliest), span.to.unwrap_or(latest));
    if from > to || from < earliest || to > latest {
        return (StatusCode::BAD_REQUEST, format!("only headers {earliest} to {latest} are available\n"))
            .into_response();
    }
    // `None` once the last header was sent.
    let chunks = stream::unfold((web.source, Some(from)), move |(source, next)| async move {
        let (chunk, next) = chunk(&*source, next?, to);
        Some((Ok::<_, std::convert::Infallible>(chunk), (source, next)))
    });
    (
        [ANY_ORIGIN, (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))],
        Body::from_stream(chunks),
    )
        .into_response()
}

/// Headers from `from` on, and the start of the next chunk.
fn chunk(source: &dyn HeaderSource, from: u64, to: u64) -> (Bytes, Option<u64>) {
    let mut out = BytesMut::with_capacity(limits::DUMP_CHUNK_BYTES + 1024);
    for number in from..=to {
        if out.len() >= limits::DUMP_CHUNK_BYTES {
            return (out.freeze(), Some(number));
        }
        if let Some(header) = source.by_number(number) {
            out.extend_from_slice(&header);
        }
    }
    (out.freeze(), None)
}

async fn no_page() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, "Nothing here. The page is served with --web DIR; see /peers.json and /stats.json.\n")
}
