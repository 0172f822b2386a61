// The page's side of the port when the worker is late, silent, broken or absent. The worker here is a script of the
// test, handed in through the public option `worker`: a real one cannot be made to fail on demand.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBrowser } from '../e2e/support/browser.mjs';
import { serve } from '../e2e/support/server.mjs';

/** Answers `start`, counts calls, and does what the test adds in `calls`. */
const SCRIPT = `
  let asked = [];
  const reply = (id, value) => postMessage({ type: 'reply', id, ok: true, value });
  onmessage = ({ data }) => {
    if (data.type === 'start') return reply(data.id, { follower: false, stored: 0, storage: 'test' });
    asked.push(data.method);
    CALLS[data.method]?.(data);
  };
`;

/**
 * Three headers a piece, numbered from what was asked for. Each is a list of its parent's hash alone; a header's hash is
 * its number, and from block 100 up another chain's.
 */
const PIECES = `
  getHeaders({ id, args: [from, to] }) {
    const count = Math.min(3, to - from + 1);
    const lengths = new Uint32Array(count).fill(34);
    const hashes = new Uint8Array(32 * count);
    const rlp = new Uint8Array(34 * count);
    for (let at = 0; at < count; at++) {
      hashes[32 * at + 31] = from + at;
      rlp.set([0xe1, 0xa0], 34 * at);
      rlp[34 * at + 33] = from + at === 100 ? 200 : from + at - 1;
    }
    reply(id, { first: from, lengths, hashes, rlp, verifiedUnderTarget: true });
  },
  stats({ id }) { reply(id, asked); },
`;

/** Runs `script` in a page; `start(calls)` there starts a sync whose worker answers with `calls`. */
async function inPage(t, script, prepare = async () => {}) {
  const { origin } = await serve(t);
  const browser = await openBrowser(t);
  await prepare(browser.context);
  const page = await browser.open(`${origin}/`);
  return page.evaluate(
    async ([script, SCRIPT]) => {
      const { startSync } = await import('/dist/index.js');
      const options = { chain: 'mainnet', peers: ['/ip4/127.0.0.1/udp/1/webrtc-direct'] };
      const plain = (error) => ({ code: error.code, message: error.message });
      const workerOf = (calls) => () => {
        const text = SCRIPT.replace('CALLS', `({${calls}})`);
        return new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
      };
      const start = (calls, more) => startSync({ ...options, worker: workerOf(calls), ...more });
      const run = new Function('start', 'startSync', 'options', 'plain', `return (async () => { ${script} })()`);
      return run(start, startSync, options, plain);
    },
    [script, SCRIPT],
  );
}

test('a worker whose script is not there', async (t) => {
  const error = await inPage(
    t,
    `
    const worker = () => new Worker('/nowhere.js', { type: 'module' });
    return startSync({ ...options, worker }).catch(plain);
  `,
  );
  assert.equal(error.code, 'worker-failed');
  assert.match(error.message, /could not be loaded/);
});

test('the real worker, when its wasm is not there', async (t) => {
  const noWasm = (context) => context.route('**/*.wasm', (route) => route.fulfill({ status: 404, body: '' }));
  const error = await inPage(t, 'return startSync(options).catch(plain);', noWasm);
  assert.equal(error.code, 'worker-failed');
});

test('a worker that breaks: every promise is rejected, the state is failed, once', async (t) => {
  const seen = await inPage(
    t,
    `
    const seen = { states: [], errors: [] };
    const sync = await start('addPeer() { throw new Error("broken on purpose"); }');
    sync.on('state', ({ state }) => seen.states.push(state));
    sync.on('error', (error) => seen.errors.push(plain(error)));
    const waiting = [sync.getHeader(1), sync.addPeer('/x'), sync.synced];
    seen.rejected = (await Promise.allSettled(waiting)).map(({ reason }) => reason?.code);
    seen.later = (await sync.peers().catch(plain)).code;
    await sync.stop();
    seen.state = sync.progress.state;
    return seen;
  `,
  );
  assert.deepEqual(seen.rejected, ['worker-failed', 'worker-failed', 'worker-failed']);
  assert.deepEqual([seen.later, seen.state, seen.states], ['worker-failed', 'failed', ['failed']]);
  assert.equal(seen.errors.length, 1);
  assert.match(seen.errors[0].message, /broken on purpose/);
});

