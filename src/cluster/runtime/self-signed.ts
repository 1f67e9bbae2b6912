/**
 * A self-signed server certificate: it encrypts the connection, and does not authenticate the server to the client.
 * X.509 v3 (RFC 5280) in DER, ECDSA with P-256 and SHA-256.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A private key and its certificate. */
export type ServerCertificate = {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
};

type Validity = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly days: number;
};

/** A certificate for this DNS name, valid from one hour ago to `days` from now. */
export const makeSelfSignedCertificate = (host: string, { now, days }: Validity): ServerCertificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid(commonName), der(tags.utf8, Buffer.from(host)))));
  const altName = sequence(der(tags.dnsName, Buffer.from(host)));
  const extensions = sequence(sequence(oid(subjectAltName), der(tags.octets, altName)));
  const hourMs = 3_600_000;
  const toBeSigned = sequence(
    der(tags.version, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(now - hourMs), time(now + days * 24 * hourMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(tags.extensions, extensions),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const noUnusedBits = Buffer.from([0]);
  const whole = sequence(toBeSigned, algorithm, der(tags.bits, Buffer.concat([noUnusedBits, signature])));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${whole
      .toString('base64')
      .replace(/.{64}/g, '$&\n')
      .trimEnd()}\n-----END CERTIFICATE-----\n`,
  };
};

const tags = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
} as const;

/** Object identifiers in DER, without tag and length. */
const commonName = '550403';
const subjectAltName = '551d11';
const ecdsaWithSha256 = '2a8648ce3d040302';

const der = (tag: number, content: Uint8Array): Buffer => {
  const { length } = content;
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
};

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(tags.sequence, Buffer.concat(parts));
const set = (...parts: readonly Uint8Array[]): Buffer => der(tags.set, Buffer.concat(parts));
const oid = (encoded: string): Buffer => der(tags.oid, Buffer.from(encoded, 'hex'));
const algorithm = sequence(oid(ecdsaWithSha256));

/** GeneralizedTime: 20260101000000Z. */
const time = (ms: number): Buffer =>
  der(tags.time, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));
