/** The wire format of Protocol Buffers, as far as ONNX files need it: fields by their numbers. */

export interface WireField {
  readonly number: number;
  /** Of numbers (wire type 0); 0 otherwise. */
  readonly value: number;
  /** Of texts, messages and packed arrays (wire type 2); empty otherwise. */
  readonly bytes: Buffer;
  /** The field as it stands in the message, with its tag. */
  readonly whole: Buffer;
}

/** The fields of a message in their order. Throws RangeError for bytes that are none. */
export function* wireFields(message: Buffer): Generator<WireField> {
  for (let at = 0; at < message.length;) {
    const tag = readVarint(message, at);
    const number = Math.floor(tag.value / 8);
    const type = tag.value % 8;
    const { value, bytes, end } = readContent(message, tag.end, type);
    if (number === 0 || end > message.length) throw new RangeError('the bytes are no message');
    yield { number, value, bytes, whole: message.subarray(at, end) };
    at = end;
  }
}

function readContent(message: Buffer, at: number, type: number): { value: number; bytes: Buffer; end: number } {
  const none = Buffer.alloc(0);
  if (type === 0) return { ...readVarint(message, at), bytes: none };
  if (type === 1) return { value: 0, bytes: none, end: at + 8 };
  if (type === 5) return { value: 0, bytes: none, end: at + 4 };
  if (type !== 2) throw new RangeError('the bytes are no message');
  const { value: length, end: start } = readVarint(message, at);
  return { value: 0, bytes: message.subarray(start, start + length), end: start + length };
}

/** Signed 64-bit numbers that are negative have ten bytes; they come out as negative numbers. */
function readVarint(message: Buffer, at: number): { value: number; end: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = message[at + i];
    if (byte === undefined) break;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value: Number(BigInt.asIntN(64, value)), end: at + i + 1 };
  }
  throw new RangeError('the bytes are no message');
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A field that holds a whole number. */
export function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

/** A field that holds a text, bytes, or a message made of fields. */
export function bytesField(number: number, content: string | Uint8Array | readonly Uint8Array[]): Buffer {
  const bytes = Array.isArray(content) ? Buffer.concat(content) : Buffer.from(content as string | Uint8Array as never);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}
