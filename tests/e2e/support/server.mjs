// The web server of the tests: one origin for all pages of a test, so that peers may come and go while the page and its
// database stay. It serves the built package, the demo page, and the bare page that the data checks run in.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './paths.mjs';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

const pages = join(dirname(fileURLToPath(import.meta.url)), 'pages');

/**
 * Serves `/dist/` (the package; another folder with `dist`), `/demo/` (the demo page), `/` (the pages of these tests)
 * and what `mounts` adds. `lists` maps a path to a function that makes its JSON, `blobs` one that makes bytes of its query.
 * `headers` go with every response.
 */
export async function serve(t, { dist = join(root, 'dist'), mounts = {}, lists = {}, blobs = {}, headers = {} } = {}) {
  const folders = Object.entries({ '/dist/': dist, '/demo/': join(root, 'dist-demo'), ...mounts, '/': pages });
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const path = decodeURIComponent(pathname);
    try {
      if (blobs[path]) {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(blobs[path](searchParams));
        return;
      }
      if (lists[path]) {
        const body = JSON.stringify(await lists[path]());
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
        return;
      }
      const [prefix, folder] = folders.find(([prefix]) => path.startsWith(prefix));
      const name = path.slice(prefix.length);
      const file = normalize(join(folder, name === '' || name.endsWith('/') ? `${name}index.html` : name));
      if (!file.startsWith(normalize(folder) + sep)) throw new Error('outside');
      const body = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
    } catch {
      // Browsers ask for an icon by themselves; its absence is no error of the page.
      response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  t?.after(close);
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}
