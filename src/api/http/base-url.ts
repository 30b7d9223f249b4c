/** The URL under which a client reaches the service: all links in an answer begin with it. */
import type { Request } from 'express';

/**
 * The configured URL, or the host that the client named. Forwarding headers count for nothing: anybody
 * can send them.
 */
export function baseUrlOf(publicUrl: string | null): (request: Request) => string {
  return (request) => {
    if (publicUrl !== null) return publicUrl;
    const host = request.headers.host ?? '';
    return `http://${/^[\w.-]+(:\d+)?$|^\[[\da-fA-F:.]+\](:\d+)?$/.test(host) ? host : 'localhost'}`;
  };
}
