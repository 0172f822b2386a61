//! The peer's identity: its key, its WebRTC certificate and its UDP port, stored in a folder so that the multiaddr is
//! the same after a restart.
//!
//! ```text
//! DIR/identity.json   key and certificate, with a checksum; readable by its owner only
//! DIR/port            UDP port of the last run, for `--listen` addresses with port 0
//! DIR/lock            locked while a peer runs: clients would take two peers with one identity for one
//! ```
//!
//! A damaged identity is an error and is never replaced: a new identity would silently invalidate the multiaddr that
//! clients have. Without `--data-dir` the user's data folder is used if no other peer has locked it; else the identity
//! is temporary.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Keccak256, hex};
use libp2p::identity::Keypair;
use libp2p_webrtc::tokio::Certificate;
use serde::{Deserialize, Serialize};

use crate::log;

/// Why there is no identity; one line with the file or folder.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The folder or a file in it cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The content of the file is not what the peer wrote.
    #[error("{}: damaged identity ({what}); put a copy back, or remove it and get a new multiaddr", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Reason.
        what: String,
    },
    /// Another peer has locked this folder.
    #[error("{}: in use by another header-peer; give each its own --data-dir", .0.display())]
    InUse(PathBuf),
    /// The key or the certificate could not be created.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
}

/// Key, certificate, and their folder.
pub struct Identity {
    /// The libp2p identity.
    pub keypair: Keypair,
    /// The DTLS certificate; its hash is part of the multiaddr.
    pub certificate: Certificate,
    /// UDP port of the last run.
    pub last_port: Option<u16>,
    folder: Option<Folder>,
}

/// Without the keys.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("peer", &self.keypair.public().to_peer_id())
            .field("last_port", &self.last_port)
            .finish_non_exhaustive()
    }
}

/// A folder that this process has locked.
struct Folder {
    path: PathBuf,
    /// Locked while the file is open.
    _lock: File,
}

/// `identity.json`.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Protobuf encoding of the key, as in libp2p.
    key: String,
    /// Certificate and its private key, PEM.
    certificate: String,
    /// Keccak-256 of key and certificate.
    checksum: B256,
}

impl Stored {
    fn checksum(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(&self.key);
        hasher.update(&self.certificate);
        hasher.finalize()
    }
}

impl Identity {
    /// The identity in `folder`, created on the first run. Without a folder see the module's documentation.
    ///
    /// # Errors
    ///
    /// The given folder cannot be used, or its identity is damaged.
    pub fn open(folder: Option<&Path>) -> Result<Self, IdentityError> {
        match folder {
            Some(path) => Self::in_folder(path),
            None => match default_folder().map(|path| Self::in_folder(&path)) {
                Some(Err(IdentityError::InUse(_) | IdentityError::Io { .. })) | None => {
                    log::line("a new identity for this run; --data-dir DIR keeps one");
                    Self::new()
                }
                Some(result) => result,
            },
        }
    }

    /// A temporary identity.
    ///
    /// # Errors
    ///
    /// The certificate could not be created.
    pub fn new() -> Result<Self, IdentityError> {
        let certificate =
            Certificate::generate(&mut rand::rng()).map_err(|error| IdentityError::Certificate(error.to_string()))?;
        Ok(Self { keypair: Keypair::generate_ed25519(), certificate, last_port: None, folder: None })
    }

    fn in_folder(path: &Path) -> Result<Self, IdentityError> {
        fs::create_dir_all(path).map_err(io_error(path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(io_error(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => IdentityError::InUse(path.into()),
            TryLockError::Error(error) => io_error(&lock_path)(error),
        })?;

        let file = path.join("identity.json");
        let mut identity = match fs::read(&file) {
            Ok(bytes) => Self::from_json(&bytes).map_err(|what| IdentityError::Damaged { path: file, what })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let new = Self::new()?;
                write_new(&file, &new.to_json()?).map_err(io_error(&file))?;
                new
            }
            Err(error) => return Err(io_error(&file)(error)),
        };
        // The port is only a hint: for an invalid value any port is used.
        identity.last_port = fs::read_to_string(path.join("port")).ok().and_then(|port| port.trim().parse().ok());
        identity.folder = Some(Folder { path: path.into(), _lock: lock });
        Ok(identity)
    }

    /// Stores the UDP port for the next run.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn remember_port(&mut self, port: u16) -> Result<(), IdentityError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if self.last_port == Some(port) {
            return Ok(());
        }
        let path = folder.path.join("port");
        fs::write(&path, format!("{port}\n")).map_err(io_error(&path))?;
        self.last_port = Some(port);
        Ok(())
    }

    fn to_json(&self) -> Result<Vec<u8>, IdentityError> {
        let key = self.keypair.to_protobuf_encoding().map_err(|e| IdentityError::Certificate(e.to_string()))?;
        let mut stored =
            Stored { key: hex::encode(key), certificate: self.certificate.serialize_pem(), checksum: B256::ZERO };
        stored.checksum = stored.checksum();
        serde_json::to_vec_pretty(&stored).map_err(|error| IdentityError::Certificate(error.to_string()))
    }

    /// Checks the checksum first: the PEM reader of the WebRTC library must not read anything else.
    fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if stored.checksum != stored.checksum() {
            return Err("checksum does not fit".into());
        }
        let key = hex::decode(&stored.key).map_err(|error| error.to_string())?;
        let keypair = Keypair::from_protobuf_encoding(&key).map_err(|error| error.to_string())?;
        let certificate = Certificate::from_pem(&stored.certificate).map_err(|error| error.to_string())?;
        Ok(Self { keypair, certificate, last_port: None, folder: None })
    }
}

/// `$XDG_DATA_HOME/header-peer`, else `~/.local/share/header-peer`.
fn default_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("header-peer"))
}

/// Writes a file that only its owner can read, atomically.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.into();
    |error| IdentityError::Io { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_and_damage_is_named() {
        let folder = std::env::temp_dir().join(format!("header-peer-identity-{}", std::process::id()));
        let mut first = Identity::open(Some(&folder)).expect("a new identity");
        assert_eq!(first.last_port, None);
        first.remember_port(4242).expect("a writable folder");
        assert!(matches!(Identity::open(Some(&folder)), Err(IdentityError::InUse(_))));
        let (peer, print) = (first.keypair.public().to_peer_id(), first.certificate.fingerprint());
        drop(first);

        let again = Identity::open(Some(&folder)).expect("the same identity");
        assert_eq!((again.keypair.public().to_peer_id(), again.certificate.fingerprint()), (peer, print));
        assert_eq!(again.last_port, Some(4242));
        drop(again);

        let file = folder.join("identity.json");
        let good = fs::read(&file).expect("written above");
        for at in (0..good.len()).step_by(11) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x01;
            fs::write(&file, &bytes).expect("a writable folder");
            match Identity::open(Some(&folder)) {
                Err(error @ IdentityError::Damaged { .. }) => assert!(error.to_string().contains("identity.json: ")),
                Err(error) => panic!("{error}"),
                // White space, or the case of a hexadecimal digit.
                Ok(same) => assert_eq!(same.keypair.public().to_peer_id(), peer),
            }
        }
        fs::remove_dir_all(folder).expect("the test's own folder");
    }
}
