/** How each block of commands in a page is tested. A block that is missing here fails `pages.test.ts`. */
import type { Block } from './blocks.ts';

export type Way =
  /** Runs on a real control plane, in the order of the pages here: `test/gitops/pages.cluster.ts`. */
  | 'cluster'
  /** Runs with the real tools, in a folder with inputs and with what a pod mounts: `tools.cluster.ts`. */
  | 'tools'
  /** Runs on the cluster of the end-to-end test, with the objects that it has then: `test/e2e/pages.ts`. */
  | 'kubelets'
  /** The test in this file runs these words, or compares what is shown with what it makes itself. */
  | { readonly by: string }
  /** Run by this command, which takes minutes and is in no tier of the tests. */
  | { readonly command: 'npm run docker' | 'npm run demo' }
  /** Cannot run as written, for this reason; programs, flags and files are checked. */
  | { readonly checked: string };

/** A part of the text of a block, or `*` for all blocks of a page, and how they are tested. */
export type Row = readonly [part: string, way: Way];

const docker = { command: 'npm run docker' } as const;
const composed = { by: 'test/plugin/page.test.ts' } as const;

export const ways: Readonly<Record<string, readonly Row[]>> = {
  // In the order in which a reader would run them: later pages use the namespace and the export of the earlier ones.
  'docs/install.md': [
    ['*', 'cluster'],
    ['bases=', docker],
  ],
  'docs/first-export.md': [
    ['tlt-model pack', 'tools'],
    ['*', 'cluster'],
    ['kubectl cp -n vision photos', { by: 'test/e2e/pages.ts' }],
    ['$ kubectl modelexport watch', { by: 'test/e2e/export.cluster.ts' }],
    ['$ kubectl modelexport status', 'kubelets'],
    ['tail -c', { by: 'test/pages/tools.cluster.ts' }],
  ],
  'docs/device-classes.md': [['*', 'cluster']],
  'docs/tensorrt.md': [['docker build', docker]],
  'docs/jetson.md': [
    ['kubectl label', 'cluster'],
    [
      'docker buildx',
      { checked: 'builds for arm64 as well, which needs an emulator; npm run docker builds for x86-64' },
    ],
  ],
  'docs/operator.md': [['*', 'cluster']],
  'docs/monitoring.md': [['*', 'cluster']],
  'docs/storage.md': [['*', 'kubelets']],
  'docs/serving.md': [
    ['*', 'cluster'],
    ['tlt-model fetch s3', 'tools'],
  ],
  'docs/teams.md': [['*', 'cluster']],
  'docs/upgrade-tensorrt.md': [['*', 'cluster']],
  'docs/page.md': [['*', { by: 'test/e2e/helm-release.ts' }]],
  'docs/air-gapped.md': [
    ['docker', docker],
    ['helm', 'cluster'],
  ],
  'docs/security.md': [
    ['kubectl', 'cluster'],
    [
      'npm run images',
      {
        checked:
          'needs bases in a registry that buildah reaches; docs/security.md says with which it was run',
      },
    ],
  ],
  'docs/troubleshooting.md': [
    ['*', 'cluster'],
    ['kubectl logs -n tlt-export-system', 'kubelets'],
    ['$ kubectl modelexport status no-node', 'kubelets'],
    ['$ ', { by: 'test/e2e/export.cluster.ts' }],
  ],
  'README.md': [
    ['npm run demo', { command: 'npm run demo' }],
    ['kubectl describe', 'kubelets'],
    ['kubectl annotate', 'cluster'],
    ['tlt-export', 'tools'],
  ],
  'docs/gitops.md': [['*', 'cluster']],
  // Without a cluster.
  'docs/tools.md': [
    ['*', 'tools'],
    ['npm ci', { by: 'test/published/npm-install.cluster.ts' }],
    ['docker run', docker],
  ],
  'docs/deepstream-and-triton.md': [
    [
      'tlt-converter',
      { checked: 'needs TensorRT and a GPU; test/tlt-converter runs the same with other backends' },
    ],
    ['tlt-model triton-repository', 'tools'],
  ],
  'docs/int8.md': [['*', 'tools']],
  'docs/external-codec.md': [
    ['*', 'tools'],
    ['python3.10', { checked: "installs NVIDIA's package, whose licence its user has to accept" }],
    ['docker build', { checked: "installs NVIDIA's package, whose licence its user has to accept" }],
    ['#!/bin/sh', { by: 'test/pages/inputs.ts' }],
  ],
  'docs/plugin.md': [
    ['*', composed],
    ['explain', 'tools'],
    ['modelexport convert', 'tools'],
    ['completion kubectl', 'tools'],
    ['modelexport logs', 'kubelets'],
    ['modelexport report', 'kubelets'],
    ['modelexport fetch', 'kubelets'],
    ['modelexport retry', 'cluster'],
    ['modelexport suspend', 'cluster'],
  ],
  'docs/fuzzing.md': [['*', 'tools']],
  'helm/tlt-export-operator/README.md': [['helm install', { by: 'test/gitops/pages.cluster.ts' }]],
  'docs/reference/kubectl-modelexport.md': [
    ['*', 'cluster'],
    ['modelexport logs', 'kubelets'],
    ['modelexport report', 'kubelets'],
    ['modelexport fetch', 'kubelets'],
  ],
  'docs/reference/operator.md': [['*', { by: 'test/gitops/pages.cluster.ts' }]],
  'docs/reference/tlt-converter.md': [
    ['*', { checked: 'needs a GPU and a Jetson; docs/tools.md runs the one for another GPU' }],
  ],
  'docs/reference/tlt-export.md': [['*', 'tools']],
  'docs/reference/tlt-int8-tensorfile.md': [['*', 'tools']],
  'docs/reference/tlt-model.md': [['*', 'tools']],
};

/** The row of a block: of those whose part it has, the longest. */
export const findWay = ({ page, text }: Block): Row | undefined =>
  (ways[page] ?? [])
    .filter(([part]) => part === '*' || text.includes(part))
    .toSorted(([a], [b]) => b.length - a.length)[0];
