/** What may be asked of a materialisation, checked as a whole. */
import { materialFormats, type MaterialFormat, type MaterialisationRequest } from '../../catalog/materialisations.ts';
import type { Quantization } from '../../cube/cube.ts';
import { OpenEOError } from '../../errors.ts';
import { formatName } from '../../formats/index.ts';
import type { Layer } from '../../layers/layer.ts';

const KNOWN = ['bbox', 'datetime', 'formats', 'view'];

/**
 * The request in a body {bbox?, datetime?, formats?, view?}. `bbox` and `datetime` are written as in a STAC
 * search; `formats` are names of output formats, none for warming only; `view` is one of the layer's.
 *
 * @throws ProcessParameterInvalid with every fault in one message
 */
export function readRequest(layer: Layer, body: Readonly<Record<string, unknown>>): MaterialisationRequest {
  const faults = Object.keys(body).filter((key) => !KNOWN.includes(key)).map((key) => `'${key}' is no field; there are ${KNOWN.join(', ')}`);
  const checked = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      faults.push((error as Error).message);
      return undefined;
    }
  };
  const bbox = checked(() => boxOf(body['bbox']));
  const interval = checked(() => intervalOf(body['datetime']));
  const formats = checked(() => formatsOf(body['formats']));
  const view = checked(() => viewOf(body['view'], layer));
  if (faults.length > 0) throw new OpenEOError('ProcessParameterInvalid', { process: 'materialisation', parameter: faults[0]!.split("'")[1] ?? 'body', reason: faults.join('; ') });
  return { layer: layer.id, files: layer.files, bbox: bbox!, interval: interval!, formats: formats!, view: view! };
}

function boxOf(value: unknown): MaterialisationRequest['bbox'] {
  if (value === undefined || value === null) return null;
  const box = typeof value === 'string' ? value.split(',').map(Number) : value;
  const isBox = Array.isArray(box) && box.length === 4 && box.every((n) => typeof n === 'number' && Number.isFinite(n));
  if (!isBox) throw new Error("'bbox' must be four numbers: west, south, east, north in degrees");
  const [west, south, east, north] = box as [number, number, number, number];
  if (west >= east || south >= north) throw new Error("'bbox' must have its west before its east and its south below its north");
  if (west < -180 || east > 180 || south < -90 || north > 90) throw new Error("'bbox' must lie within -180, -90, 180, 90");
  return [west, south, east, north];
}

function intervalOf(value: unknown): MaterialisationRequest['interval'] {
  if (value === undefined || value === null) return null;
  const parts = typeof value === 'string' ? value.split('/') : [];
  if (parts.length === 0 || parts.length > 2) throw new Error("'datetime' must be an instant or start/end, as RFC 3339");
  const instant = (text: string): Date | null => {
    if (text === '' || text === '..') return null;
    const date = new Date(text);
    if (Number.isNaN(date.getTime())) throw new Error(`'datetime' has '${text}', which is no RFC 3339 instant`);
    return date;
  };
  const [start, end] = parts.length === 2 ? [instant(parts[0]!), instant(parts[1]!)] : dayOf(instant(parts[0]!));
  if (start && end && start >= end) throw new Error("'datetime' must have its start before its end");
  return [start?.toISOString() ?? null, end?.toISOString() ?? null];
}

/** An instant stands for its whole UTC day. */
function dayOf(instant: Date | null): [Date | null, Date | null] {
  if (!instant) return [null, null];
  const start = new Date(instant.toISOString().slice(0, 10));
  return [start, new Date(start.getTime() + 86_400_000)];
}

function formatsOf(value: unknown): readonly MaterialFormat[] {
  if (value === undefined || value === null) return ['GTiff'];
  if (!Array.isArray(value)) throw new Error("'formats' must be an array of format names; an empty one fills the cache only");
  return [...new Set(value.map((name: unknown) => {
    const known = typeof name === 'string' ? materialFormats.find((format) => format === formatName(name)) : undefined;
    if (!known) throw new Error(`'formats' has '${String(name)}'; layers can be written as ${materialFormats.join(', ')}`);
    return known;
  }))];
}

function viewOf(value: unknown, { definition, operator }: Layer): Quantization {
  const offered = definition.views ?? ['float32'];
  if (value === undefined || value === null) return operator && offered.includes('float32') ? 'float32' : offered[0]!;
  const known = offered.find((view) => view === value);
  if (!known) throw new Error(`'view' is ${JSON.stringify(value)}; the layer has ${offered.join(', ')}`);
  return known;
}
