// A user's TypeScript: the declarations of the package must carry it, in every way of resolving modules.

import { CHAIN_IDS, HeadlightError, type Progress, type StoredHeader, type SyncHandle, startSync } from 'headlight';

export async function newest(peers: string[]): Promise<StoredHeader | undefined> {
  const sync: SyncHandle = await startSync({
    chain: 'mainnet',
    peers,
    onProgress: ({ percent, stall, peers }: Progress) => {
      console.log(
        percent.toFixed(1),
        stall?.code,
        peers.map((peer) => peer.latencyMs ?? 0),
      );
    },
  });
  const end = sync.on('fault', ({ peer, code, banned }) => console.warn(peer, code, banned));
  try {
    const { number } = await sync.synced;
    for await (const header of sync.getHeaders(0, 10)) console.log(header.hash, header.fields.baseFeePerGas);
    return await sync.getHeader(number);
  } catch (error) {
    if (error instanceof HeadlightError && error.code === 'stopped') return undefined;
    throw error;
  } finally {
    end();
    await sync.stop();
  }
}

export const sepolia: number = CHAIN_IDS.sepolia;

// @ts-expect-error: a chain that has no such name
export const wrong = startSync({ chain: 'mainet', peers: [] });
