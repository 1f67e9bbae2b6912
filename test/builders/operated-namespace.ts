/** What a test does in one namespace of an operated control plane, where it acts as the kubelets. */
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import { eventually } from '../cluster/run.ts';
import { anExported } from './objects.ts';
import type { OperatedPlane } from './operated-plane.ts';
import { aSucceededPod } from './pods.ts';

/** A pod that the Job controller created. */
export type CreatedPod = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly containers: readonly { readonly resources: { readonly limits?: object } }[];
    readonly affinity?: object;
  };
  readonly status?: { readonly phase?: string };
};

/** Creates a namespace that enforces the restricted Pod Security Standard, unless its labels name another. */
export const createNamespace = async (
  { apply, plane }: OperatedPlane,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted', ...labels };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: enforced } });
  // The controller manager creates the ServiceAccount of the pods.
  await eventually('the default ServiceAccount', async () =>
    plane.kubectl(['get', 'serviceaccount', 'default', '-n', name]).catch(() => undefined),
  );
};

/** Applies an object of any API group in the namespace. */
export const applyIn = async ({ plane }: OperatedPlane, namespace: string, object: object): Promise<void> => {
  await plane.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(object));
};

/** The pods of a stage. */
export const listPods = async (
  { client, signal }: OperatedPlane,
  namespace: string,
  stage: string,
): Promise<readonly CreatedPod[]> => {
  const { items } = (await client.list(jobResources.pods, { namespace }, signal)) as { items: CreatedPod[] };
  return items.filter(({ metadata: { labels } }) => labels['export.tlt.dev/stage'] === stage);
};

/** The first pod of a stage, once it exists. */
export const podOf = (operated: OperatedPlane, namespace: string, stage: string): Promise<CreatedPod> =>
  eventually(`the ${stage} pod in ${namespace}`, async () => (await listPods(operated, namespace, stage))[0]);

/** Reports a status as the kubelet of the pod does. */
export const reportPod = async (
  { client, signal }: OperatedPlane,
  namespace: string,
  { metadata: { name } }: CreatedPod,
  status: object,
): Promise<void> => {
  await client.mergePatch(jobResources.pods, { namespace, name, subresource: 'status' }, { status }, signal);
};

/** Ends the export pod with success. */
export const finishExport = async (operated: OperatedPlane, namespace: string): Promise<CreatedPod> => {
  const pod = await podOf(operated, namespace, 'export');
  await reportPod(operated, namespace, pod, aSucceededPod('export', anExported()));
  return pod;
};

/** The export `demo`. */
export const readDemo = async ({ client, signal }: OperatedPlane, namespace: string): Promise<ModelExport> =>
  (await client.read(modelExportResource, { namespace, name: 'demo' }, signal)) as ModelExport;

/** The true condition of the export `demo` that has this reason, once there is one. */
export const conditionFor = (operated: OperatedPlane, namespace: string, reason: string) =>
  eventually(`demo in ${namespace} to say ${reason}`, async () => {
    const { status } = await readDemo(operated, namespace);
    return status?.conditions?.find((c) => c.status === 'True' && c.reason === reason);
  });
