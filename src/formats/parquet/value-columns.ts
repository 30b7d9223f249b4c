/** The columns of values: one vector per row for embeddings, one column per band for other cubes. */
import { product, type Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { isFloat, type DType } from '../../cube/dtype.ts';
import { encodeBlock, storedTypeFor } from '../cog/stored-type.ts';
import type { Column, SchemaElement } from './parquet-file.ts';

/** Values of the cells of a block. */
export interface CellValues {
  /** False where the cell has no data. */
  readonly has: (cell: number) => boolean;
  /** Appends the cell's values to the arrays of its columns, of which the first is `rows[first]`. */
  readonly append: (cell: number, rows: readonly unknown[][], first: number) => void;
}

export interface ValueColumns {
  readonly columns: readonly Column[];
  /** Numbers in a row. */
  readonly width: number;
  /** Reads a block of one combination of labels, its dimensions being [bands, y, x]. */
  readonly cellValues: (block: Block) => CellValues;
}

/** One column `embedding`, and `scale` where each vector has its own. */
export function vectorColumns(cube: Cube): ValueColumns {
  const type = storedTypeFor(cube);
  const method = type.encoding?.method ?? 'float32';
  const isPerVector = method === 'int8_per_vector';
  const count = cube.find('bands')?.size ?? 1;
  const vector = method === 'binary' ? packedColumn(count) : listColumn(type.dtype);
  return {
    width: count,
    columns: [vector, ...(isPerVector ? [{ name: 'scale', schema: [{ name: 'scale', type: 'FLOAT', repetition_type: 'REQUIRED' } as const], hasStatistics: false }] : [])],
    cellValues(block) {
      const { samples, nulls, scale } = encodeBlock(block, type, 0);
      const cells = samples.length / count;
      return {
        has: (cell) => {
          for (let i = cell; i < samples.length; i += cells) if (nulls?.[i] === 1 || samples[i] !== samples[i]) return false;
          return true;
        },
        append(cell, rows, first) {
          const values: number[] = [];
          for (let i = cell; i < samples.length; i += cells) values.push(samples[i]!);
          rows[first]!.push(method === 'binary' ? packBits(values) : values);
          if (scale) rows[first + 1]!.push(scale[cell]!);
        },
      };
    },
  };
}

function listColumn(dtype: DType): Column {
  const schema: SchemaElement[] = [
    { name: 'embedding', repetition_type: 'REQUIRED', converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { ...elementOf(dtype), name: 'element', repetition_type: 'REQUIRED' },
  ];
  // The bytes of a float compress better apart; whole numbers do as they are.
  return { name: 'embedding', schema, hasStatistics: false, encoding: isFloat(dtype) && dtype !== 'float16' ? 'BYTE_STREAM_SPLIT' : 'PLAIN' };
}

function packedColumn(count: number): Column {
  const schema: SchemaElement[] = [{ name: 'embedding', type: 'FIXED_LEN_BYTE_ARRAY', type_length: Math.ceil(count / 8), repetition_type: 'REQUIRED' }];
  return { name: 'embedding', schema, hasStatistics: false, encoding: 'PLAIN' };
}

/** Eight dimensions per byte, the first in the highest bit, as numpy.unpackbits reads them. */
function packBits(bits: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (let i = 0; i < bits.length; i++) if (bits[i]) bytes[i >> 3]! |= 0x80 >> (i & 7);
  return bytes;
}

/** One column per band, null where that band has no data; rows without any value are left out. */
export function bandColumns(cube: Cube, taken: readonly string[]): ValueColumns {
  const bands = cube.find('bands');
  const names = bands ? cube.labels(bands.name).map((label) => freeName(String(label), taken)) : ['value'];
  const isBoolean = cube.dtype === 'bool';
  return {
    width: names.length,
    columns: names.map((name) => sampleColumn(name, cube.dtype)),
    cellValues({ data, nulls, shape }) {
      const cells = product(shape) / names.length;
      return {
        has: (cell) => {
          for (let i = cell; i < data.length; i += cells) if (nulls?.[i] !== 1) return true;
          return false;
        },
        append(cell, rows, first) {
          for (let i = cell, column = first; i < data.length; i += cells, column++) {
            rows[column]!.push(nulls?.[i] === 1 ? null : isBoolean ? data[i] !== 0 : data[i]);
          }
        },
      };
    },
  };
}

/** A column of samples, null where there is no data. */
export function sampleColumn(name: string, dtype: DType): Column {
  return { name, schema: [{ ...elementOf(dtype), name, repetition_type: 'OPTIONAL' }], hasStatistics: true };
}

function freeName(label: string, taken: readonly string[]): string {
  return taken.includes(label) ? `${label}_value` : label;
}

const SMALL_INTEGERS = { uint8: 'UINT_8', int8: 'INT_8', uint16: 'UINT_16', int16: 'INT_16' } as const;

/** Parquet's type for samples. */
function elementOf(dtype: DType): Pick<SchemaElement, 'type' | 'type_length' | 'converted_type' | 'logical_type'> {
  switch (dtype) {
    case 'bool': return { type: 'BOOLEAN' };
    case 'float16': return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } };
    case 'float32': return { type: 'FLOAT' };
    // A double holds every uint32; Parquet's next larger integer would come as BigInt.
    case 'uint32':
    case 'float64': return { type: 'DOUBLE' };
    case 'int32': return { type: 'INT32' };
    case 'uint8':
    case 'int8':
    case 'uint16':
    case 'int16': return { type: 'INT32', converted_type: SMALL_INTEGERS[dtype] };
  }
}