test('a worker that does not answer stop is ended all the same', async (t) => {
  const seen = await inPage(
    t,
    `
    const sync = await start('');
    const waiting = sync.getHeader(1).catch(plain);
    await Promise.all([sync.stop(), sync.stop()]);
    return { waiting: await waiting, synced: await sync.synced.catch(plain), state: sync.progress.state };
  `,
  );
  assert.deepEqual([seen.waiting.code, seen.synced.code, seen.state], ['stopped', 'stopped', 'stopped']);
});

test('getHeaders yields everything, and is never more than one piece ahead', async (t) => {
  const seen = await inPage(
    t,
    `
    const sync = await start(${JSON.stringify(PIECES)});
    const asked = async () => (await sync.stats()).filter((method) => method === 'getHeaders').length;
    const headers = sync.getHeaders(5, 14);
    const seen = { before: await asked(), numbers: [] };
    seen.numbers.push((await headers.next()).value.number);
    seen.first = await asked();
    for await (const { number } of headers) seen.numbers.push(number);
    seen.all = await asked();
    for await (const header of sync.getHeaders(0, 1_000_000)) if (header.number === 4) break;
    seen.left = await asked();
    return seen;
  `,
  );
  assert.deepEqual(seen.numbers, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  assert.equal(seen.before, 0, 'asks for nothing before the first is wanted');
  assert.equal(seen.first, 2, 'one piece in use, one ahead');
  assert.equal(seen.all, 4);
  assert.equal(seen.left - seen.all, 3, 'two pieces in use, one ahead');
});

test('getHeaders ends with `reorged` where a piece does not go on from the one before', async (t) => {
  const seen = await inPage(
    t,
    `
    const sync = await start(${JSON.stringify(PIECES)});
    const seen = { numbers: [] };
    try {
      for await (const { number } of sync.getHeaders(94, 110)) seen.numbers.push(number);
    } catch (error) {
      seen.error = { ...plain(error), details: error.details };
    }
    // Where the walk begins anew, nothing stands before it.
    seen.again = (await sync.getHeaders(100, 102).next()).value.number;
    return seen;
  `,
  );
  assert.deepEqual(seen.numbers, [94, 95, 96, 97, 98, 99]);
  const hash = (byte) => `0x${'00'.repeat(31)}${byte.toString(16).padStart(2, '0')}`;
  assert.equal(seen.error.code, 'reorged');
  assert.deepEqual(seen.error.details, { from: 100, expected: hash(99), got: hash(200) });
  assert.equal(seen.again, 100);
});

test('calls that nobody answers are bounded', async (t) => {
  const codes = await inPage(
    t,
    `
    const sync = await start('');
    const calls = Array.from({ length: 1_025 }, () => sync.getHeader(1).catch(plain));
    const last = await calls.at(-1);
    await sync.stop();
    return [last.code, (await calls[0]).code];
  `,
  );
  assert.deepEqual(codes, ['busy', 'stopped']);
});

test('a listener that throws harms no other, and arguments are checked', async (t) => {
  const seen = await inPage(
    t,
    `
    const seen = { heard: 0, reported: 0 };
    window.addEventListener('error', () => seen.reported++);
    const event = "{ type: 'event', event: { type: 'synced', number: 1, hash: '0x01' } }";
    const sync = await start("peers({ id }) { postMessage(" + event + "); reply(id, []); }");
    sync.on('synced', () => { throw new Error('a listener of the test'); });
    sync.on('synced', () => seen.heard++);
    const end = sync.on('synced', () => seen.heard += 10);
    end();
    await sync.peers();
    seen.head = await sync.synced;
    const wrong = [sync.getHeader('0x12'), sync.getHeader(-1), sync.addPeer(7), sync.getHeaders(0, 'x').next()];
    seen.codes = (await Promise.allSettled(wrong)).map(({ reason }) => reason?.code);
    await sync.stop();
    return seen;
  `,
  );
  assert.deepEqual(seen, {
    heard: 1,
    reported: 1,
    head: { number: 1, hash: '0x01' },
    codes: ['bad-option', 'bad-option', 'bad-option', 'bad-option'],
  });
});
