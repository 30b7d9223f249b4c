/** Texts compared without regard to case or accents, and with the wildcards of LIKE. The database folds in the same way. */

/** Letters with a stroke and the like, which Unicode does not take apart. */
export const STROKED = 'ØøŁłĐđĦħŦŧƀɨ';
export const UNSTROKED = 'OoLlDdHhTtbi';

/** Small letters; both small sigmas are one. */
export function foldCase(text: string): string {
  return text.replaceAll('\u0130', 'i').toLowerCase().replaceAll('\u03C2', '\u03C3');
}

/** Letters without the marks above, below and across them. */
export function foldAccents(text: string): string {
  const bare = text.normalize('NFD').replace(/[\u0300-\u036F]/g, '').normalize('NFC');
  return bare.replace(/[ØøŁłĐđĦħŦŧƀɨ]/g, (letter) => UNSTROKED[STROKED.indexOf(letter)]!);
}

/** Order by code points, as the database has it; < 0 when `a` comes first. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [Array.from(a), Array.from(b)];
  const differs = left.findIndex((sign, i) => sign !== right[i]);
  if (differs < 0 || right[differs] === undefined) return left.length - right.length;
  return left[differs]!.codePointAt(0)! - right[differs].codePointAt(0)!;
}

/** A part of a pattern, which stands for a text, for one character or for exactly this one. */
type Part = { readonly wild: 'text' | 'character' } | { readonly is: string };

/**
 * Tests texts against a pattern in which % stands for any text, _ for any character and a backslash takes the
 * next sign as it is. Takes time in proportion to text times pattern at most, however many % there are.
 */
export function likeTest(pattern: string): (text: string) => boolean {
  const parts = partsOf(pattern);
  return (text) => matches(parts, Array.from(text));
}

function partsOf(pattern: string): Part[] {
  const signs = Array.from(pattern);
  const parts: Part[] = [];
  for (let i = 0; i < signs.length; i++) {
    const sign = signs[i]!;
    if (sign === '\\' && i + 1 < signs.length) parts.push({ is: signs[++i]! });
    else parts.push(sign === '%' ? { wild: 'text' } : sign === '_' ? { wild: 'character' } : { is: sign });
  }
  return parts;
}

/** Only the last % is ever tried again: what came before it has matched as early as it could. */
function matches(parts: readonly Part[], signs: readonly string[]): boolean {
  let [part, sign, retryPart, retrySign] = [0, 0, -1, 0];
  while (sign < signs.length) {
    const here = parts[part];
    if (here && ('wild' in here ? here.wild === 'character' : here.is === signs[sign])) {
      part++;
      sign++;
    } else if (here && 'wild' in here) {
      [retryPart, retrySign] = [++part, sign];
    } else if (retryPart >= 0) {
      [part, sign] = [retryPart, ++retrySign];
    } else return false;
  }
  return parts.slice(part).every((rest) => 'wild' in rest && rest.wild === 'text');
}

/** The pattern as PostgreSQL takes it: a backslash at the end, which it refuses, stands for itself. */
export function databasePattern(pattern: string): string {
  const trailing = /\\*$/.exec(pattern)![0].length;
  return trailing % 2 === 1 ? `${pattern}\\` : pattern;
}
