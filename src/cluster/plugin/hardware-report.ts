/** `hardware`: which nodes match which class, and why the others do not. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { printable } from '../../ground/base/printable.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { type Hardware, hardwareOf } from '../deviceclass/hardware.ts';
import { findMismatch } from '../deviceclass/match.ts';
import type { NodeFacts } from '../deviceclass/node.ts';
import type { Paint } from './paint.ts';
import { type Branch, drawTree, leaf } from './tree.ts';

/** Nodes that do not match for the same reason. */
export type OtherNodes = { readonly why: string; readonly nodes: readonly string[] };

/** The nodes of one class. */
export type ClassHardware = {
  readonly name: string;
  readonly backend: string;
  readonly computeCapability?: string;
  readonly matching: readonly Hardware[];
  /** The nodes that are nearest to a match come first. */
  readonly others: readonly OtherNodes[];
};

/** The class of this name alone; all of them if none is named. @throws UserError InputNotFound */
export const selectClasses = (
  classes: readonly ExportDeviceClass[],
  name: string | undefined,
): readonly ExportDeviceClass[] => {
  const found = name === undefined ? classes : classes.filter(({ metadata }) => metadata.name === name);
  if (found.length > 0 || name === undefined) return found;
  const names = classes.map(({ metadata }) => metadata.name);
  throw new UserError(
    'InputNotFound',
    `Reading the ExportDeviceClass ${name}: it does not exist. ${names.length === 0 ? 'No class exists.' : `Existing classes: ${names.join(', ')}.`}`,
  );
};

/** The report of all given classes, in their order. */
export const reportHardware = (
  classes: readonly ExportDeviceClass[],
  nodes: readonly NodeFacts[],
): readonly ClassHardware[] => classes.map((deviceClass) => reportClass(deviceClass, nodes));

const reportClass = (
  { metadata: { name }, spec }: ExportDeviceClass,
  nodes: readonly NodeFacts[],
): ClassHardware => {
  const judged = nodes.map((node) => ({ node, mismatch: findMismatch(node, spec) }));
  const mismatches = judged.flatMap(({ mismatch }) => mismatch ?? []);
  const byText = Map.groupBy(
    mismatches.toSorted((a, b) => b.nearness - a.nearness),
    ({ text }) => text,
  );
  const computeCapability = spec.engine.computeCapability ?? spec.hardware?.computeCapability;
  return {
    name,
    backend: spec.engine.backend,
    ...(computeCapability !== undefined && { computeCapability }),
    matching: judged.flatMap(({ node, mismatch }) => (mismatch ? [] : [hardwareOf(node)])),
    others: [...byText].map(([why, found]) => ({ why, nodes: found.map(({ node }) => node) })),
  };
};

/** The text of the report. */
export const formatHardware = (classes: readonly ClassHardware[], paint: Paint): string =>
  classes.length === 0
    ? 'No ExportDeviceClass exists: create one for each kind of device to build engines for.\n'
    : `${classes.map((each) => drawTree(drawClass(each, paint)).join('\n')).join('\n\n')}\n`;

const drawClass = (
  { name, backend, computeCapability, matching, others }: ClassHardware,
  paint: Paint,
): Branch => {
  const total = matching.length + others.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const target =
    computeCapability === undefined ? backend : `${backend}, compute capability ${computeCapability}`;
  const count = `${matching.length} of ${total} nodes match`;
  return {
    text: `${paint('strong', name)} (${target}): ${paint(matching.length > 0 ? 'good' : 'wait', count)}`,
    below: [
      ...matching.map((hardware) => leaf(`${paint('good', '✔')} ${describeHardware(hardware)}`)),
      ...others.map(({ why, nodes }) => leaf(`${paint('bad', '✖')} ${listNodes(nodes)}: ${printable(why)}`)),
    ],
  };
};

const describeHardware = ({ node = '', product, computeCapability, driver, arch }: Hardware): string => {
  const facts = [
    product,
    computeCapability && `compute capability ${computeCapability}`,
    driver && `driver ${driver}`,
    arch,
  ].flatMap((fact) => fact || []);
  return printable(`${node}: ${facts.join(', ')}`);
};

/** Names of nodes in one line. */
const shownNodes = 3;

const listNodes = (nodes: readonly string[]): string => {
  const hidden = nodes.length - shownNodes;
  return `${nodes.slice(0, shownNodes).join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`;
};
