/** Whether others may use the operator: a licence that a machine can name, with its text where it is an unusual one. */
import { judged, type Check, type Figure } from './check.ts';

/** Identifiers of SPDX that models, data and code are given under most. Others are written as LicenseRef-…, with their text. */
const KNOWN = new Set([
  '0BSD', 'AFL-3.0', 'AGPL-3.0-only', 'AGPL-3.0-or-later', 'Apache-2.0', 'Artistic-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BSL-1.0', 'CC-BY-3.0', 'CC-BY-4.0', 'CC-BY-NC-4.0',
  'CC-BY-NC-SA-4.0', 'CC-BY-ND-4.0', 'CC-BY-SA-4.0', 'CC0-1.0', 'CDLA-Permissive-1.0', 'CDLA-Permissive-2.0', 'CDLA-Sharing-1.0', 'ECL-2.0', 'EPL-2.0', 'EUPL-1.1', 'EUPL-1.2',
  'GPL-2.0-only', 'GPL-2.0-or-later', 'GPL-3.0-only', 'GPL-3.0-or-later', 'ISC', 'LGPL-2.1-only', 'LGPL-2.1-or-later', 'LGPL-3.0-only', 'LGPL-3.0-or-later', 'MIT', 'MIT-0',
  'MPL-2.0', 'MS-PL', 'ODbL-1.0', 'ODC-By-1.0', 'OFL-1.1', 'OGL-UK-3.0', 'PDDL-1.0', 'PostgreSQL', 'Python-2.0', 'Unlicense', 'WTFPL', 'Zlib',
]);
const EXCEPTIONS = new Set(['Classpath-exception-2.0', 'GCC-exception-3.1', 'LLVM-exception', 'Autoconf-exception-3.0']);
const TEXT_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-][\w.-]*)?$/i;

/** `files` are the names of the package's files. */
export function checkLicence(license: string, files: readonly string[]): Check {
  const words = license.split(/[\s()]+/).filter((word) => word !== '');
  const parts = words.filter((word) => !/^(AND|OR|WITH)$/.test(word));
  const texts = files.filter((file) => TEXT_FILE.test(file.split('/').at(-1)!));
  const own = parts.filter((part) => /^LicenseRef-[\w.-]+$/.test(part));
  const unknown = parts.filter((part) => !KNOWN.has(part) && !EXCEPTIONS.has(part) && !own.includes(part));
  const faults = [
    ...(isExpression(license) ? [] : [`license '${license}' is no expression of SPDX identifiers, such as 'Apache-2.0' or 'MIT OR Apache-2.0'`]),
    ...unknown.map((part) => `'${part}' is no identifier of SPDX that is known here: write LicenseRef-${part.replace(/[^\w.-]/g, '-')} and put the text into a file LICENSE of the package`),
    ...(own.length > 0 && texts.length === 0 ? [`the text of ${own.join(', ')} is missing: put it into a file LICENSE of the package`] : []),
  ];
  const figures: Figure[] = [{ name: 'files with the text of a licence', value: texts.length }];
  return judged('licence', figures, `${license}${texts.length > 0 ? `, with ${texts.join(', ')}` : ''}.`, isExpression(license) ? faults : faults.slice(0, 1));
}

/** Identifiers with AND, OR and WITH between them; brackets in pairs. */
function isExpression(text: string): boolean {
  let flat = text.trim();
  for (let inner = flat.replace(/\(([^()]+)\)/g, (_, part: string) => (isFlat(part) ? 'X' : '(')); inner !== flat; inner = flat.replace(/\(([^()]+)\)/g, (_, part: string) => (isFlat(part) ? 'X' : '('))) flat = inner;
  return isFlat(flat);
}

function isFlat(text: string): boolean {
  return /^[A-Za-z0-9][\w.+-]*(?: (?:AND|OR|WITH) [A-Za-z0-9][\w.+-]*)*$/.test(text.trim());
}
