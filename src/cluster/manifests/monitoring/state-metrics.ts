/** Configuration of kube-state-metrics (`--custom-resource-state-config-file`), for clusters that take object states from it. */
import { exportGroup, kinds } from '../../api/group.ts';

const conditionStates = ['True', 'False', 'Unknown'];

const resourceOf = ({ kind }: { readonly kind: string }) => ({
  groupVersionKind: { group: exportGroup.group, version: exportGroup.version, kind },
  metricNamePrefix: `kube_${kind.toLowerCase()}`,
  labelsFromPath: { name: ['metadata', 'name'], namespace: ['metadata', 'namespace'] },
  metrics: [
    {
      name: 'status_condition',
      help: 'The conditions of the object: 1 for the status that each has.',
      each: {
        type: 'StateSet',
        stateSet: {
          labelName: 'status',
          labelsFromPath: { type: ['type'], reason: ['reason'] },
          list: conditionStates,
          path: ['status', 'conditions'],
          valueFrom: ['status'],
        },
      },
    },
    {
      name: 'created',
      help: 'Creation time of the object, in seconds since the epoch.',
      each: { type: 'Gauge', gauge: { path: ['metadata', 'creationTimestamp'] } },
    },
  ],
});

/** Configuration of kube-state-metrics for the three kinds. */
export const stateMetricsConfig = {
  kind: 'CustomResourceStateMetrics',
  spec: { resources: Object.values(kinds).map(resourceOf) },
};
