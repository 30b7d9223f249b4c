/** Accounts of runs: where the service is the administrator, every run gets a number that nobody else has. */
import { randomInt } from 'node:crypto';

/** No system gives such numbers to people or services. */
const FIRST = 0x3000_0000;
const LAST = 0x3fff_ffff;

/** The number of an account, and of its group, without a name, rights or files. */
export function ownAccount(): number {
  return randomInt(FIRST, LAST);
}
