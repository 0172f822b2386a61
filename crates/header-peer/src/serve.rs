//! `header-peer serve`: loads the source, starts both servers, prints their addresses, and runs until the stop signal.

use std::{future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Instant};

use header_wire::{ETH_VERSION, PROTOCOL, Status};
use tokio::{net::TcpListener, time::MissedTickBehavior};

use crate::{
    announce::Ready,
    args::{GENERATE_DEFAULT, ServeArgs, SourceArgs},
    budget::Budgets,
    chain::{Chain, GENERATED_CHAIN_ID, network_of_file},
    fault::{Fault, PRUNED_HEADERS},
    forks::Forks,
    header::HeaderFacts,
    identity::{Identity, IdentityError},
    limits,
    listener::{ListenError, Listener, WebRtcListener, bind_error, udp_port},
    log::{self, LimitedLog},
    session::{self, Service},
    source::{ForkedSource, GeneratedSource, HeaderSource, PrunedSource, SourceError, era1, rlp},
    stats::Stats,
    web::{self, Web},
};

/// Why the peer cannot run; always one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The source cannot be loaded.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The last header of the source cannot be read.
    #[error("cannot serve this source: {0}")]
    Unusable(String),
    /// The file of `--forks` is invalid.
    #[error("{0}")]
    Forks(String),
    /// Identity or certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The UDP address cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The TCP address cannot be used.
    #[error("cannot listen on tcp {address}: {}", bind_error(.error))]
    Http {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// The folder of the page does not exist.
    #[error("{}: no folder with a page", .0.display())]
    NoPage(PathBuf),
    /// Standard output, or the signals of the system.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The listener ended without a stop signal.
    #[error("the listener ended")]
    Ended,
}

impl ServeError {
    /// 2 if the peer could not start as requested, 1 if it failed while it ran.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_) | Self::Ended => 1,
            _ => 2,
        }
    }
}

/// Serves until `stop` completes.
///
/// # Errors
///
/// The peer could not start, or failed; see [`ServeError::exit_code`].
pub async fn run(args: ServeArgs, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    if let Some(folder) = &args.web
        && !folder.is_dir()
    {
        return Err(ServeError::NoPage(folder.clone()));
    }
    // Addresses first: a port in use should not cost the time to load a source.
    let http = TcpListener::bind(args.http).await.map_err(|error| ServeError::Http { address: args.http, error })?;
    let http_address = http.local_addr()?;
    let mut identity = Identity::open(args.data_dir.as_deref())?;

    tokio::pin!(stop);
    let generated = args.source.is_generated().then(Forks::generated);
    let (source_args, seed, named) = (args.source, args.seed, args.chain);
    let (honest, natural_chain) = tokio::select! {
        opened = tokio::task::spawn_blocking(move || open_source(&source_args, seed, named)) => match opened {
            Ok(opened) => opened?,
            // A panic inside is a bug: it is passed on.
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
        Some(Fault::Pruned) => Arc::new(PrunedSource::new(Arc::clone(&honest), PRUNED_HEADERS)),
        _ => Arc::clone(&honest),
    };
    let forks = match &args.forks {
        Some(path) => Some(Forks::load(path, chain.id, generated).map_err(ServeError::Forks)?),
        None => generated,
    };
    let status = status(&*source, chain, forks.as_ref())?;
    if let Some(network) = chain.network()
        && status.known_genesis() != Some(network.genesis)
    {
        log::line(format_args!("this source does not begin with the genesis of {}", network.name));
    }
    let service = Arc::new(Service {
        source,
        status,
        // Arguments are checked: far below the longest message.
        response_bytes_max: args.response_bytes as usize,
        fault: args.fault,
        budgets: Budgets::new(args.request_budget),
        stats: Stats::default(),
    });

    let mut listener = WebRtcListener::start(&identity, args.listen, args.max_connections, PROTOCOL).await?;
    let addresses = listener.addresses().borrow().clone();
    if let Some(port) = addresses.first().and_then(udp_port) {
        identity.remember_port(port)?;
    }

    let forks_json = forks.as_ref().map(Forks::json).cloned();
    let web = Web { service: Arc::clone(&service), source: honest, chain, forks, addresses: listener.addresses() };
    let page = tokio::spawn(axum::serve(http, web::router(web, args.web)).into_future());
    log::line(format_args!("{chain}, headers {} to {}, latest {}", status.earliest, status.latest, status.latest_hash));
    let ready = Ready::new(&addresses, http_address, chain, forks_json, &status);
    // A closed standard output is not a reason to stop.
    if let Err(error) = ready.announce(args.ready_json) {
        log::line(format_args!("standard output: {error}"));
    }

    let stream_log = Arc::new(LimitedLog::new(Instant::now()));
    let mut report = tokio::time::interval(limits::LOG_WINDOW);
    report.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let result = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Some((peer, stream)) => {
                    let (service, log) = (Arc::clone(&service), Arc::clone(&stream_log));
                    // Bounded by the connections and by the streams of each identity.
                    tokio::spawn(async move {
                        if let Err(error) = session::run(&service, peer, stream).await {
                            log.line(Instant::now(), format_args!("{peer}: {error}"));
                        }
                    });
                }
                None => break Err(ServeError::Ended),
            },
            _ = report.tick() => stream_log.report(Instant::now()),
            () = &mut stop => break Ok(()),
        }
    };
    page.abort();
    listener.close().await;
    result
}

/// The source of the arguments, and its chain.
fn open_source(
    args: &SourceArgs,
    seed: u64,
    named: Option<Chain>,
) -> Result<(Arc<dyn HeaderSource>, Chain), SourceError> {
    let (source, network) = if !args.era1.is_empty() {
        let wanted = named.and_then(Chain::network).map(|network| network.name);
        era1::load(&args.era1, wanted)?
    } else if let Some(path) = &args.rlp {
        (rlp::load(path, rlp::Item::Block)?, network_of_file(path))
    } else if let Some(path) = &args.headers {
        (rlp::load(path, rlp::Item::Header)?, network_of_file(path))
    } else {
        let count = args.generate.unwrap_or(GENERATE_DEFAULT);
        let chain = Chain { id: GENERATED_CHAIN_ID };
        return Ok((Arc::new(GeneratedSource::new(seed, count)), chain));
    };
    let chain = Chain::of_source(source.genesis(), network.as_deref());
    Ok((Arc::new(source), chain))
}

fn status(source: &dyn HeaderSource, chain: Chain, forks: Option<&Forks>) -> Result<Status, ServeError> {
    let (earliest, latest) = (source.earliest(), source.latest());
    let header = source.by_number(latest).ok_or_else(|| ServeError::Unusable("its last header is missing".into()))?;
    let head = HeaderFacts::read(&header).map_err(|error| ServeError::Unusable(error.to_string()))?;
    // The network may tell what the source does not hold; else it is sent as unknown.
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
