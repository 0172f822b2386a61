// Waiting for events, with deadlines. Nothing here sleeps for a fixed time.

/** Rejects with a sentence when `promise` is not settled after `ms`. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Timeout of a sync of this many headers on a slow, shared machine; milliseconds. */
export function syncDeadline(headers) {
  return 60_000 + headers * 2;
}
