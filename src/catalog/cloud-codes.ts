/**
 * The field `lamina:cloud` of a band: what its codes say about clouds. See docs/quality-bands.md.
 *
 * Bands that everybody knows have it without being asked, unless their collection says otherwise.
 */
import { disturbances, type CloudCodes, type CodeRule } from '../cube/cloud-codes.ts';
import type { StacBand } from './types.ts';

type Wire = Readonly<Record<string, unknown>>;

/** Medium and high confidence of the two bits that Landsat's quality bands have for each class. */
const confidence = (offset: number) => ({ offset, length: 2, values: { 2: 0.5, 3: 1 } });

const known: Readonly<Record<string, Wire>> = {
  // Sentinel-2 Level-2A, scene classification of Sen2Cor: 3 shadow, 8 and 9 cloud (medium, high), 10 cirrus, 0 no data, 1 defective.
  SCL: { method: 'Sen2Cor', cloud: [{ values: { 8: 0.5, 9: 1, 10: 1 } }], shadow: [{ values: { 3: 1 } }], unknown: [{ values: { 0: 1, 1: 1 } }] },
  // Sentinel-2 Level-2A, cloud probability of Sen2Cor in percent.
  CLD: { method: 'Sen2Cor', cloud: [{ scale: 0.01 }] },
  // Landsat Collection 2 (USGS): bits 8–9 cloud, 10–11 shadow, 14–15 cirrus, bit 0 fill.
  QA_PIXEL: { method: 'Fmask', cloud: [confidence(8), confidence(14)], shadow: [confidence(10)], unknown: [{ offset: 0, values: { 1: 1 } }] },
  // Landsat Collection 1 (USGS): bits 5–6 cloud, 7–8 shadow, 11–12 cirrus, bit 0 fill.
  BQA: { method: 'Fmask', cloud: [confidence(5), confidence(11)], shadow: [confidence(7)], unknown: [{ offset: 0, values: { 1: 1 } }] },
};

/** `lamina:cloud` of a band that is known by its name; {} for others. */
export function knownCloudField(name: string): { 'lamina:cloud'?: Wire } {
  const field = known[name.toUpperCase()];
  return field ? { 'lamina:cloud': field } : {};
}

/** What a band says about clouds; null when it says nothing or nothing that can be understood. */
export function cloudCodesOf(name: string, band: StacBand | undefined): CloudCodes | null {
  const field = band?.['lamina:cloud'] ?? known[name.toUpperCase()];
  if (typeof field !== 'object' || field === null) return null;
  const { method, unknown, ...given } = field as Wire;
  const rules = Object.fromEntries(disturbances.flatMap((key) => (isRules(given[key]) ? [[key, given[key]]] : [])));
  if (typeof method !== 'string' || Object.keys(rules).length === 0) return null;
  return { method, rules, ...(isRules(unknown) && { unknown }) };
}

function isRules(value: unknown): value is readonly CodeRule[] {
  return Array.isArray(value) && value.length > 0 && value.every(isRule);
}

function isRule(value: unknown): value is CodeRule {
  if (typeof value !== 'object' || value === null) return false;
  const { offset, length, values, scale } = value as Wire;
  const isBits = [offset, length].every((bits) => bits === undefined || (Number.isInteger(bits) && Number(bits) >= 0 && Number(bits) < 32));
  const isShare = (share: unknown) => typeof share === 'number' && share >= 0 && share <= 1;
  if (scale !== undefined) return isBits && values === undefined && typeof scale === 'number' && scale > 0;
  return isBits && typeof values === 'object' && values !== null && Object.values(values).every(isShare);
}
