/**
 * What a signature of an operator says, and the bytes that are signed. Both are standards, so that others can check them without
 * Lamina: an in-toto Statement (v1) names the archive, in a DSSE envelope (v1, github.com/secure-systems-lab/dsse).
 */

/** A published version as it is signed: all of it is in the statement, so a signature fits exactly one version. */
export interface SignedFacts {
  /** With the namespace, where it has one. */
  readonly name: string;
  readonly version: string;
  /** 'sha256:…' of the manifest. */
  readonly digest: string;
  /** SHA-256 of the archive, hexadecimal. */
  readonly archive: string;
}

/** One signature of an envelope, as DSSE writes it. */
export interface Signature {
  /** SHA-256 of the public key (see `keyIdOf`). A hint: what counts is which key it verifies with. */
  readonly keyid: string;
  /** Base64. */
  readonly sig: string;
}

/** SIGNATURE.json. */
export interface Envelope {
  /** The statement, base64. */
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly Signature[];
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const ENVELOPE_TYPE = 'application/vnd.dsse.envelope.v1+json';
const PREDICATE = 'urn:lamina:operator:v1';

/** The statement. Its fields stand in this order, without blanks: equal facts are equal bytes. */
function statementOf({ name, version, digest, archive }: SignedFacts): string {
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${name.split('/').at(-1)!}-${version}.tar.gz`, digest: { sha256: archive } }],
    predicateType: PREDICATE,
    predicate: { operator: name, version, digest },
  });
}

/** The bytes that are signed: DSSE's pre-authentication encoding, 'DSSEv1', and type and payload, each with its length. */
export function signedBytes(facts: SignedFacts): Uint8Array {
  const payload = Buffer.from(statementOf(facts));
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload]);
}

export function envelopeOf(facts: SignedFacts, signatures: readonly Signature[]): Envelope {
  return { payload: Buffer.from(statementOf(facts)).toString('base64'), payloadType: PAYLOAD_TYPE, signatures };
}

/** The signatures of an envelope that is about exactly these facts. Throws an Error that says what is wrong with it. */
export function signaturesIn(bytes: Uint8Array, facts: SignedFacts): readonly Signature[] {
  const envelope = parsed(bytes);
  if (Buffer.from(envelope.payload, 'base64').toString() !== statementOf(facts)) throw new Error(`the signature is not of ${facts.name}:${facts.version} with this archive; sign exactly what is published`);
  return envelope.signatures;
}

/** What may stand in a list of versions, where everybody could write: at most so many, of the right form. */
export function plausibleSignatures(value: unknown): readonly Signature[] {
  return Array.isArray(value) ? value.slice(0, MOST_SIGNATURES).filter(isSignature) : [];
}

const MOST_SIGNATURES = 16;

function isSignature(value: unknown): value is Signature {
  const { keyid, sig } = (value ?? {}) as Partial<Signature>;
  return typeof keyid === 'string' && /^[0-9a-f]{64}$/.test(keyid) && typeof sig === 'string' && /^[A-Za-z0-9+/]{86}==$/.test(sig);
}

function parsed(bytes: Uint8Array): Envelope {
  let content: Partial<Envelope> | null;
  try {
    content = JSON.parse(Buffer.from(bytes).toString()) as Partial<Envelope> | null;
  } catch (error) {
    throw new Error('the signature is no JSON', { cause: error });
  }
  const { payload, payloadType, signatures } = content ?? {};
  const isWhole = typeof payload === 'string' && payloadType === PAYLOAD_TYPE && Array.isArray(signatures) && signatures.length <= MOST_SIGNATURES && signatures.every(isSignature);
  if (!isWhole) throw new Error('the signature is no DSSE envelope with an in-toto statement, signed with ed25519');
  return content as Envelope;
}
