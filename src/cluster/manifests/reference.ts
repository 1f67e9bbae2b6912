/** `docs/reference/`: the reference pages that are generated from the sources. */

import { failures } from '../../ground/base/failures.ts';
import { type BackendRow, backends } from '../../ground/contract/backends.ts';
import type { ObjectSchema } from '../../ground/contract/schema.ts';
import { listMetrics } from '../../ground/observability/list-metrics.ts';
import { type Family, families } from '../../ground/plans/families.ts';
import { describeCapabilities } from '../../ground/plans/refusals.ts';
import { calibrationTensorfileSchema } from '../api/calibration-tensorfile.ts';
import { conditionTypes } from '../api/conditions.ts';
import { exportDeviceClassSchema } from '../api/export-device-class.ts';
import { exportGroup } from '../api/group.ts';
import { modelExportSchema } from '../api/model-export.ts';
import type { Permission } from '../api/permissions.ts';
import { type ReasonRow, reasonGroups } from '../api/reasons.ts';
import { fieldTable, ruleList } from './fields.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';
import { limitsPage } from './limits.ts';
import { absentMetrics, comparedVersion } from './monitoring/absent-metrics.ts';
import { leaderElectionPermissions, metricsPermissions } from './rbac.ts';

/** The generated pages, except those of flags. */
export const referenceFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  kindPage('ModelExport', modelExportSchema),
  kindPage('CalibrationTensorfile', calibrationTensorfileSchema),
  kindPage('ExportDeviceClass', exportDeviceClassSchema),
  conditionsPage(),
  exitCodesPage(),
  backendsPage(),
  permissionsPage(permissions),
  limitsPage(),
  metricsPage(),
];

const kindPage = (kind: string, schema: ObjectSchema): PublishedFile =>
  markdownFile(`docs/reference/${kind.toLowerCase()}.md`, kind, [
    schema.description,
    `\`apiVersion: ${exportGroup.apiVersion}\`, \`kind: ${kind}\`. Fields marked * are required.`,
    fieldTable(schema),
    '## Rules',
    'The apiserver checks these rules when an object is created or updated, and returns the message shown here.',
    ruleList(schema),
  ]);

const chapters: Readonly<Record<keyof typeof reasonGroups, string>> = {
  progress: 'In progress',
  success: 'Success',
  waiting: 'Waiting: continues automatically when the cause is resolved',
  failing: 'Failed, as the operator observed',
  failed: 'Failed, as the pod reported',
  deviceClass: 'ExportDeviceClass',
};

const reasonTable = (rows: Readonly<Record<string, ReasonRow>>): string =>
  markdownTable(
    ['Reason', 'Set when', 'Remedy'],
    Object.entries(rows).map(([reason, { when, remedy }]) => [`\`${reason}\``, when, remedy ?? '']),
  );

const conditionsPage = (): PublishedFile =>
  markdownFile('docs/reference/conditions-and-reasons.md', 'Conditions and reasons', [
    '## Conditions',
    markdownTable(
      ['Type', 'Meaning'],
      Object.entries(conditionTypes).map(([type, meaning]) => [`\`${type}\``, meaning]),
    ),
    ...Object.entries(chapters).flatMap(([group, title]) => [
      `## ${title}`,
      reasonTable(reasonGroups[group as keyof typeof reasonGroups]),
    ]),
  ]);

const exitCodesPage = (): PublishedFile =>
  markdownFile('docs/reference/exit-codes.md', 'Exit codes', [
    'Exit codes of the tools and of the containers of every pod. 0 is success; 126 and above are reserved for the shell.',
    markdownTable(
      ['Code', 'Reason', 'Meaning', 'Retried'],
      Object.entries(failures).map(([reason, { exitCode, meaning, retry }]) => [
        String(exitCode),
        `\`${reason}\``,
        meaning,
        retry === 'later' ? 'yes' : 'no',
      ]),
    ),
  ]);

const metricsPage = (): PublishedFile =>
  markdownFile('docs/reference/metrics.md', 'Metrics', [
    'Served at `/metrics`. Names and labels of reconciles, queues, requests and leader election are those of controller-runtime and client-go. [Differences](#differences-from-controller-runtime) are listed below. `process_*` and `nodejs_*` are the defaults of prom-client.',
    'Metrics of objects are computed from the caches at each scrape, so a deleted object leaves no series. Attempts are counted when status records them, by the replica that leads.',
    ...Object.entries(listMetrics()).flatMap(([title, rows]) => [
      `## ${title}`,
      markdownTable(
        ['Metric', 'Type', 'Labels', 'Meaning'],
        rows.map(({ name, type, labels, help }) => [
          `\`${name}\``,
          type,
          labels.map((label) => `\`${label}\``).join(', '),
          help,
        ]),
      ),
    ]),
    '## Differences from controller-runtime',
    `Compared with controller-runtime ${comparedVersion}: \`controller_runtime_reconcile_total\` has the result \`conflict\`, which is an error there, for a write to an object that had changed, and never \`requeue\`. \`workqueue_retries_total\` counts only failures, not delays that a reconcile requested. These metrics do not exist here:`,
    markdownTable(
      ['Metric', 'Reason'],
      absentMetrics.map(({ names, reason }) => [names.map((name) => `\`${name}\``).join(', '), reason]),
    ),
  ]);

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');

const backendsPage = (): PublishedFile =>
  markdownFile('docs/reference/backends.md', 'Engine backends', [
    markdownTable(
      ['Backend', 'Engine', 'File', 'Built on a GPU'],
      Object.entries<BackendRow>(backends).map(([backend, row]) => [
        `\`${backend}\``,
        row.description,
        `\`${row.engineFile}\``,
        yesOrNo(row.needsGpu),
      ]),
    ),
    '## Versions of TensorRT',
    markdownTable(
      [
        'Versions',
        'Precision',
        'int8 scales',
        'DLA',
        'Compute capabilities',
        'Compatible with',
        'Plugin nodes',
      ],
      Object.values<readonly Family[]>(families).flat().map(familyRow),
    ),
  ]);

const familyRow = (family: Family): readonly string[] => [
  family.title,
  [family.weaklyTyped && 'of the builder', family.stronglyTyped && 'of the graph'].filter(Boolean).join(', '),
  family.int8.map((route) => (route === 'QdqGraph' ? 'Q/DQ nodes' : 'dynamic ranges')).join(', ') ||
    'no int8',
  yesOrNo(family.hasDla),
  describeCapabilities(family.capabilities),
  family.hardwareCompatibility.filter((level) => level !== 'None').join(', '),
  family.pluginNodes === 'Kept' ? 'kept' : 'replaced by ONNX operators',
];

const permissionTable = (permissions: readonly Permission[]): string =>
  markdownTable(
    ['API group', 'Resources', 'Verbs', 'Why'],
    permissions.map(({ apiGroups, resources, verbs, why }) => [
      apiGroups.map((group) => (group === '' ? 'core' : group)).join(', '),
      resources.join(', '),
      verbs.join(', '),
      why,
    ]),
  );

const permissionsPage = (permissions: readonly Permission[]): PublishedFile =>
  markdownFile('docs/reference/permissions.md', 'Permissions of the operator', [
    'The operator has no access to Secrets: pods mount the key. A Job that it creates can mount any Secret of its namespace (see the [threat model](../threat-model.md)).',
    '## Cluster-wide',
    permissionTable([...permissions, ...metricsPermissions]),
    '## In the namespace of the operator',
    permissionTable(leaderElectionPermissions),
  ]);
