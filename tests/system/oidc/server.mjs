// An OpenID provider on loopback that issues access tokens by client credentials, one resource for each algorithm.
//
//     node server.mjs PORT KEYS [MAX_AGE [JWK]]
//
// Port 0: any free one; max-age of the key set in seconds, none without. JWK is the public key with which the client
// `orders-by-key` proves itself. The clients `orders...` may ask about opaque tokens, get tokens of their own, and have
// those of their callers exchanged (RFC 8693), each proving itself in a way of its own.
//
// The signing keys are kept in the file KEYS: started again, it publishes those of before and signs with new ones.
//
// One line of JSON on stdin, one on stdout: {"do": "publish" | "use" | "retire" | "show"}, answered with the kids that
// sign, those that are published, and how often the key set was fetched. It ends when stdin does.

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { createLocalJWKSet, jwtVerify } from 'jose';
import Provider, { errors } from 'oidc-provider';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};
const [port, keysFile, maxAge, serviceKey] = process.argv.slice(2);
// What the provider has to say of itself must not come between the answers.
console.info = console.error;

// By way of text: Node 20 locks itself up where it collects a generated pair's job while that very key is exported.
const AS_TEXT = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
};

function newKeys() {
  return Object.fromEntries(Object.entries(KINDS).map(([algorithm, [type, options]]) => {
    const { privateKey } = generateKeyPairSync(type, { ...options, ...AS_TEXT });
    const jwk = createPrivateKey(privateKey).export({ format: 'jwk' });
    return [algorithm, { ...jwk, use: 'sig', kid: `${algorithm}-${randomUUID()}` }];
  }));
}

// `https://orders.example/RS256` asks for RS256 and the audience of that host, `https://orders.example/opaque` for an
// opaque token.
function resourceServer(signing, resource) {
  const { hostname, pathname } = new URL(resource);
  const algorithm = pathname.slice(1);
  const server = {
    audience: hostname.split('.')[0],
    scope: 'orders:read orders:write',
    accessTokenFormat: 'opaque',
    accessTokenTTL: 3600,
  };
  if (algorithm === 'opaque') return server;
  return { ...server, accessTokenFormat: 'jwt', jwt: { sign: { alg: algorithm, kid: signing[algorithm].kid } } };
}

// The clients: who gets tokens, and the service itself, which asks about them.
function clients() {
  const machine = { grant_types: ['client_credentials', EXCHANGE], redirect_uris: [], response_types: [] };
  const service = { ...machine, client_secret: 'the secret: of the service' };
  const found = [
    { ...machine, client_id: 'shop', client_secret: 'the secret of the shop' },
    { ...service, client_id: 'orders' },
    { ...service, client_id: 'orders-by-form', token_endpoint_auth_method: 'client_secret_post' },
  ];
  if (!serviceKey) return found;
  const jwks = { keys: [JSON.parse(serviceKey)] };
  return [...found, { ...machine, client_id: 'orders-by-key', token_endpoint_auth_method: 'private_key_jwt', jwks }];
}

// A caller's token, one of ours, for one of the same subject and the asked resource (RFC 8693 section 2.2.1).
function registerExchange(provider, signing, published) {
  const publicPart = ({ kid, ...jwk }) => ({ ...createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' }), kid });
  const keys = createLocalJWKSet({ keys: published.flatMap((each) => Object.values(each)).map(publicPart) });
  const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope'];
  provider.registerGrantType(EXCHANGE, async (context) => {
    const { client, params } = context.oidc;
    const { payload } = await jwtVerify(params.subject_token, keys, { issuer: provider.issuer }).catch(() => {
      throw new errors.InvalidGrant('the subject token is none of ours');
    });
    const token = new provider.AccessToken({ client, accountId: payload.sub, scope: params.scope });
    token.resourceServer = new provider.ResourceServer(params.resource, resourceServer(signing, params.resource));
    context.oidc.entity('AccessToken', token);
    context.body = {
      access_token: await token.save(),
      issued_token_type: params.requested_token_type,
      token_type: token.tokenType,
      expires_in: token.expiration,
    };
  }, parameters);
}

function newProvider(issuer, signing, published) {
  const provider = new Provider(issuer, {
    jwks: { keys: published.flatMap((keys) => Object.values(keys)) },
    clients: clients(),
    ttl: { ClientCredentials: 3600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => resourceServer(signing, resource),
      },
    },
  });
  provider.use(async (context, next) => {
    await next();
    if (context.path === '/jwks' && maxAge) context.set('cache-control', `max-age=${maxAge}`);
  });
  registerExchange(provider, signing, published);
  return provider.callback();
}

let signing = newKeys();
let published = existsSync(keysFile) ? [JSON.parse(readFileSync(keysFile, 'utf8')), signing] : [signing];
let fetches = 0;
let answer;

const server = createServer((request, response) => {
  if (request.url === '/jwks') fetches += 1;
  answer(request, response);
});

// The keys of a provider are fixed, so each step of a rotation is a new provider on the same port.
function serve() {
  writeFileSync(keysFile, JSON.stringify(signing));
  answer = newProvider(`http://127.0.0.1:${server.address().port}`, signing, published);
}

const STEPS = {
  publish() { published = [signing, newKeys()]; },
  use() { signing = published.at(-1); },
  retire() { published = [signing]; },
  show() {},
};

function tell() {
  const kids = (keys) => Object.values(keys).map((key) => key.kid);
  const state = { port: server.address().port, signing: kids(signing), published: published.flatMap(kids), fetches };
  process.stdout.write(`${JSON.stringify(state)}\n`);
}

server.listen(Number(port), '127.0.0.1', () => {
  serve();
  tell();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    STEPS[JSON.parse(line).do]();
    serve();
    tell();
  });
  lines.on('close', () => process.exit(0));
});
