/** What the pages expect of a cluster, and the objects of ours that they show. */
import { parseAllDocuments } from 'yaml';
import { a10Labels, aRawNode } from '../builders/nodes.ts';
import { aSpec } from '../builders/objects.ts';
import type { Ask } from '../cluster/requests.ts';
import { eventually } from '../cluster/run.ts';
import type { Block } from './blocks.ts';

const group = 'export.tlt.dev/v1beta1';

const blackwellLabels = {
  ...a10Labels,
  'nvidia.com/gpu.product': 'NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition',
  'nvidia.com/gpu.compute.major': '12',
  'nvidia.com/gpu.compute.minor': '0',
};

/** The nodes of the test cluster, and a Jetson, which has no labels of a GPU. */
const nodes = [
  aRawNode('ampere-1', { labels: a10Labels }),
  aRawNode('blackwell-1', { labels: blackwellLabels }),
  aRawNode('orin-1', { labels: { 'kubernetes.io/arch': 'arm64' } }),
];

/** Adds nodes without kubelets, and waits until the control plane has taken away the taint of a new node. */
export const addNodes = async (ask: Ask): Promise<void> => {
  for (const { metadata, ...node } of nodes) {
    const { uid: _, resourceVersion: __, ...own } = metadata;
    await ask('/api/v1/nodes', { method: 'POST', body: { ...node, metadata: own } });
  }
  await eventually('the taints of new nodes to go', async () => {
    const { items } = JSON.parse(await ask('/api/v1/nodes')) as { items: { spec: { taints?: object[] } }[] };
    return items.every(({ spec }) => spec.taints === undefined) || undefined;
  });
};

type Shown = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name: string; readonly namespace?: string };
  readonly spec?: object;
};

/** Placeholders as valid values. */
const fillPlaceholders = (text: string): string =>
  text.replaceAll('sha256:…', `sha256:${'a'.repeat(64)}`).replaceAll('REGISTRY', 'registry.example.com');

/**
 * The objects of our kinds in a block, as they can be sent to an apiserver, in its default namespace. A block with a bare `spec` is a part of a ModelExport, and
 * becomes a whole one. An example of a status is none.
 */
export const admissibleObjects = ({ language, text }: Block): readonly object[] => {
  if (language !== 'yaml') return [];
  const documents = parseAllDocuments(fillPlaceholders(text)).map((document) => document.toJS() as Shown);
  return documents.flatMap((document) => {
    const { namespace: _, ...metadata } = document.metadata ?? { name: 'part' };
    if (document.apiVersion === group) return [{ ...document, metadata }];
    if (document.kind !== undefined || document.spec === undefined) return [];
    return [{ apiVersion: group, kind: 'ModelExport', metadata, spec: { ...aSpec(), ...document.spec } }];
  });
};
