/**
 * NetworkPolicies. The operator accepts connections only from Prometheus and connects only to DNS and the apiserver. Pods
 * of Jobs have their claims mounted and need no network.
 */
import { labels } from '../api/labels.ts';
import { installation, installedLabels, ports, selector } from './names.ts';

const apiVersion = 'networking.k8s.io/v1';
const kind = 'NetworkPolicy';

/** Usual ports of the apiserver behind its Service. */
const apiserverPorts = [443, 6443] as const;

/** Label of namespaces that may scrape metrics. */
export const scraperLabel = { 'export.tlt.dev/metrics': 'scraper' } as const;

const toDns = { ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) };

/** Policy for the operator's pods. */
export const operatorPolicy = (namespace: string) => ({
  apiVersion,
  kind,
  metadata: { name: installation.operator, namespace, labels: installedLabels },
  spec: {
    podSelector: { matchLabels: selector },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: scraperLabel } }],
        ports: [{ port: ports.metrics, protocol: 'TCP' }],
      },
    ],
    egress: [toDns, { ports: apiserverPorts.map((port) => ({ port, protocol: 'TCP' })) }],
  },
});

const podsOfJobs = { matchExpressions: [{ key: labels.stage, operator: 'Exists' }] };

/** Policy that denies all traffic of Job pods. Without `namespace` it applies to the namespace it is created in. */
export const jobsPolicy = (namespace?: string) => ({
  apiVersion,
  kind,
  metadata: { name: 'tlt-export-jobs', ...(namespace && { namespace }), labels: installedLabels },
  spec: { podSelector: podsOfJobs, policyTypes: ['Ingress', 'Egress'] },
});

/** Addresses and port of a server of object storage; texts of a template in the chart. */
export type StorageServer = { readonly cidr: string; readonly port: number | string };

/** Every server that speaks HTTPS: AWS has too many addresses to list. */
export const anyServer: StorageServer = { cidr: '0.0.0.0/0', port: 443 };

/** A rule of egress to such a server. */
export const toServer = ({ cidr, port }: StorageServer) => ({
  to: [{ ipBlock: { cidr } }],
  ports: [{ port, protocol: 'TCP' }],
});

/**
 * Policy that lets Job pods reach object storage and DNS. Policies add up, so it does not matter whether `jobsPolicy` is
 * there.
 * @param servers rules of `toServer`
 */
export const storagePolicy = (servers: readonly (object | string)[], namespace?: string) => ({
  apiVersion,
  kind,
  metadata: {
    name: 'tlt-export-jobs-object-storage',
    ...(namespace && { namespace }),
    labels: installedLabels,
  },
  spec: { podSelector: podsOfJobs, policyTypes: ['Egress'], egress: [toDns, ...servers] },
});
