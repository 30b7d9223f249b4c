/** A netCDF-4 file, which is HDF5 with dimension scales, written through h5wasm. */
import h5wasm, { type Dataset, type File } from 'h5wasm/node';
import { OpenEOError } from '../../errors.ts';
import type { Samples } from '../../cube/dtype.ts';
import type { Attributes, CoordinateVariable } from './variables.ts';

export type StoredArray = Exclude<Samples, Float16Array>;

/** HDF5's type codes for the types of samples. */
const codes = { uint8: '<B', int8: '<b', uint16: '<H', int16: '<h', uint32: '<I', int32: '<i', float32: '<f', float64: '<d' } as const;

export type StoredCode = keyof typeof codes;

export interface VariableShape {
  readonly name: string;
  readonly dtype: StoredCode;
  readonly dimensions: readonly string[];
  readonly shape: readonly number[];
  readonly chunks: readonly number[];
  /** Of DEFLATE, 1 to 9; 0 stores the samples as they are. */
  readonly level: number;
}

export class NetcdfFile {
  readonly #file: File;
  readonly #variables = new Map<string, Dataset>();

  private constructor(file: File) {
    this.#file = file;
  }

  /** Creates a file at a path where there is none. */
  static async create(path: string, attributes: Attributes): Promise<NetcdfFile> {
    await h5wasm.ready;
    const file = new h5wasm.File(path, 'w', { track_order: true });
    if (Number(file.file_id) <= 0) throw new OpenEOError('StorageFailure', {}, { detail: 'The netCDF file could not be created.' });
    setAttributes(file, attributes);
    return new NetcdfFile(file);
  }

  /** Adds the variable of a dimension. */
  addCoordinate({ name, values, attributes }: CoordinateVariable): void {
    const dataset = values instanceof Float64Array
      ? this.#file.create_dataset({ name, data: values, shape: [values.length] })
      : this.#file.create_dataset({ name, data: [...values], shape: [values.length], dtype: 'S' });
    setAttributes(dataset, attributes);
    dataset.make_scale(name);
  }

  /** Adds a variable of numbers along a dimension whose variable is there already. */
  addAuxiliary({ name, values, attributes }: CoordinateVariable & { readonly values: Float64Array }, dimension: string): void {
    const dataset = this.#file.create_dataset({ name, data: values, shape: [values.length] });
    setAttributes(dataset, attributes);
    dataset.attach_scale(0, `/${dimension}`);
  }

  /** Adds a variable without dimensions that only carries attributes. */
  addCarrier(name: string, attributes: Attributes): void {
    setAttributes(this.#file.create_dataset({ name, data: new Int32Array(1), shape: [], dtype: '<i' }), attributes);
  }

  /** Adds an empty variable; `fill` is its no-data value. */
  addVariable({ name, dtype, dimensions, shape, chunks, level }: VariableShape, fill: number, attributes: Attributes): void {
    const code = codes[dtype];
    // Made with one sample and grown: a full-size dataset would want all its samples in memory.
    const seed = shape.map(() => 1);
    const dataset = this.#file.create_dataset({
      name, data: [0], shape: seed, dtype: code, maxshape: [...shape], chunks: [...chunks], ...(level > 0 && { compression: 'gzip', compression_opts: level }),
    });
    dataset.resize([...shape]);
    dataset.create_attribute('_FillValue', [fill], [1], code);
    setAttributes(dataset, attributes);
    for (const [i, dimension] of dimensions.entries()) dataset.attach_scale(i, `/${dimension}`);
    // Opened again to see its new size: refresh() would leave it open for good, and the file with it.
    this.#variables.set(name, this.#file.get(name) as Dataset);
  }

  /** Writes a window of a variable. */
  write(name: string, start: readonly number[], size: readonly number[], samples: StoredArray): void {
    this.#variables.get(name)!.write_slice(start.map((first, i) => [first, first + size[i]!]), samples);
  }

  /** Attributes that are known only after writing, e.g. statistics. */
  addAttributes(name: string, attributes: Attributes): void {
    setAttributes(this.#variables.get(name)!, attributes);
  }

  close(): void {
    this.#file.close();
  }
}

function setAttributes(target: { create_attribute: Dataset['create_attribute'] }, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string') target.create_attribute(name, value, null, 'S');
    else if (typeof value === 'number') target.create_attribute(name, Float64Array.of(value), [1], '<d');
    else target.create_attribute(name, value, [value.length], '<d');
  }
}
