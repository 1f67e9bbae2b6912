/** Certificates of a server as companies have them: signed by an authority of their own. */
import { join } from 'node:path';
import { aFolder } from '../builders/tool.ts';
import { run } from '../cluster/run.ts';

/** Paths of an authority, and of a certificate and key that it signed for an IP address. */
export const makeCertificates = async (address: string) => {
  const folder = aFolder();
  const at = (name: string) => join(folder, name);
  const request = [
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-x509',
    '-days',
    '2',
  ];
  const openssl = (args: readonly string[]) => run('openssl', [...request, ...args]);
  await openssl(['-subj', '/CN=authority', '-keyout', at('ca.key'), '-out', at('ca.crt')]);
  const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key')];
  const name = [
    '-subj',
    '/CN=storage',
    '-addext',
    `subjectAltName=IP:${address}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  await openssl([...signer, ...name, '-keyout', at('tls.key'), '-out', at('tls.crt')]);
  return { authority: at('ca.crt'), tls: { cert: at('tls.crt'), key: at('tls.key') } };
};
