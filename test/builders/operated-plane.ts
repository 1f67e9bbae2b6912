/** A real control plane with the Job controller and the whole operator, without kubelets: tests act as those. */
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { aClientOf } from './client.ts';
import { runOperator } from './operator.ts';

export type OperatedPlane = {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  /** Aborted by `stop`. */
  readonly signal: AbortSignal;
  /** `kubectl apply` of an object; of our API group unless it names another. */
  readonly apply: (object: object) => Promise<string>;
  readonly stop: () => Promise<void>;
};

/**
 * @param classes names of device classes for CPUs, which match no node and may wait
 * @param settings of the operator
 */
export const startOperatedPlane = async (
  classes: readonly string[],
  settings?: Parameters<typeof runOperator>[2],
): Promise<OperatedPlane> => {
  const plane = await startControlPlane({ controllerManager: true });
  await installCrds(plane);
  const client = aClientOf(plane.kubeconfig);
  const stop = new AbortController();
  const running = runOperator(client, stop.signal, settings);
  const apply = (object: object) =>
    plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'export.tlt.dev/v1beta1', ...object }));
  const spec = { engine: { backend: 'OnnxRuntime' }, allowPending: true };
  for (const name of classes) await apply({ kind: 'ExportDeviceClass', metadata: { name }, spec });
  return {
    plane,
    client,
    signal: stop.signal,
    apply,
    stop: async () => {
      stop.abort(new Error('the test is over'));
      await running;
      await plane.stop();
    },
  };
};
