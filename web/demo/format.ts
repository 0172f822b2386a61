/**
 * Numbers for people: one unit, few digits, and a width that fits a fixed column.
 *
 * Without `Intl`: it throws on systems whose language the browser does not know (`LANG=C`).
 */

/** Shown in place of an unknown value. */
export const NONE = '–';

/** `1,234,567`; a number is rounded, a bigint exact. */
export function count(value: number | bigint): string {
  const digits = typeof value === 'bigint' ? String(value) : value.toFixed(0);
  return digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `#1,234,567`. */
export function block(number: number): string {
  return `#${count(number)}`;
}

/** Bytes in decimal units: `61.4 MB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  let at = 0;
  let rest = value;
  while (rest >= 999.5 && at < units.length - 1) {
    rest /= 1_000;
    at += 1;
  }
  return `${at === 0 ? rest.toFixed(0) : rest.toFixed(rest < 99.95 ? 1 : 0)} ${units[at]}`;
}

/** `12 s`, `3 min 20 s`, `1 h 04 min`, `2 d 3 h`. */
export function duration(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${pad(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3_600) % 24} h`;
}

/** `0x1234…cdef`. */
export function shortHash(hash: string): string {
  return `${hash.slice(0, 8)}…${hash.slice(-6)}`;
}

/** The end of a peer id: the start is the same for all. */
export function shortPeer(id: string): string {
  return `…${id.slice(-8)}`;
}

/** `2026-01-31 12:00:00 UTC`. */
export function time(seconds: number): string {
  const date = new Date(seconds * 1_000);
  // A header may hold any timestamp; beyond the range of a Date only the number is shown.
  if (Number.isNaN(date.getTime())) return `${seconds}`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `14:03:59`, local time. */
export function clock(date: Date): string {
  return date.toTimeString().slice(0, 8);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
