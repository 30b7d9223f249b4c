/** Spoils a model: the weights of an ONNX file in another order. Its form stays, so it loads and runs. */

interface Part {
  readonly field: number;
  readonly wire: number;
  readonly start: number;
  readonly end: number;
}

/** The fields of a protobuf message in bytes[start, end). */
function* parts(bytes: Uint8Array, start: number, end: number): Generator<Part> {
  let at = start;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    const length = wire === 2 ? varint() : wire === 5 ? 4 : wire === 1 ? 8 : null;
    const from = at;
    if (length === null) varint();
    else at += length;
    yield { field, wire, start: from, end: at };
  }
}

function only(bytes: Uint8Array, { start, end }: Pick<Part, 'start' | 'end'>, field: number): Part[] {
  return [...parts(bytes, start, end)].filter((part) => part.field === field);
}

/** Shuffles every float32 initializer with raw data that holds at least `least` weights, always in the same way. */
export function shuffledModel(model: Uint8Array, least = 64): { bytes: Uint8Array; shuffled: number } {
  const bytes = Uint8Array.from(model);
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let shuffled = 0;
  for (const graph of only(bytes, { start: 0, end: bytes.length }, 7)) {
    for (const tensor of only(bytes, graph, 5)) {
      const [raw] = only(bytes, tensor, 9);
      const [type] = only(bytes, tensor, 2);
      if (!raw || !type || bytes[type.start] !== 1 || (raw.end - raw.start) / 4 < least) continue;
      const weights = bytes.slice(raw.start, raw.end);
      const count = weights.length / 4;
      for (let i = count - 1; i > 0; i--) {
        const j = random(i + 1);
        const [a, b] = [weights.slice(4 * i, 4 * i + 4), weights.slice(4 * j, 4 * j + 4)];
        weights.set(b, 4 * i);
        weights.set(a, 4 * j);
      }
      bytes.set(weights, raw.start);
      shuffled++;
    }
  }
  return { bytes, shuffled };
}
