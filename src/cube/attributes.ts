/** How the facts that travel with a cube change when the cube does. */
import type { BandDescription, CubeAttributes, Encoding } from './cube.ts';

/**
 * After new values: what said how the old ones are stored or made, or of which date, is gone, also scale, offset
 * and codes of bands, and the number that stood for no-data: it may be a value like any other now.
 */
export function withNewValues(attributes: CubeAttributes): CubeAttributes {
  const { encoding: _, operator: __, embedding: ___, sourcesByLabel: ____, nodata: _____, ...kept } = attributes;
  return kept.bands ? { ...kept, bands: kept.bands.map(withoutCodes) } : kept;
}

function withoutCodes(band: BandDescription): BandDescription {
  const { scale: _, offset: __, clouds: ___, ...kept } = band;
  return kept;
}

/** After the bands dimension has gone or has been replaced. */
export function withoutBands(attributes: CubeAttributes): CubeAttributes {
  const { bands: _, ...kept } = withNewValues(attributes);
  return kept;
}

/** After a selection of bands, given by their old positions in the new order. */
export function withPickedBands(attributes: CubeAttributes, indices: readonly number[]): CubeAttributes {
  const { bands, encoding } = attributes;
  const pick = <T>(list: readonly T[]) => indices.map((i) => list[i]!);
  return {
    ...attributes,
    ...(bands && { bands: pick(bands) }),
    ...(encoding && { encoding: pickedEncoding(encoding, indices) }),
  };
}

/** How some of the bands are stored, given by their old positions in the new order. */
export function pickedEncoding(encoding: Encoding, indices: readonly number[]): Encoding {
  const pick = (list: readonly number[]) => indices.map((i) => list[i]!);
  const { scale, offset, threshold } = encoding;
  return {
    ...encoding,
    ...(scale && { scale: pick(scale) }),
    ...(offset && { offset: pick(offset) }),
    ...(threshold && { threshold: pick(threshold) }),
  };
}

/** After bands got other labels. */
export function withRenamedBands(attributes: CubeAttributes, names: readonly (string | number)[]): CubeAttributes {
  const { bands } = attributes;
  return bands ? { ...attributes, bands: bands.map((band, i) => ({ ...band, name: String(names[i]) })) } : attributes;
}

/** The sources of several cubes, each once. */
export function joinedSources(...all: readonly CubeAttributes[]): Pick<CubeAttributes, 'sources' | 'sourcesByLabel'> {
  const sources = [...new Set(all.flatMap((a) => a.sources ?? []))];
  if (sources.length === 0) return {};
  const isDated = all.every((a) => a.sourcesByLabel || !a.sources);
  return { sources, ...(isDated && { sourcesByLabel: joinedByLabel(all) }) };
}

function joinedByLabel(all: readonly CubeAttributes[]): Record<string, readonly string[]> {
  const joined: Record<string, readonly string[]> = {};
  for (const { sourcesByLabel = {} } of all) {
    for (const [label, sources] of Object.entries(sourcesByLabel)) joined[label] = [...new Set([...(joined[label] ?? []), ...sources])];
  }
  return joined;
}
