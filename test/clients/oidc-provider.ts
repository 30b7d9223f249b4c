/**
 * An OpenID Connect provider for the client tests, with real flows and signatures. Prints its issuer when it
 * listens. Anybody can log in under any name, with any password.
 *
 *   node test/clients/oidc-provider.ts <port>
 */
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const grants = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];

const provider = new Provider(issuer, {
  clients: [
    { client_id: 'machine', client_secret: 'machine-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
    { client_id: 'people', application_type: 'native', token_endpoint_auth_method: 'none', grant_types: grants, redirect_uris: [], response_types: [] },
    // Native: its address on this computer may have any port.
    { client_id: 'editor', application_type: 'native', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', ...grants], redirect_uris: ['http://127.0.0.1'], response_types: ['code'] },
    { client_id: 'opaque', application_type: 'native', token_endpoint_auth_method: 'none', grant_types: grants, redirect_uris: [], response_types: [] },
  ],
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of the tests` }) }),
  claims: { openid: ['sub'], profile: ['name'] },
  scopes: ['openid', 'profile', 'offline_access'],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Tokens of these clients are for the userinfo endpoint, and no JWTs.
      defaultResource: (_context, client) => (['opaque', 'editor'].includes(client.clientId) ? [] : 'urn:lamina'),
      getResourceServerInfo: () => ({ scope: 'openid profile', audience: 'urn:lamina', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      useGrantedResource: () => true,
    },
  },
  issueRefreshToken: () => true,
  pkce: { required: (_context, client) => client.clientId === 'editor' },
  // Scripts of other origins fetch tokens.
  clientBasedCORS: () => true,
  cookies: { keys: ['only for tests'] },
});

const answer = provider.callback();
createServer((request, response) => void answer(request, response)).listen(port, '127.0.0.1', () => process.stdout.write(`${issuer}\n`));
