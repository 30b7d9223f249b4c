/**
 * Operators in STAC: one item per version, with the Machine Learning Model extension. Its list of tasks is closed and knows no
 * embedding; 'similarity-search' is what embeddings are for, and the precise word stands among the hyperparameters.
 */
import type { OperatorManifest } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import { ENVELOPE_TYPE } from '../trust/statement.ts';
import { archiveName, MANIFEST, REPORT, SIGNATURE, USUAL_NAMESPACE, type OperatorName } from './layout.ts';
import type { VersionRecord } from './version-record.ts';
import { isPrerelease } from './versions.ts';

const extension = (name: string, version: string) => `https://stac-extensions.github.io/${name}/v${version}/schema.json`;
export const itemExtensions = [extension('mlm', '1.5.2'), extension('eo', '2.0.0'), extension('file', '2.1.0'), extension('version', '1.2.0'), extension('processing', '1.2.0')];

/** An operator is good everywhere, as far as it says. */
export const EVERYWHERE = [-180, -90, 180, 90] as const;
export const WORLD = { type: 'Polygon', coordinates: [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]] } as const;

export interface StacLink {
  readonly rel: string;
  readonly href: string;
  readonly type?: string;
  readonly title?: string;
  readonly [field: string]: unknown;
}

export interface OperatorItem {
  readonly type: 'Feature';
  readonly stac_version: '1.1.0';
  readonly stac_extensions: readonly string[];
  readonly id: string;
  readonly collection: string;
  readonly geometry: typeof WORLD;
  readonly bbox: readonly number[];
  readonly properties: Readonly<Record<string, unknown>>;
  readonly assets: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly links: readonly StacLink[];
}

/** 'e2s.ai-compressor-1.2.0': unique among all operators. */
export function itemId(of: OperatorName, version: string): string {
  return `${collectionId(of)}-${version}`;
}

/** The id of the static collection of an operator. */
export function collectionId({ namespace = USUAL_NAMESPACE, name }: OperatorName): string {
  return namespace === USUAL_NAMESPACE ? name : `${namespace}.${name}`;
}

/** item.json: what it refers to lies beside it in the registry; `hasReport`: report.json too. Of a signed version the signatures are an asset. */
export function itemOf(record: VersionRecord, hasReport: boolean): OperatorItem {
  const { manifest, version } = record;
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: itemExtensions,
    id: itemId(manifest, version),
    collection: collectionId(manifest),
    geometry: WORLD,
    bbox: EVERYWHERE,
    properties: operatorProperties(record),
    assets: {
      archive: archiveAsset(record, `./${archiveName(manifest, version)}`),
      manifest: { href: `./${MANIFEST}`, type: 'application/json', title: 'What the operator takes and gives', roles: ['metadata'] },
      ...(record.signatures ? { signature: { href: `./${SIGNATURE}`, type: ENVELOPE_TYPE, title: 'Signatures of the archive (DSSE)', roles: ['metadata'] } } : {}),
      ...(hasReport ? { report: { href: `./${REPORT}`, type: 'application/json', title: 'Report of the release', roles: ['metadata'] } } : {}),
    },
    links: [
      { rel: 'root', href: '../../../../catalog.json', type: 'application/json' },
      { rel: 'parent', href: '../../collection.json', type: 'application/json' },
      { rel: 'collection', href: '../../collection.json', type: 'application/json' },
    ],
  };
}

/** `href`: where the archive is. */
export function archiveAsset({ manifest, archive }: Pick<VersionRecord, 'manifest' | 'archive'>, href: string) {
  return {
    href,
    type: 'application/gzip',
    title: 'The operator with all its files',
    roles: ['mlm:model', 'mlm:weights', 'data'],
    'mlm:artifact_type': manifest.kind === 'onnx' ? 'onnx' : manifest.kind,
    'file:size': archive.size,
    // A multihash: sha2-256, 32 bytes.
    'file:checksum': `1220${archive.sha256}`,
    bands: manifest.input.bands.map(({ name }) => ({ name })),
  };
}

