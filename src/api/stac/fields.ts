/**
 * The fields extension: which members of items are sent. `include` alone means only those and
 * what tells which item it is, `exclude` alone all but those; what stands in both is sent. Where nothing is
 * named, or an empty `include`, it is the least that makes an item.
 */
import { invalidParameter } from './respond.ts';

export interface FieldChoice {
  /** Paths: 'id', 'properties.eo:cloud_cover'. null: everything; []: the least that makes an item. */
  readonly include: readonly string[] | null;
  readonly exclude: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const least = ['type', 'stac_version', 'id', 'geometry', 'bbox', 'links', 'assets', 'properties.datetime'];
/** Sent with whatever is chosen: without them nobody knows what the rest belongs to. */
const identity = ['type', 'stac_version', 'id', 'collection'];
const MAX_FIELDS = 1000;

/** '+a,-b.c,d' of a query string. */
export function parseFieldsText(text: string): FieldChoice {
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== '' && part !== '-' && part !== '+');
  const isExcluded = (part: string) => part.startsWith('-');
  const include = parts.filter((part) => !isExcluded(part)).map((part) => part.replace(/^\+/, ''));
  const exclude = parts.filter(isExcluded).map((part) => part.slice(1));
  return checked({ include: include.length === 0 && exclude.length > 0 ? null : include, exclude });
}

/** { include, exclude } of a body. Throws StacRequestError (400). */
export function parseFieldsBody(value: unknown): FieldChoice {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidParameter('fields', 'it must be an object with \'include\' and \'exclude\'');
  const { include, exclude } = value as { include?: unknown; exclude?: unknown };
  const isOnlyExclude = include === undefined && exclude !== undefined && exclude !== null;
  return checked({ include: isOnlyExclude ? null : names('include', include), exclude: names('exclude', exclude) });
}

function names(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) throw invalidParameter('fields', `'${name}' must be a list of texts`);
  return value as string[];
}

function checked(choice: FieldChoice): FieldChoice {
  if ((choice.include?.length ?? 0) + choice.exclude.length > MAX_FIELDS) throw invalidParameter('fields', `it may name ${MAX_FIELDS} fields at most`);
  return choice;
}

/** The chosen members of an item, or of a collection; `minimum` are those that come where nothing is chosen. */
export function chooseFields(item: Json, { include, exclude }: FieldChoice, minimum: readonly string[] = least): Json {
  const kept = include === null ? item : only(item, include.length === 0 ? minimum : [...identity, ...include]);
  // What is in both is sent, and so is what lies inside of what was not wanted.
  const dropped = exclude.filter((path) => !include?.some((wanted) => wanted === path || wanted.startsWith(`${path}.`)));
  return without(kept, dropped);
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths by their first member; [] of one that is wanted as a whole. */
function byFirst(paths: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) {
    const dot = path.indexOf('.');
    const first = dot < 0 ? path : path.slice(0, dot);
    groups.set(first, [...(groups.get(first) ?? []), dot < 0 ? '' : path.slice(dot + 1)]);
  }
  return groups;
}

function only(value: Json, paths: readonly string[]): Json {
  const kept = [...byFirst(paths)].flatMap(([name, rest]): [string, unknown][] => {
    if (!Object.hasOwn(value, name)) return [];
    const member = value[name];
    return [[name, rest.includes('') || !isObject(member) ? member : only(member, rest)]];
  });
  return Object.fromEntries(kept);
}

function without(value: Json, paths: readonly string[]): Json {
  const groups = byFirst(paths);
  return Object.fromEntries(Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
    const rest = groups.get(name);
    if (rest === undefined) return [[name, member]];
    return rest.includes('') ? [] : [[name, isObject(member) ? without(member, rest) : member]];
  }));
}
