/** Keys and passwords that have no place in a package. What is found is told by file, line and kind; never the secret itself. */
import { judged, type Check, type Figure } from './check.ts';

interface Pattern {
  readonly kind: string;
  readonly pattern: RegExp;
}

const PATTERNS: readonly Pattern[] = [
  { kind: 'a private key', pattern: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/ },
  { kind: 'an access key of AWS', pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { kind: 'a token of GitHub', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b/ },
  { kind: 'a token of GitLab', pattern: /\bglpat-[A-Za-z0-9_-]{20,}/ },
  { kind: 'a token of Hugging Face', pattern: /\bhf_[A-Za-z0-9]{30,}\b/ },
  { kind: 'a token of npm or PyPI', pattern: /\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})/ },
  { kind: 'a token of Slack', pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,}/ },
  { kind: 'a key of Google', pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
  { kind: 'a signed token', pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/ },
  { kind: 'a password in an address', pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@'"<>{}$]{1,100}:[^\s/:@'"<>{}$]{3,100}@[\w.-]+/i },
  { kind: 'a password in an assignment', pattern: /(?:password|passwd|secret|secret_?(?:access_?)?key|api_?key|access_?token|auth_?token)["']?\s*[:=]\s*["'][^\s"'{}<>$]{8,}["']/i },
];

const NAMES = /(?:^|\/)(?:\.env(?:\.(?!example$|sample$|template$)[\w.-]+)?|\.netrc|\.pgpass|\.npmrc|\.pypirc|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]*\.(?:pem|p12|pfx|jks|keystore)|credentials|\.git\/.*|\.aws\/.*|\.ssh\/.*)$/;
/** Lines as long as this are weights. */
const LONGEST_LINE = 20_000;
const MOST_SHOWN = 10;

/** Looks through one file; `bytes` may be binary: text inside (metadata of models, for example) is looked at too. */
export function secretsIn(file: string, bytes: Uint8Array): string[] {
  const found = NAMES.test(file) ? [`${file} is a file for secrets`] : [];
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').split('\n');
  lines.forEach((line, i) => {
    for (const piece of line.length > LONGEST_LINE ? printable(line) : [line]) {
      for (const { kind, pattern } of PATTERNS) if (pattern.test(piece)) found.push(`${file}, line ${i + 1}: ${kind}`);
    }
  });
  return [...new Set(found)];
}

/** Stretches of readable characters in what is no text. */
function printable(line: string): string[] {
  return line.match(/[\x20-\x7e]{12,}/g) ?? [];
}

export function checkSecrets(found: readonly string[], files: number, bytes: number): Check {
  const figures: Figure[] = [{ name: 'files', value: files }, { name: 'bytes', value: bytes, unit: 'B' }, { name: 'secrets', value: found.length }];
  const more = found.length > MOST_SHOWN ? [`and ${found.length - MOST_SHOWN} more`] : [];
  return judged('secrets', figures, `No keys, tokens or passwords in ${files} files.`, [...found.slice(0, MOST_SHOWN), ...more]);
}
