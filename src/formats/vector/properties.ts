/** The properties of features as columns beside those of values. */
import type { Geometries } from '../../cube/dimension.ts';

export interface PropertyColumn {
  /** Key in the properties of a feature. */
  readonly key: string;
  /** Name of the column: the key, or 'property_<key>' where that name is taken. */
  readonly name: string;
}

/** A column for every property that some feature has, in the order in which they first come. */
export function propertyColumns({ properties = [] }: Geometries, taken: readonly string[]): PropertyColumn[] {
  const names = new Set(taken);
  return [...new Set(properties.flatMap((own) => Object.keys(own)))].map((key) => {
    let name = key;
    while (names.has(name)) name = `property_${name}`;
    names.add(name);
    return { key, name };
  });
}
