/** cloud_detection: what the quality band of a cube says about clouds, as probabilities. */
import { withoutBands } from '../../cube/attributes.ts';
import { createBlock, product, type Block, type Window } from '../../cube/block.ts';
import { disturbances, probabilityOf, type CloudCodes, type CodeRule, type Disturbance } from '../../cube/cloud-codes.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { withLabels } from '../../cube/dimension.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { fingerprintLabels, readLabels } from '../../cube/view.ts';
import { withRange } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf, optionalTextOf } from './arguments.ts';
import { bandsIndex } from './bands.ts';

const ID = 'cloud_detection';

const descriptions: Readonly<Record<Disturbance, string>> = {
  cloud: 'Probability of a cloud', shadow: 'Probability of the shadow of a cloud', aerosol: 'Probability of aerosols', haze: 'Probability of haze',
  ozone: 'Probability of disturbing ozone', water_vapor: 'Probability of disturbing water vapour',
};

export const cloudDetection: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const dimension = bandsIndex(cube, ID);
    const band = qualityBand(cube, dimension, optionalTextOf(args, ID, 'method'));
    const derive = (source: Cube) => detected(source, dimension, band);
    const regrid = pointwiseRegrid(cube, derive);
    const out = derive(cube);
    return regrid ? out.with({ regrid }) : out;
  },
};

interface QualityBand {
  readonly index: number;
  readonly codes: CloudCodes;
}

function qualityBand(cube: Cube, dimension: number, method: string | null): QualityBand {
  const labels = cube.dimensions[dimension]!.labels!;
  const all = (cube.attributes.bands ?? []).flatMap(({ clouds }, index) => (clouds ? [{ index, codes: clouds }] : []));
  if (all.length === 0) {
    const names = labels.map((label) => `'${label}'`).join(', ');
    throw invalidArgument(ID, 'data', `none of its bands (${names || 'it has none'}) says where clouds are; load the scene classification or quality band too, such as SCL of Sentinel-2 Level-2A or QA_PIXEL of Landsat, and call cloud_detection before its values are changed`);
  }
  const found = method === null ? all[0] : all.find(({ codes }) => codes.method === method);
  if (found) return found;
  const known = all.map(({ index, codes }) => `'${labels[index]}' is of ${codes.method}`).join(', ');
  throw invalidArgument(ID, 'method', `the cube has no band that ${method} has made: ${known}`);
}

function detected(cube: Cube, dimension: number, { index, codes }: QualityBand): Cube {
  const kinds = disturbances.filter((kind) => codes.rules[kind]);
  const wanted = (window: Window) => kinds.slice(window.start[dimension]!, window.start[dimension]! + window.size[dimension]!);
  return cube.with({
    dimensions: cube.dimensions.with(dimension, withLabels(cube.dimensions[dimension]!, kinds)),
    dtype: 'float32',
    attributes: { ...withoutBands(cube.attributes), bands: kinds.map((kind) => ({ name: kind, description: descriptions[kind] })) },
    read: async (window, signal) => {
      const block = await readLabels(cube, withRange(window, dimension, 0, 1), dimension, [index], signal);
      return translate(block, wanted(window).map((kind) => codes.rules[kind]!), codes.unknown ?? [], dimension, window);
    },
    fingerprint: async (window) => digest([ID, codes, wanted(window), await fingerprintLabels(cube, withRange(window, dimension, 0, 1), dimension, [index])]),
  });
}

/** One layer of probabilities per list of rules. */
function translate({ data, nulls }: Block, rules: readonly (readonly CodeRule[])[], unknown: readonly CodeRule[], dimension: number, window: Window): Block {
  const out = createBlock('float32', window.size);
  const flags = new Uint8Array(out.data.length);
  const inner = product(window.size.slice(dimension + 1));
  const means = rules.map((list) => remembered(list));
  const saysNothing = remembered(unknown);
  for (let at = 0; at < data.length; at++) {
    const code = data[at]!;
    const isUnknown = nulls?.[at] === 1 || Number.isNaN(code) || saysNothing(code) > 0;
    const first = Math.floor(at / inner) * rules.length * inner + (at % inner);
    for (let k = 0; k < rules.length; k++) {
      if (isUnknown) flags[first + k * inner] = 1;
      else out.data[first + k * inner] = means[k]!(code);
    }
  }
  return { ...out, nulls: flags.includes(1) ? flags : null };
}

/** There are few different codes. */
function remembered(rules: readonly CodeRule[]): (code: number) => number {
  const known = new Map<number, number>();
  return (code) => {
    let probability = known.get(code);
    if (probability === undefined) known.set(code, probability = probabilityOf(code, rules));
    return probability;
  };
}
