/** `deploy/argocd/`: health checks and actions for Argo CD, as keys of its ConfigMap, from the Lua scripts beside it. */
import { stringify } from 'yaml';
import { exportGroup, type Kind, kinds } from '../api/group.ts';
import { type PublishedFile, yamlFile } from './file.ts';

/** Scripts in `deploy/argocd/lua`. */
export const luaScripts = [
  'export-health',
  'class-health',
  'discovery',
  'retry',
  'suspend',
  'resume',
] as const;
type LuaScript = (typeof luaScripts)[number];

/** The script that decides the health of each kind, and what users can do with it. */
export const argoCustomizations: Readonly<
  Record<Kind, { readonly health: LuaScript; readonly actions: readonly LuaScript[] }>
> = {
  ModelExport: { health: 'export-health', actions: ['retry', 'suspend', 'resume'] },
  CalibrationTensorfile: { health: 'export-health', actions: ['retry', 'suspend', 'resume'] },
  ExportDeviceClass: { health: 'class-health', actions: [] },
};

/** @param textOf reads a script */
export const argocdFiles = (textOf: (script: LuaScript) => string): readonly PublishedFile[] => [
  yamlFile('deploy/argocd/argocd-cm.yaml', [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'argocd-cm',
        namespace: 'argocd',
        labels: { 'app.kubernetes.io/name': 'argocd-cm', 'app.kubernetes.io/part-of': 'argocd' },
      },
      data: Object.fromEntries(Object.keys(kinds).flatMap((kind) => customizationsOf(kind as Kind, textOf))),
    },
  ]),
];

const customizationsOf = (
  kind: Kind,
  textOf: (script: LuaScript) => string,
): readonly (readonly [string, string])[] => {
  const { health, actions } = argoCustomizations[kind];
  const key = (what: string) => `resource.customizations.${what}.${exportGroup.group}_${kind}`;
  const definitions = actions.map((name) => ({ name, 'action.lua': textOf(name) }));
  return [
    [key('health'), textOf(health)],
    ...(actions.length > 0
      ? [
          [
            key('actions'),
            stringify({ 'discovery.lua': textOf('discovery'), definitions }, { lineWidth: 0 }),
          ] as const,
        ]
      : []),
  ];
};
