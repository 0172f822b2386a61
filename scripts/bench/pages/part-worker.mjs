// A worker that calls one export of the wasm with the feature `bench`, and returns its result.

addEventListener('message', async ({ data: { part, args } }) => {
  try {
    const wasm = await import('/bench-wasm/headlight.js');
    await wasm.default({ module_or_path: '/bench-wasm/headlight_bg.wasm' });
    const value = await wasm[`bench_${part}`](...args);
    postMessage({ value: ArrayBuffer.isView(value) ? Array.from(value) : value });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
});
