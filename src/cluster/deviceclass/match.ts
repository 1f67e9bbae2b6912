/** Matches a node against a device class by the rules of the scheduler, and reports the first mismatch. Pure. */
import { devicesOf, nodeSelectorOf, tolerationsOf } from '../api/class-pods.ts';
import type { ExportDeviceClassSpec } from '../api/export-device-class.ts';
import { hardwareRequirements, nodeLabels, type Requirement } from '../api/node-labels.ts';
import { hasInvalidMig, isUpgradingDriver } from './hardware.ts';
import type { NodeFacts, Taint } from './node.ts';

type Check = (node: NodeFacts, spec: ExportDeviceClassSpec) => string | undefined;

const checkSelector: Check = ({ metadata: { labels } }, spec) => {
  const nodeSelector = nodeSelectorOf(spec);
  const [key, value] = Object.entries(nodeSelector).find(([name, wanted]) => labels[name] !== wanted) ?? [];
  return key === undefined
    ? undefined
    : `label ${key} is ${formatValue(labels[key])}, the class selects ${value}`;
};

/** A node must match one of the terms. */
const checkAffinity: Check = (node, { nodeAffinity }) => {
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return undefined;
  const fits = terms.some(({ matchExpressions }) => matchExpressions.every(meetsRequirement(node)));
  return fits ? undefined : 'matches no term of nodeAffinity';
};

const checkHardware: Check = (node, { hardware }) => {
  const missed = hardwareRequirements(hardware).find((requirement) => !meetsRequirement(node)(requirement));
  if (missed === undefined) return undefined;
  const { key, operator, values = [] } = missed;
  return `label ${key} is ${formatValue(node.metadata.labels[key])}, the class requires ${operator} ${values.join(', ')}`;
};

const checkDevices: Check = (node, spec) => {
  const wanted = Object.entries(devicesOf(spec)).filter(([, amount]) => Number(amount) > 0);
  const [name, amount] = wanted.find(([device, n]) => (node.devices[device] ?? 0) < Number(n)) ?? [];
  if (name !== undefined) return `has ${node.devices[name] ?? 0} of ${name}, the class requests ${amount}`;
  if (wanted.length === 0) return undefined;
  if (hasInvalidMig(node)) return 'its MIG configuration is invalid';
  return isUpgradingDriver(node)
    ? `its driver is being upgraded (${node.metadata.labels[nodeLabels.driverUpgrade]})`
    : undefined;
};

const checkTaints: Check = ({ taints }, spec) => {
  const tolerations = tolerationsOf(spec);
  const hard = taints.filter(({ effect }) => effect !== 'PreferNoSchedule');
  const taint = hard.find((candidate) => !tolerations.some((toleration) => tolerates(toleration, candidate)));
  if (taint === undefined) return undefined;
  const { key, value, effect } = taint;
  return `taint ${key}${value === undefined ? '' : `=${value}`}:${effect} is not in the class's tolerations`;
};

const checkReadiness: Check = ({ ready, schedulable }) => {
  if (!schedulable) return 'is cordoned';
  return ready ? undefined : 'is not ready';
};

/** In order of nearness: a node that passes more checks is nearer to a match. */
const checks: readonly Check[] = [
  checkSelector,
  checkAffinity,
  checkHardware,
  checkDevices,
  checkTaints,
  checkReadiness,
];

/** Why a node does not match. `nearness` is the number of checks that it passed. */
export type Mismatch = { readonly node: string; readonly nearness: number; readonly text: string };

/** Why the node does not match the class, or undefined if it does. */
export const findMismatch = (node: NodeFacts, spec: ExportDeviceClassSpec): Mismatch | undefined => {
  for (const [nearness, check] of checks.entries()) {
    const text = check(node, spec);
    if (text !== undefined) return { node: node.metadata.name, nearness, text };
  }
  return undefined;
};

const formatValue = (value: string | undefined): string => value ?? 'absent';

/** Whether the labels of a node meet a requirement, by the rules of the scheduler. */
export const meetsRequirement =
  ({ metadata: { labels } }: NodeFacts) =>
  ({ key, operator, values = [] }: Requirement): boolean => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      case 'Gt':
        return compareIntegers(value, values[0], (a, b) => a > b);
      case 'Lt':
        return compareIntegers(value, values[0], (a, b) => a < b);
    }
  };

/** Compares integers only, like the scheduler; any other label value does not match. */
const compareIntegers = (
  value: string | undefined,
  bound: string | undefined,
  holds: (value: number, bound: number) => boolean,
): boolean => isInteger(value) && isInteger(bound) && holds(Number(value), Number(bound));

const isInteger = (text: string | undefined): text is string => text !== undefined && /^-?\d+$/.test(text);

type Toleration = NonNullable<ExportDeviceClassSpec['tolerations']>[number];

const tolerates = ({ key, operator = 'Equal', value, effect }: Toleration, taint: Taint): boolean => {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key === undefined || key === '') return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
};
