/**
 * What the address of the page may say. All is optional:
 *
 * - `peers`: multiaddresses, separated by commas, or the parameter more than once; otherwise `./peers.json`
 * - `chain`: a name (`mainnet`, `sepolia`, `holesky`, `hoodi`) or a chain id; otherwise what `./peers.json` says
 * - `genesis`: hash of block 0, for a chain without a name
 * - `target`: hash to sync down from
 * - `forks`: a JSON object, `ForkSchedule`; otherwise what `./peers.json` says, when the chain is taken from there
 * - `store`: name of the database
 * - `tuning`: a JSON object, `SyncTuning`
 */

import { CHAIN_IDS, type ChainName, type CustomChain, type Hash, HeadlightError, type SyncOptions } from 'headlight';
import { describe } from './log.js';

/** What this page reads of the peer list beside it. */
interface PeerList {
  chainId?: number;
  genesis?: Hash;
  forks?: NonNullable<SyncOptions['forks']>;
}

const PEER_LIST = new URL('peers.json', document.baseURI);

/** What is synced, by the address of the page or by the peer list beside it. */
interface ChainChoice {
  chain: ChainName | CustomChain;
  forks?: NonNullable<SyncOptions['forks']>;
}

/** The options of this page. Rejects with `no-peers-url` where they need the peer list and it cannot be had. */
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

/** `startSync` checks what is in it. */
function parseTuning(text: string): NonNullable<SyncOptions['tuning']> {
  try {
    return JSON.parse(text) as NonNullable<SyncOptions['tuning']>;
  } catch (error) {
    throw new HeadlightError('bad-option', `tuning is no JSON object: ${describe(error)}`, { option: 'tuning' });
  }
}

/** A name for this chain, for people. */
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
  // This page comes from the same server as the list: the chain that it names is the one that its visitor wants.
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
    if (typeof list !== 'object' || list === null) throw new Error('it is no JSON object');
    return list;
  } catch (error) {
    const why = describe(error);
    throw new HeadlightError('no-peers-url', `the peer list at ${PEER_LIST.href} cannot be read: ${why}`);
  }
}
