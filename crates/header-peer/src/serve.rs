//! `header-peer serve`: loads the source, starts both servers, says where they are, and runs until it is told to stop.

use std::{future::Future, io, io::Write, net::SocketAddr, path::Path, path::PathBuf, sync::Arc};

use alloy_primitives::B256;
use header_wire::{ETH_VERSION, PROTOCOL, Status};
use libp2p::Multiaddr;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::net::TcpListener;

use crate::{
    args::{GENERATE_DEFAULT, ServeArgs, SourceArgs},
    budget::Budgets,
    chain::{Chain, GENERATED_CHAIN_ID},
    fault::Fault,
    forks::Forks,
    header::HeaderFacts,
    identity::{Identity, IdentityError},
    listener::{ListenError, Listener, WebRtcListener, udp_port},
    session::{self, Service},
    source::{ForkedSource, GeneratedSource, HeaderSource, SourceError, era1, rlp},
    stats::Stats,
    web::{self, Web},
};

/// Why the peer does not run; always one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its last header cannot be read.
    #[error("cannot serve this source: {0}")]
    Unusable(String),
    /// The file of `--forks`.
    #[error("{0}")]
    Forks(String),
    /// Identity and certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The UDP address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The TCP address.
    #[error("cannot listen on tcp {address}: {error}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The page's folder.
    #[error("{}: no folder with a page", .0.display())]
    NoPage(PathBuf),
    /// Standard output or the signals of the system.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The listener ended although nobody asked it to.
    #[error("the listener ended")]
    Ended,
}

impl ServeError {
    /// 2 when the peer could not start as it was asked to, 1 when it broke while it ran.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_) | Self::Ended => 1,
            _ => 2,
        }
    }
}

/// The line of `--ready-json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    ready: bool,
    multiaddr: String,
    http: String,
    chain_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    genesis: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forks: Option<Map<String, Value>>,
    earliest: u64,
    latest: u64,
    latest_hash: B256,
}

/// Serves until `stop` is ready.
///
/// # Errors
///
/// It could not start, or broke; see [`ServeError::exit_code`].
pub async fn run(args: ServeArgs, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    if let Some(folder) = &args.web
        && !folder.is_dir()
    {
        return Err(ServeError::NoPage(folder.clone()));
    }
    // Addresses first: a taken port should not cost the time to load a source.
    let http = TcpListener::bind(args.http).await.map_err(|error| ServeError::Http { address: args.http, error })?;
    let http_address = http.local_addr()?;
    let mut identity = Identity::open(args.data_dir.as_deref())?;

    tokio::pin!(stop);
    let generated = args.source.is_generated().then(Forks::generated);
    let (source_args, seed, named) = (args.source, args.seed, args.chain);
    let (honest, natural_chain) = tokio::select! {
        opened = tokio::task::spawn_blocking(move || open_source(&source_args, seed, named)) => match opened {
            Ok(opened) => opened?,
            // A panic inside is a bug of ours: it goes on here.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Err(ServeError::Ended),
            },
        },
        () = &mut stop => return Ok(()),
    };
    let chain = args.chain.unwrap_or(natural_chain);
    let source: Arc<dyn HeaderSource> = match args.fault {
        Some(Fault::Forked) => Arc::new(ForkedSource::new(Arc::clone(&honest)).map_err(ServeError::Unusable)?),
        _ => Arc::clone(&honest),
    };
    let forks = match &args.forks {
        Some(path) => Some(Forks::load(path, chain, generated).map_err(ServeError::Forks)?),
        None => generated,
    };
    let status = status(&*source, chain, forks.as_ref())?;
    if let Some(network) = chain.network()
        && status.known_genesis() != Some(network.genesis)
    {
        eprintln!("header-peer: this source does not begin with the genesis of {}", network.name);
    }
    let service = Arc::new(Service {
        source,
        status,
        // Checked to be far under the longest message.
        answer_bytes_max: args.answer_bytes as usize,
        fault: args.fault,
        budgets: Budgets::new(args.request_budget),
        stats: Stats::default(),
    });

    let mut listener = WebRtcListener::start(&identity, args.listen, args.max_connections, PROTOCOL).await?;
    let addresses = listener.addresses().borrow().clone();
    if let Some(port) = addresses.first().and_then(udp_port) {
        identity.remember_port(port)?;
    }

    let web = Web { service: Arc::clone(&service), source: honest, chain, forks, addresses: listener.addresses() };
    let page = tokio::spawn(axum::serve(http, web::router(web.clone(), args.web)).into_future());
    eprintln!("header-peer: {chain}, headers {} to {}, latest {}", status.earliest, status.latest, status.latest_hash);
    announce(args.ready_json, &addresses, http_address, &web, &status)?;

    let result = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Some((peer, stream)) => {
                    let service = Arc::clone(&service);
                    // Bounded by the connections and by the streams of each identity.
                    tokio::spawn(async move {
                        if let Err(error) = session::run(&service, peer, stream).await {
                            eprintln!("header-peer: {peer}: {error}");
                        }
                    });
                }
                None => break Err(ServeError::Ended),
            },
            () = &mut stop => break Ok(()),
        }
    };
    page.abort();
    listener.close().await;
    result
}

