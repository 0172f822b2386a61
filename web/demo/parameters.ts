/**
 * Parameters of the page's address, all optional:
 *
 * - `peers`: multiaddresses, separated by commas or in repeated parameters; default: `./peers.json`
 * - `chain`: a name (`mainnet`, `sepolia`, `holesky`, `hoodi`) or a chain id; default: the chain in `./peers.json`
 * - `genesis`: hash of block 0, for a chain without a name
 * - `target`: hash to sync down from
 * - `forks`: a JSON object, `ForkSchedule`; default: the one in `./peers.json`, if the chain comes from there
 * - `store`: name of the database
 * - `tuning`: a JSON object, `SyncTuning`
 */

import { CHAIN_IDS, type ChainName, type CustomChain, type Hash, HeadlightError, type SyncOptions } from 'headlight';
import { describe } from './log.js';

/** The fields of the peer list that this page reads. */
interface PeerList {
  chainId?: number;
  genesis?: Hash;
  forks?: NonNullable<SyncOptions['forks']>;
}

const PEER_LIST = new URL('peers.json', document.baseURI);

/** Options of the sync, from the page's address or from the peer list. */
interface ChainChoice {
  chain: ChainName | CustomChain;
  forks?: NonNullable<SyncOptions['forks']>;
}

/** The options of this page. Rejects with `no-peers-url` if they need the peer list and it cannot be read. */
export async function readOptions(query: URLSearchParams): Promise<SyncOptions> {
  const peers = query
    .getAll('peers')
    .flatMap((list) => list.split(','))
    .filter((peer) => peer !== '');
  const { chain, forks } = await readChain(query, peers.length > 0);
  const options: SyncOptions = { chain };
  const givenForks = query.get('forks');
  if (givenForks !== null) options.forks = JSON.parse(givenForks) as NonNullable<SyncOptions['forks']>;
  else if (forks !== undefined) options.forks = forks;
  if (peers.length > 0) options.peers = peers;
  else options.peersUrl = PEER_LIST;
  const target = query.get('target');
  if (target !== null) options.target = target as Hash;
  const name = query.get('store');
  if (name !== null) options.storage = { name };
  const tuning = query.get('tuning');
  if (tuning !== null) options.tuning = parseTuning(tuning);
  return options;
}

/** `startSync` checks the content. */
function parseTuning(text: string): NonNullable<SyncOptions['tuning']> {
  try {
    return JSON.parse(text) as NonNullable<SyncOptions['tuning']>;
  } catch (error) {
    throw new HeadlightError('bad-option', `tuning is not a JSON object: ${describe(error)}`, { option: 'tuning' });
  }
}

/** The name of this chain. */
export function chainLabel(chain: SyncOptions['chain']): string {
  if (typeof chain === 'string') return chain;
  const known = Object.entries(CHAIN_IDS).find(([, id]) => id === chain.id);
  return known?.[0] ?? (chain.id === 0 ? 'unknown chain' : `chain ${chain.id}`);
}

async function readChain(query: URLSearchParams, peersAreNamed: boolean): Promise<ChainChoice> {
  const named = query.get('chain');
  const genesis = query.get('genesis') as Hash | null;
  if (named !== null && !/^\d+$/.test(named)) return { chain: named as ChainName };
  if (named !== null) return { chain: genesis === null ? { id: Number(named) } : { id: Number(named), genesis } };
  // This page and the list come from the same server, so the list's chain is the default.
  const list = await fetchList();
  const chain: CustomChain = { id: list.chainId ?? 0 };
  if (list.genesis !== undefined && !peersAreNamed) chain.genesis = list.genesis;
  return list.forks === undefined ? { chain } : { chain, forks: list.forks };
}

async function fetchList(): Promise<PeerList> {
  try {
    const response = await fetch(PEER_LIST, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const list: unknown = await response.json();
    if (typeof list !== 'object' || list === null) throw new Error('it is not a JSON object');
    return list;
  } catch (error) {
    const why = describe(error);
    throw new HeadlightError('no-peers-url', `the peer list at ${PEER_LIST.href} cannot be read: ${why}`);
  }
}
