// What a browser must have: what is missing is named, and nothing that is there.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { importSource } from './support/source.mjs';

const { assertSupported } = await importSource('support');
const { validate } = WebAssembly;

afterEach(() => {
  WebAssembly.validate = validate;
});

/** What is said to be missing here; Node has WebAssembly and little else of a browser. */
function missing() {
  try {
    assertSupported();
  } catch (error) {
    assert.equal(error.code, 'unsupported-browser');
    for (const name of error.details.missing) assert.ok(error.message.includes(name));
    return error.details.missing;
  }
  assert.fail('Node is no browser');
}

test('what is there is not missing', () => {
  const names = missing();
  assert.ok(names.includes('IndexedDB'));
  assert.deepEqual(
    names.filter((name) => name.startsWith('WebAssembly')),
    [],
  );
});

test('what the browser refuses is named, with its reason, and apart from what it lacks', (t) => {
  const refuse = (object, name) => {
    const before = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, {
      configurable: true,
      get() {
        throw new DOMException(`${name} is denied for this document`, 'SecurityError');
      },
    });
    t.after(() => (before === undefined ? delete object[name] : Object.defineProperty(object, name, before)));
  };
  const names = { indexedDB: 'IndexedDB', Worker: 'Worker', RTCPeerConnection: 'RTCPeerConnection' };
  for (const name of Object.keys(names)) refuse(globalThis, name);
  refuse(globalThis, 'navigator');
  assert.throws(assertSupported, (error) => {
    assert.deepEqual([error.name, error.code], ['HeadlightError', 'unsupported-browser']);
    for (const [getter, name] of Object.entries(names)) {
      assert.ok(error.details.missing.includes(name) && error.details.refused.includes(name), name);
      assert.ok(error.message.includes(`${name} (SecurityError: ${getter} is denied`), error.message);
    }
    assert.ok(error.details.refused.some((name) => name.startsWith('Web Locks')));
    assert.ok(!error.details.refused.includes('WebAssembly'));
    return true;
  });
});

test('a constructor that throws is named', (t) => {
  t.mock.method(
    globalThis,
    'MessageChannel',
    class {
      constructor() {
        throw new Error('no more channels');
      }
    },
  );
  assert.throws(assertSupported, (error) => {
    assert.ok(error.details.refused.includes('MessageChannel'));
    assert.match(error.message, /MessageChannel \(no more channels\)/);
    return true;
  });
});

test('WebAssembly without vectors', () => {
  let asked;
  WebAssembly.validate = (bytes) => {
    asked = bytes;
    return false;
  };
  assert.deepEqual(
    missing().filter((name) => name.startsWith('WebAssembly')),
    ['WebAssembly SIMD'],
  );
  // What was asked is a module that an engine with vectors compiles, and the vector is what it is about.
  assert.deepEqual(WebAssembly.Module.exports(new WebAssembly.Module(asked)), []);
  const splat = asked.indexOf(0xfd);
  assert.deepEqual([...asked.subarray(splat, splat + 2)], [0xfd, 0x12]);
  assert.equal(validate(asked.with(splat, 0xff)), false);
});
