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
  assert.deepEqual(names.filter((name) => name.startsWith('WebAssembly')), []);
});

test('WebAssembly without vectors', () => {
  let asked;
  WebAssembly.validate = (bytes) => {
    asked = bytes;
    return false;
  };
  assert.deepEqual(missing().filter((name) => name.startsWith('WebAssembly')), ['WebAssembly SIMD']);
  // What was asked is a module that an engine with vectors compiles, and the vector is what it is about.
  assert.deepEqual(WebAssembly.Module.exports(new WebAssembly.Module(asked)), []);
  const splat = asked.indexOf(0xfd);
  assert.deepEqual([...asked.subarray(splat, splat + 2)], [0xfd, 0x12]);
  assert.equal(validate(asked.with(splat, 0xff)), false);
});
