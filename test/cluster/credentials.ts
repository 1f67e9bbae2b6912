/** Who may talk to a control plane of the tests: tokens, keys and certificates, made for it alone. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

export type Credentials = { readonly tokens: readonly string[]; readonly ca: Buffer };

/**
 * The administrators' tokens, the key of ServiceAccount tokens, and the certificates of the apiserver for all and for
 * kubelets. Left to itself the apiserver would make an RSA key, which takes half a second.
 */
export const writeCredentials = async (
  folder: string,
  address: string,
  users: readonly string[],
): Promise<Credentials> => {
  const names = ['admin', ...users];
  const tokens = names.map(() => randomBytes(16).toString('hex'));
  const lines = names.map((name, i) => `${tokens[i]},${name},${name},"system:masters"\n`);
  writeFileSync(join(folder, 'tokens.csv'), lines.join(''), { mode: 0o600 });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'sa.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  mkdirSync(join(folder, 'certs'), { recursive: true });
  await certify(join(folder, 'certs', 'apiserver'), '/CN=apiserver', `subjectAltName=IP:${address}`);
  await certify(
    join(folder, 'kubelet-client'),
    '/O=system:masters/CN=apiserver',
    'extendedKeyUsage=clientAuth',
  );
  return { tokens, ca: readFileSync(join(folder, 'certs', 'apiserver.crt')) };
};

/** A certificate signed by itself: `<path>.crt` and `<path>.key`. */
export const certify = (path: string, subject: string, extension: string): Promise<string> =>
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', subject, '-addext', extension, '-keyout', `${path}.key`, '-out', `${path}.crt`],
  ]);

export const kubeconfigOf = (server: string, token: string, ca: Buffer): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
