/** `docs/reference/`: the tables that follow from the sources, one page for each question. */

import { failures } from '../../ground/base/failures.ts';
import { type BackendRow, backends } from '../../ground/contract/backends.ts';
import type { ObjectSchema } from '../../ground/contract/schema.ts';
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
import { leaderElectionPermissions, metricsPermissions } from './rbac.ts';

export const referenceFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  kindPage('ModelExport', modelExportSchema),
  kindPage('CalibrationTensorfile', calibrationTensorfileSchema),
  kindPage('ExportDeviceClass', exportDeviceClassSchema),
  conditionsPage(),
  exitCodesPage(),
  backendsPage(),
  permissionsPage(permissions),
  limitsPage(),
];

const kindPage = (kind: string, schema: ObjectSchema): PublishedFile =>
  markdownFile(`docs/reference/${kind.toLowerCase()}.md`, kind, [
    schema.description,
    `\`apiVersion: ${exportGroup.apiVersion}\`, \`kind: ${kind}\`. Fields marked * must be given.`,
    fieldTable(schema),
    '## Rules',
    'Checked when an object is applied; the text is what the apiserver answers.',
    ruleList(schema),
  ]);

const chapters: Readonly<Record<keyof typeof reasonGroups, string>> = {
  progress: 'Under way',
  success: 'Done',
  waiting: 'Waiting: goes on by itself once the cause is gone',
  trouble: 'Stopped',
  failed: 'Stopped, as the pod itself reported',
  deviceClass: 'Of an ExportDeviceClass',
};

const reasonTable = (rows: Readonly<Record<string, ReasonRow>>): string =>
  markdownTable(
    ['Reason', 'When it appears', 'What to do'],
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
    'The tools and the containers of every pod end with these. 0 is success; 126 and above belong to the shell.',
    markdownTable(
      ['Code', 'Reason', 'Meaning', 'Tried again'],
      Object.entries(failures).map(([reason, { exitCode, meaning, retry }]) => [
        String(exitCode),
        `\`${reason}\``,
        meaning,
        retry === 'later' ? 'yes' : 'no',
      ]),
    ),
  ]);

const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');

const backendsPage = (): PublishedFile =>
  markdownFile('docs/reference/backends.md', 'Engine backends', [
    markdownTable(
      ['Backend', 'What it makes', 'File', 'Built on a GPU', 'int8 by', 'In this version'],
      Object.entries<BackendRow>(backends).map(([backend, row]) => [
        `\`${backend}\``,
        row.description,
        `\`${row.engineFile}\``,
        yesOrNo(row.needsGpu),
        row.int8 === 'QdqGraph' ? 'scales in the graph' : 'calibration cache',
        yesOrNo(row.supported),
      ]),
    ),
  ]);

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
    'Secrets are not among them: pods mount the key. A Job that the operator makes can still mount any Secret of its namespace ([threat model](../threat-model.md)).',
    '## In the cluster',
    permissionTable([...permissions, ...metricsPermissions]),
    '## In its own namespace',
    permissionTable(leaderElectionPermissions),
  ]);
