/**
 * What wasm-bindgen writes to `dist/wasm/headlight.js`, as far as `worker.ts` uses it. The file itself is a product of
 * the build and lies beside the bundle, never inside it, so that a browser can compile the wasm while it streams in.
 */

/** Loads and instantiates the wasm; with a URL, compiles it while it streams in. */
export default function init(options: { module_or_path: URL }): Promise<unknown>;

/** Installs the worker's message handler on the global scope. */
export function start(): void;
