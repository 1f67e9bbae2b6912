/**
 * NetworkPolicies: the operator is asked by Prometheus alone and asks DNS and the apiserver alone; the pods of exports
 * have their claims mounted and need no network at all.
 */
import { labels } from '../api/labels.ts';
import { installation, installedLabels, ports, selector } from './names.ts';

const apiVersion = 'networking.k8s.io/v1';
const kind = 'NetworkPolicy';

/** A port of the apiserver behind its Service differs by cluster; these are the ones that are usual. */
const apiserverPorts = [443, 6443] as const;

/** The label by which a namespace says that it may scrape metrics. */
export const scraperLabel = { 'export.tlt.dev/metrics': 'scraper' } as const;

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
    egress: [
      { ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) },
      { ports: apiserverPorts.map((port) => ({ port, protocol: 'TCP' })) },
    ],
  },
});

export const jobsPolicy = (namespace?: string) => ({
  apiVersion,
  kind,
  metadata: { name: 'tlt-export-jobs', ...(namespace && { namespace }), labels: installedLabels },
  spec: {
    podSelector: { matchLabels: { [labels.managedBy]: labels.managedByValue } },
    policyTypes: ['Ingress', 'Egress'],
  },
});
