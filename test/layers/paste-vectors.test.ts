import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { strides, type Window } from '../../src/cube/block.ts';
import type { EmbedBlock } from '../../src/layers/embed-block.ts';
import { PastedVectors } from '../../src/layers/paste-vectors.ts';

const EDGE = 4;
const PLANES = 3;
const names = ['t', 'embedding', 'y', 'x'] as const;
type Name = (typeof names)[number];

/** What a vector holds, and where there is none, from its place alone. */
const value = (t: number, e: number, y: number, x: number) => t * 7919 + e * 1009 + y * 101 + x;
const isGap = (t: number, y: number, x: number) => (t * 5 + y * 3 + x) % 11 === 0;

function blockAt(t: number, by: number, bx: number): EmbedBlock {
  const vectors = new Float32Array(PLANES * EDGE * EDGE);
  const nulls = new Uint8Array(EDGE * EDGE);
  for (let y = 0; y < EDGE; y++) {
    for (let x = 0; x < EDGE; x++) {
      const [row, column] = [by * EDGE + y, bx * EDGE + x];
      nulls[y * EDGE + x] = isGap(t, row, column) ? 1 : 0;
      for (let e = 0; e < PLANES; e++) vectors[(e * EDGE + y) * EDGE + x] = value(t, e, row, column);
    }
  }
  return { dimensions: PLANES, edge: EDGE, vectors, nulls };
}

const range = (most: number) => fc.tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 1, max: most }));
const windows = fc.record({
  t: range(1), embedding: fc.constantFrom([0, 3], [1, 2], [2, 1]), y: range(11), x: range(40),
  order: fc.constantFrom<Name[]>(['t', 'embedding', 'y', 'x'], ['t', 'y', 'x', 'embedding'], ['x', 'y', 't', 'embedding'], ['embedding', 't', 'y', 'x']),
  shuffle: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), isShuffled: fc.boolean(),
});

describe('PastedVectors', () => {
  it('puts every sample and gap in its place, whatever the window, the order of dimensions and that of the blocks', () => {
    fc.assert(fc.property(windows, ({ order, shuffle, isShuffled, ...ranges }) => {
      const of = (name: Name) => ranges[name] as [number, number];
      const window: Window = { start: order.map((name) => of(name)[0]), size: order.map((name) => of(name)[1]) };
      const step = strides(window.size);
      const axis = (name: Name) => order.indexOf(name);
      const blocks = [];
      const [first, last] = [(name: 'x' | 'y') => Math.floor(of(name)[0] / EDGE), (name: 'x' | 'y') => Math.floor((of(name)[0] + of(name)[1] - 1) / EDGE)];
      for (let t = of('t')[0]; t < of('t')[0] + of('t')[1]; t++) {
        for (let by = first('y'); by <= last('y'); by++) for (let bx = first('x'); bx <= last('x'); bx++) blocks.push({ t, by, bx });
      }
      const coming = isShuffled ? blocks.map((block) => ({ block, at: shuffle.next().value as number })).sort((a, b) => a.at - b.at).map(({ block }) => block) : blocks;
      const pasted = new PastedVectors(window, { x: axis('x'), y: axis('y'), embedding: axis('embedding') }, last('x') - first('x') + 1);
      for (const { t, by, bx } of coming) {
        const block = blockAt(t, by, bx);
        pasted.put(block, { x: bx * EDGE, y: by * EDGE, width: EDGE, height: EDGE }, (t - of('t')[0]) * step[axis('t')]!);
        block.vectors.fill(-1);
        block.nulls.fill(1);
      }
      const { data, nulls } = pasted.block;
      expect(data.length).toBe(window.size.reduce((a, b) => a * b));
      for (let i = 0; i < data.length; i++) {
        const place = (name: Name) => of(name)[0] + (Math.floor(i / step[axis(name)]!) % of(name)[1]);
        const [t, e, y, x] = names.map(place) as [number, number, number, number];
        const isNull = isGap(t, y, x);
        if ((nulls?.[i] ?? 0) !== (isNull ? 1 : 0) || (!isNull && data[i] !== value(t, e, y, x))) throw new Error(`sample ${i}: t ${t}, e ${e}, y ${y}, x ${x}`);
      }
    }), { numRuns: 300 });
  });

  it('makes no flags where there are no gaps', () => {
    const pasted = new PastedVectors({ start: [0, 0, 0], size: [PLANES, 1, 1] }, { x: 2, y: 1, embedding: 0 }, 1);
    const block = blockAt(0, 0, 0);
    block.nulls.fill(0);
    pasted.put(block, { x: 0, y: 0, width: EDGE, height: EDGE }, 0);
    expect(pasted.block.nulls).toBeNull();
  });
});