/** The properties of a version's item. */
export function operatorProperties({ manifest, version, digest, published, isYanked }: Omit<VersionRecord, 'archive' | 'signatures'>): Readonly<Record<string, unknown>> & { readonly datetime: string } {
  return {
    datetime: published,
    created: published,
    title: `${manifest.title} ${version}`,
    description: manifest.description,
    license: manifest.license,
    version,
    ...(isPrerelease(version) ? { experimental: true } : {}),
    ...(isYanked ? { deprecated: true } : {}),
    'lamina:operator': qualifiedName(manifest),
    'lamina:digest': digest,
    'lamina:kind': manifest.kind,
    'processing:level': 'L4',
    bands: manifest.input.bands.map(({ name, common_name, center_wavelength }) => ({
      name, ...(common_name === undefined ? {} : { 'eo:common_name': common_name }), ...(center_wavelength === undefined ? {} : { 'eo:center_wavelength': center_wavelength }),
    })),
    ...mlm(manifest),
  };
}

function mlm(manifest: OperatorManifest): Record<string, unknown> {
  const { resources } = manifest;
  return {
    'mlm:name': mlmName(manifest),
    'mlm:architecture': manifest.title,
    'mlm:tasks': ['similarity-search'],
    'mlm:framework': { onnx: 'ONNX', exec: 'program', image: 'OCI image' }[manifest.kind],
    ...(resources?.memory_mib === undefined ? {} : { 'mlm:memory_size': Math.ceil(resources.memory_mib * 2 ** 20) }),
    'mlm:accelerator': resources?.gpu ? 'cuda' : null,
    'mlm:accelerator_constrained': resources?.accelerator_constrained === true,
    'mlm:hyperparameters': hyperparameters(manifest),
    'mlm:input': [inputOf(manifest)],
    'mlm:output': [outputOf(manifest)],
  };
}

/** The name of an operator for MLM: beyond the pattern of its names ours may be short or end with a hyphen. */
export function mlmName(of: OperatorName): string {
  const name = collectionId(of).replace(/[_.-]+$/, '');
  return name.length < 3 ? `operator ${name}` : name;
}

function hyperparameters(manifest: OperatorManifest): Record<string, unknown> {
  const { patch, halo, input, output, params = [] } = manifest;
  return {
    task: 'embedding', kind: manifest.kind, patch, halo, gsd: input.gsd, gsd_range: input.gsd_range, fill: input.fill, min_valid: manifest.min_valid,
    dimensions: output.dimensions, prefix_truncatable: output.prefix_truncatable, ...(output.norm ? { norm: output.norm } : {}),
    ...(params.length > 0 ? { parameters: params } : {}),
  };
}

/** Sizes are free as far as patch and halo allow, which MLM can't say: −1. */
function inputOf(manifest: OperatorManifest): Record<string, unknown> {
  return {
    name: manifest.kind === 'onnx' ? manifest.model.input : 'input',
    description: `Samples as they are stored; rows and columns are n·${manifest.patch} + ${2 * manifest.halo} pixels.`,
    bands: manifest.input.bands.map(({ name }) => name),
    input: { shape: [-1, manifest.input.bands.length, -1, -1], dim_order: ['batch', 'bands', 'height', 'width'], data_type: 'float32' },
    resize_type: null,
  };
}

function outputOf(manifest: OperatorManifest): Record<string, unknown> {
  return {
    name: manifest.kind === 'onnx' ? manifest.model.output : 'output',
    description: `One vector per patch of ${manifest.patch} × ${manifest.patch} pixels.`,
    tasks: ['similarity-search'],
    result: { shape: [-1, manifest.output.dimensions, -1, -1], dim_order: ['batch', 'embedding', 'height', 'width'], data_type: 'float32' },
  };
}
