// A worker that never says anything: its script or its wasm does not arrive. The browser raises no event for that.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importSource } from './support/source.mjs';

const { WorkerClient, START_WAIT_MAX_MS } = await importSource('worker-client');

/** A worker that the test answers for; `terminate` is noted. */
class FakeWorker extends EventTarget {
  posted = [];
  terminated = false;
  postMessage(message) {
    this.posted.push(message);
  }
  terminate() {
    this.terminated = true;
  }
  reply(id, value) {
    this.dispatchEvent(new MessageEvent('message', { data: { type: 'reply', id, ok: true, value } }));
  }
}

test('a worker that does not answer `start` fails within the limit', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const crashes = [];
  const client = new WorkerClient({ onEvent() {}, onCrash: (error) => crashes.push(error) });
  const worker = new FakeWorker();
  const outcome = client.attach(worker, {}, undefined).catch((error) => error);
  t.mock.timers.tick(START_WAIT_MAX_MS - 1);
  assert.equal(worker.terminated, false);
  t.mock.timers.tick(1);
  const error = await outcome;
  assert.equal(error.code, 'worker-failed');
  assert.match(error.message, /did not start within 120 seconds/);
  assert.equal(worker.terminated, true);
  assert.equal(crashes.length, 1);
});

test('a worker that has answered, or was put away, is not ended by the limit', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const client = new WorkerClient({ onEvent() {}, onCrash: assert.fail });
  const first = new FakeWorker();
  const started = client.attach(first, {}, undefined);
  first.reply(first.posted[0].id, 'started');
  assert.equal(await started, 'started');
  t.mock.timers.tick(2 * START_WAIT_MAX_MS);
  assert.equal(first.terminated, false);

  client.attach(new FakeWorker(), {}, undefined);
  client.detach();
  t.mock.timers.tick(2 * START_WAIT_MAX_MS);
  assert.equal(client.attached, false);
});
