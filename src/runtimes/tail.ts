/** The end of what a program writes, however much that is. */
const KEPT_BYTES = 16 * 1024;

export class Tail {
  #kept = Buffer.alloc(0);
  #hasMore = false;

  add(bytes: Buffer): void {
    const all = Buffer.concat([this.#kept, bytes.subarray(-KEPT_BYTES)]);
    this.#hasMore ||= all.length > KEPT_BYTES || bytes.length > KEPT_BYTES;
    this.#kept = all.subarray(-KEPT_BYTES);
  }

  /** Whole lines, where something was dropped. Control characters, which terminals would obey, are left out. */
  text(): string {
    const text = this.#kept.toString('utf8');
    const whole = this.#hasMore ? text.slice(text.indexOf('\n') + 1) : text;
    // oxlint-disable-next-line no-control-regex
    return whole.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '').trimEnd();
  }
}