/// The source that was asked for, and the chain that it seems to be.
fn open_source(
    args: &SourceArgs,
    seed: u64,
    named: Option<Chain>,
) -> Result<(Arc<dyn HeaderSource>, Chain), SourceError> {
    let (source, path) = if let Some(path) = args.era1.first() {
        let network = named.and_then(Chain::network).map(|network| network.name);
        (era1::load(&args.era1, network)?, path)
    } else if let Some(path) = &args.rlp {
        (rlp::load(path, rlp::Item::Block)?, path)
    } else if let Some(path) = &args.headers {
        (rlp::load(path, rlp::Item::Header)?, path)
    } else {
        let count = args.generate.unwrap_or(GENERATE_DEFAULT);
        let chain = Chain { id: GENERATED_CHAIN_ID };
        return Ok((Arc::new(GeneratedSource::new(seed, count)), chain));
    };
    let chain = Chain::of_file(source.genesis(), file_name(path).as_deref());
    Ok((Arc::new(source), chain))
}

/// Name of the file, or of any file in a folder: those of an era1 folder are all of one network.
fn file_name(path: &Path) -> Option<String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    if path.is_dir() { name(&std::fs::read_dir(path).ok()?.next()?.ok()?.path()) } else { name(path) }
}

fn status(source: &dyn HeaderSource, chain: Chain, forks: Option<&Forks>) -> Result<Status, ServeError> {
    let (earliest, latest) = (source.earliest(), source.latest());
    let header = source.by_number(latest).ok_or_else(|| ServeError::Unusable("its last header is missing".into()))?;
    let head = HeaderFacts::read(&header).map_err(|error| ServeError::Unusable(error.to_string()))?;
    // What the source does not hold may be known from its network; else it is unknown, and is sent as that.
    let genesis = source.genesis().or_else(|| chain.network().map(|network| network.genesis));
    Ok(Status {
        version: ETH_VERSION,
        network_id: chain.id,
        genesis: genesis.unwrap_or(Status::GENESIS_UNKNOWN),
        fork_id: chain.fork_id(genesis, latest, head.timestamp, forks),
        earliest,
        latest,
        latest_hash: head.hash,
    })
}

/// Says on standard output where the peer is; everything else goes to standard error.
fn announce(json: bool, addresses: &[Multiaddr], http: SocketAddr, web: &Web, status: &Status) -> io::Result<()> {
    let page = format!("http://{http}");
    let mut out = io::stdout().lock();
    if json {
        let ready = Ready {
            ready: true,
            multiaddr: addresses.first().map(ToString::to_string).unwrap_or_default(),
            http: page,
            chain_id: web.chain.id,
            forks: web.forks.as_ref().map(Forks::json).cloned(),
            genesis: status.known_genesis(),
            earliest: status.earliest,
            latest: status.latest,
            latest_hash: status.latest_hash,
        };
        writeln!(out, "{}", serde_json::to_string(&ready)?)?;
    } else {
        for address in addresses {
            writeln!(out, "peer {address}")?;
        }
        writeln!(out, "page {page}/")?;
    }
    out.flush()
}
