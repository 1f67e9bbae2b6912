/** Our CRDs in a control plane of a test. */
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';
import { eventually } from './run.ts';

const folder = join(import.meta.dirname, '..', '..', 'crds');

type Plane = Pick<ControlPlane, 'kubectl'>;

/** Applies the CRDs, and waits until the apiserver serves them. */
export const installCrds = async (plane: Plane): Promise<void> => {
  await plane.kubectl(['apply', '--server-side', '-k', folder]);
  await untilEstablished(plane);
};

/** kubectl refuses to wait for a CRD that has no conditions yet, so it is called again. */
export const untilEstablished = ({ kubectl }: Plane): Promise<string> =>
  eventually('the CRDs', () =>
    kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']),
  );
