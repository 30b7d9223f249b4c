/** SHA-256 digests of values, the same for equal content whatever the order of keys. */
import { createHash, hash } from 'node:crypto';

/** 'sha256:…' of JSON-like content. Object keys are sorted; NaN, infinities and −0 stay apart from null and 0. */
export function digest(content: unknown): string {
  return `sha256:${hash('sha256', canonical(content))}`;
}

/** 'sha256:…' over raw bytes, piece after piece. */
export function digestBytes(...pieces: readonly (ArrayBufferView | string)[]): string {
  const sum = createHash('sha256');
  for (const piece of pieces) {
    sum.update(typeof piece === 'string' ? piece : new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  }
  return `sha256:${sum.digest('hex')}`;
}

function canonical(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? String(value) : `#${Object.is(value, -0) ? '-0' : value}`;
  if (value === undefined) return '#undefined';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(',')}}`;
}
