/** Who may keep a copy of an answer, and for how long. */
import type { Response } from 'express';

/** The same for everybody, and changed by who runs the service only. */
const everybody = 'public, max-age=60';

/**
 * Sets the headers for an answer to a GET.
 *
 * @param access open: the answer is the same for everybody; visitor: users may see more than others; else it is of one user
 * @param isAnonymous nobody has said who he is
 */
export function setCachePolicy(response: Response, access: 'open' | 'visitor' | 'user' | 'basic', isAnonymous: boolean): void {
  if (access === 'open') return void response.set('Cache-Control', everybody);
  // A copy is asked for again each time, which costs little where it has not changed (304).
  response.set('Cache-Control', isAnonymous && access === 'visitor' ? 'no-cache' : 'private, no-cache').vary('Authorization');
}
