/** The real Kueue beside a control plane of a test: its CRDs, its webhooks, and its manager as a process of this machine. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { certify } from '../cluster/credentials.ts';
import { freePort } from '../cluster/free-port.ts';
import { kueueFolder } from '../cluster/go-tools.ts';
import { background, eventually } from '../cluster/run.ts';

/** Starts Kueue for batch Jobs. Resolves once its webhook answers; the result stops it. */
export const startKueue = async (plane: ControlPlane): Promise<() => Promise<void>> => {
  const program = await kueueFolder();
  const folder = join(plane.folder, 'kueue');
  mkdirSync(folder);
  await certify(join(folder, 'tls'), '/CN=kueue', 'subjectAltName=IP:127.0.0.1');
  const [webhook, health] = [await freePort(), await freePort()];
  await plane.kubectl(['create', 'namespace', 'kueue-system']);
  await plane.kubectl(['apply', '--server-side', '-f', join(program, 'crds')]);
  await untilEstablished(plane);
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(configOf(folder, webhook, health)));
  // Its visibility server would need a front proxy of the apiserver.
  const flags = [`--config=${config}`, '--feature-gates=VisibilityOnDemand=false'];
  const command = [join(program, 'kueue'), ...flags, `--kubeconfig=${plane.kubeconfig}`];
  const manager = background('unshare', ['--mount', 'sh', '-c', withCertificate, 'sh', folder, ...command], {
    log: join(folder, 'kueue.log'),
  });
  await eventually('Kueue', async () => {
    const answer = await fetch(`http://127.0.0.1:${health}/readyz`);
    return answer.ok ? true : undefined;
  }).catch((thrown: Error) => {
    throw new Error(`${thrown.message}\n${readFileSync(join(folder, 'kueue.log'), 'utf8').slice(-3000)}`);
  });
  const authority = readFileSync(join(folder, 'tls.crt')).toString('base64');
  const manifests = readFileSync(join(program, 'webhooks.yaml'), 'utf8');
  for (const configuration of reachableWebhooks(manifests, `https://127.0.0.1:${webhook}`, authority))
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(configuration));
  return manager.stop;
};

/**
 * Kueue reads the certificate of its metrics from a fixed path, even if it serves none. The process alone sees it there:
 * the arguments are the folder of the certificate, and the command.
 */
const withCertificate = `
  mkdir -p "$1/etc/kueue/metrics/certs" && cp "$1/tls.crt" "$1/tls.key" "$1/etc/kueue/metrics/certs" &&
  mount -t overlay -o "lowerdir=$1/etc:/etc" overlay /etc && shift && exec "$@"`;

const configOf = (folder: string, port: number, health: number) => ({
  apiVersion: 'config.kueue.x-k8s.io/v1beta2',
  kind: 'Configuration',
  health: { healthProbeBindAddress: `127.0.0.1:${health}` },
  metrics: { bindAddress: '0' },
  webhook: { host: '127.0.0.1', port, certDir: folder },
  leaderElection: { leaderElect: false },
  internalCertManagement: { enable: false },
  integrations: { frameworks: ['batch/job'] },
});

type Webhook = {
  readonly clientConfig: { readonly service: { readonly path: string } };
  readonly rules: readonly { readonly apiGroups: readonly string[] }[];
};
type WebhookConfiguration = {
  readonly kind: string;
  readonly metadata: object;
  readonly webhooks: readonly Webhook[];
};

/** Kueue's own configurations, for its objects and for Jobs, with the address of the process in place of a Service. */
const reachableWebhooks = (
  manifests: string,
  address: string,
  caBundle: string,
): readonly WebhookConfiguration[] =>
  parseAllDocuments(manifests).map((document) => {
    const { webhooks, ...rest } = document.toJS() as WebhookConfiguration;
    const concerned = webhooks.filter(({ rules }) =>
      rules.every(({ apiGroups }) => apiGroups.every((group) => ['batch', 'kueue.x-k8s.io'].includes(group))),
    );
    return {
      ...rest,
      webhooks: concerned.map(({ clientConfig, ...hook }) => ({
        ...hook,
        clientConfig: { url: `${address}${clientConfig.service.path}`, caBundle },
      })) as never,
    };
  });
