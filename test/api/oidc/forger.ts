/** An OpenID Connect provider that says what a test wants, wrong things included. Keys and signatures are real. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export interface Forger {
  readonly issuer: string;
  /** Requests so far, by path. */
  readonly asked: Record<string, number>;
  /** What discovery says besides what is right. */
  discovery: Record<string, unknown>;
  /** Answers of the userinfo endpoint by token. */
  readonly users: Record<string, Record<string, unknown>>;
  /** True: every answer is a 500. */
  isBroken: boolean;
  /** Signs with the newest key. */
  sign(claims: JWTPayload, options?: { expires?: string; issuer?: string }): Promise<string>;
  /** From now on another key signs; the old one is no longer published. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export async function startForger(): Promise<Forger> {
  let serial = 0;
  let current = await newKey(serial);
  const asked: Record<string, number> = {};
  const server = createServer((request, response) => {
    const path = request.url!;
    asked[path] = (asked[path] ?? 0) + 1;
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const answers: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: forger.issuer, jwks_uri: `${forger.issuer}/keys`, userinfo_endpoint: `${forger.issuer}/me`, ...forger.discovery },
      '/keys': { keys: [current.published] },
      '/me': forger.users[token],
    };
    const answer = answers[path];
    response.writeHead(forger.isBroken ? 500 : answer ? 200 : 401, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const forger: Forger = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked, discovery: {}, users: {}, isBroken: false,
    sign: (claims, { expires = '5m', issuer = forger.issuer } = {}) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: current.published.kid! }).setIssuer(issuer).setIssuedAt().setExpirationTime(expires).sign(current.privateKey),
    rotate: async () => void (current = await newKey(++serial)),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
  return forger;
}

async function newKey(serial: number) {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, published: { ...await exportJWK(publicKey), kid: `key ${serial}`, alg: 'RS256', use: 'sig' } };
}
