/** Reads the hardware of a node from its labels, for all versions of GPU feature discovery. */
import type { ModelExportStatus } from '../api/model-export.ts';
import { nodeLabels } from '../api/node-labels.ts';
import type { NodeFacts } from './node.ts';

/** `hardware` in status.engines. */
export type Hardware = NonNullable<NonNullable<ModelExportStatus['engines']>[number]['hardware']>;

/** The hardware of a node. Unknown facts are left out: Jetson and CPU nodes have no GPU labels. */
export const hardwareOf = ({ metadata: { name, labels } }: NodeFacts): Hardware => {
  const product = labels[nodeLabels.product];
  const arch = labels[nodeLabels.arch];
  const computeCapability = computeCapabilityOf(labels);
  const driver = driverOf(labels);
  const migProfile = product === undefined ? undefined : migProfileOf(product);
  return {
    node: name,
    ...(product !== undefined && { product }),
    ...(computeCapability !== undefined && { computeCapability }),
    ...(driver !== undefined && { driver }),
    ...(arch !== undefined && { arch }),
    ...(migProfile !== undefined && { migProfile }),
  };
};

type Labels = Readonly<Record<string, string>>;

const computeCapabilityOf = (labels: Labels): string | undefined => {
  const major = labels[nodeLabels.computeMajor];
  return major === undefined ? undefined : `${major}.${labels[nodeLabels.computeMinor] ?? '0'}`;
};

const driverOf = (labels: Labels): string | undefined => {
  const parts = nodeLabels.oldDriverParts.flatMap((key) => labels[key] || []);
  return labels[nodeLabels.driver] ?? (parts.length === 0 ? undefined : parts.join('.'));
};

/** With strategy single the profile is a suffix of the product: A100-SXM4-40GB-MIG-1g.5gb. */
const migProfileOf = (product: string): string | undefined => /-MIG-(\d+g\.\S+)$/.exec(product)?.[1];

/** Whether GPU feature discovery reports an invalid MIG configuration, with which no pod can get a device. */
export const hasInvalidMig = ({ metadata: { labels } }: NodeFacts): boolean =>
  labels[nodeLabels.product]?.endsWith('-MIG-INVALID') ?? false;

/** Whether the GPU operator is upgrading the driver, so that a build now may not match the new one. */
export const isUpgradingDriver = ({ metadata: { labels } }: NodeFacts): boolean =>
  !['', 'upgrade-done', 'upgrade-required'].includes(labels[nodeLabels.driverUpgrade] ?? '');
