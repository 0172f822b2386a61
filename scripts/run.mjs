// Entry of every npm script: `node scripts/run.mjs <task> [arguments]`.
//
// Checks the requirements of a Rust build, each with one clear message, then runs `cargo run --package xtask`. Standard
// streams, signals and the exit code are passed through.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;

const [task = 'help', ...args] = process.argv.slice(2);
const again = `then run \`npm ${task === 'start' || task === 'test' ? task : `run ${task}`}\` again`;
const root = fileURLToPath(new URL('..', import.meta.url));

function fail(line) {
  console.error(`headlight: ${line}`);
  process.exit(2);
}

function works(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore', cwd: root }).status === 0;
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  fail(
    `Node ${process.versions.node} is too old: install Node ${NODE_MAJOR_MIN} or newer from https://nodejs.org, ${again}.`,
  );
}

// rustup installs to ~/.cargo/bin; an older shell does not have it in its PATH yet.
const cargoHome = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin');
if (existsSync(cargoHome) && !(process.env.PATH ?? '').split(delimiter).includes(cargoHome)) {
  process.env.PATH = `${process.env.PATH ?? ''}${delimiter}${cargoHome}`;
}
if (!works('cargo')) fail(`Rust is missing: install it from https://rustup.rs, ${again}.`);

// Rust links with the system's C compiler, and one dependency (ring) is partly C.
if (process.platform === 'linux' && !works('cc')) {
  const isRoot = process.getuid?.() === 0;
  const installed =
    isRoot &&
    works('apt-get') &&
    spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2] }).status === 0 &&
    spawnSync('apt-get', ['install', '-qy', '--no-install-recommends', 'gcc', 'libc6-dev'], { stdio: ['ignore', 2, 2] })
      .status === 0;
  if (!installed) fail(`A C compiler is missing: install it (Debian: apt-get install gcc libc6-dev), ${again}.`);
}

const child = spawn('cargo', ['run', '--quiet', '--package', 'xtask', '--', task, ...args], {
  cwd: root,
  stdio: 'inherit',
  // Paths on the command line are relative to the user's directory, not to the project.
  env: { ...process.env, HEADLIGHT_CWD: process.env.INIT_CWD ?? process.cwd() },
});

// A terminal sends Ctrl-C to the child as well; this process must only not end before the child.
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT');
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

child.on('error', (error) => fail(`cargo did not start: ${error.message}`));
child.on('exit', (code, signal) => {
  if (signal === 'SIGINT') process.exit(130);
  process.exit(code ?? 1);
});
