//! The store against the minimum work of IndexedDB; behind the feature `bench`, never shipped.
//!
//! Both write the same packed segments, one batch per transaction, alternately, into separate databases. The bare side
//! has its `Uint8Array`s ready and writes nothing else; ours packs them, copies them out of wasm memory, and writes the
//! hash index and the checkpoint too. Both guarantee the same: `durability: 'strict'`. (A bare write that is not
//! durable is measured too.)

use header_rules::range::BlockRange;
use header_store::{HeaderStore, Segment, contract::TestChain};
use indexed_db_futures::{
    Build, BuildPrimitive,
    database::Database,
    error::{Error, OpenDbError},
    transaction::{TransactionDurability, TransactionMode, TransactionOptions},
};
use sync_core::{checkpoint::Checkpoint, etl::HeaderBatch};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::WorkerGlobalScope;

use super::{IdbStore, WriteLock, rows::to_js};

/// Headers in a batch, as in the sync.
const WINDOW: u64 = 8_192;
/// Batches, if the caller gives none: enough to merge and split each bucket of the index.
const BATCHES_DEFAULT: u32 = 20;
/// More would not fit into the memory of a small machine.
const BATCHES_MAX: u32 = 128;
/// First batches, not counted: they fill caches.
const WARM_UP: usize = 2;

const OURS: &str = "headlight-bench-store";
const BARE: &str = "headlight-bench-bare";
const TABLE: &str = "records";

/// Our MB/s divided by those of a bare write of the same segments.
#[wasm_bindgen]
pub async fn bench_store(batches: Option<u32>) -> Result<f64, JsError> {
    let rates = bench_store_rates(batches).await?;
    Ok(rates[0] / rates[1])
}

/// MB/s of header bytes, the medians over the batches: ours, a bare write of the same segments, and a bare write that
/// is not durable. Needs a worker.
#[wasm_bindgen]
pub async fn bench_store_rates(batches: Option<u32>) -> Result<Vec<f64>, JsError> {
    let count = u64::from(batches.unwrap_or(BATCHES_DEFAULT).clamp(1, BATCHES_MAX)) + WARM_UP as u64;
    let last = count * WINDOW - 1;
    let range = BlockRange::new(0, last).ok_or_else(|| JsError::new("no headers"))?;
    let chain = TestChain::new(last as usize + 1, 1);
    let base = Checkpoint::new(chain.spec().id(), 0);
    let batches = chain.batches(range, WINDOW, &base);
    drop(chain);

    for name in [OURS, BARE] {
        Database::delete_by_name(name)?.await?;
    }
    let lock = WriteLock::wait(OURS)?.await?;
    let mut ours = IdbStore::connect(OURS).await?;
    ours.grant(lock);
    let bare = Bare::open().await?;

    let mut rates: [Vec<f64>; 3] = Default::default();
    for (turn, batch) in batches.iter().enumerate() {
        let records: Vec<_> = Segment::pack_batch(batch)
            .map(|segment| (segment.range().first() as f64, to_js(segment.record())))
            .collect();
        // The second write may find the disk busy with the first; so each side is first in turn.
        for side in (0..3).map(|side| (side + turn) % 3) {
            let took = match side {
                0 => store(&mut ours, batch).await?,
                1 => bare.write(&records, TransactionDurability::Strict).await?,
                _ => bare.write(&records, TransactionDurability::Relaxed).await?,
            };
            if turn >= WARM_UP {
                rates[side].push(batch.bytes() as f64 / 1_000.0 / took);
            }
        }
    }
    drop(ours);
    bare.0.close();
    for name in [OURS, BARE] {
        Database::delete_by_name(name)?.await?;
    }
    Ok(rates.map(median).to_vec())
}

/// The median ignores batches during which the machine was busy.
fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

async fn store(ours: &mut IdbStore, batch: &HeaderBatch) -> Result<f64, JsError> {
    let begin = now();
    ours.persist(batch).await?;
    Ok(now() - begin)
}

struct Bare(Database);

impl Bare {
    async fn open() -> Result<Self, OpenDbError> {
        let request = Database::open(BARE).with_version(1u32).with_on_upgrade_needed(|_, db| {
            db.create_object_store(TABLE).build()?;
            Ok(())
        });
        Ok(Self(request.await?))
    }

    async fn write(&self, records: &[(f64, JsValue)], durability: TransactionDurability) -> Result<f64, Error> {
        let begin = now();
        let options = TransactionOptions::new().with_durability(durability);
        let tx = self.0.transaction(TABLE).with_mode(TransactionMode::Readwrite).with_options(options).build()?;
        {
            let table = tx.object_store(TABLE)?;
            for (first, record) in records {
                // A failure is reported at the commit.
                drop(table.put(record).with_key(*first).without_key_type().primitive()?);
            }
        }
        tx.commit().await?;
        Ok(now() - begin)
    }
}

/// Milliseconds, resolution 5 us.
fn now() -> f64 {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    // Every worker with IndexedDB has `performance`.
    scope.performance().map_or(f64::NAN, |performance| performance.now())
}
