/** How each block of commands in a page is tested. A block that is missing here fails `pages.test.ts`. */
import type { Block } from './blocks.ts';

export type Way =
  /** Runs on a real control plane, in the order of the pages here: `test/gitops/pages.cluster.ts`. */
  | 'cluster'
  /** Runs with the real tools in a folder of inputs: `tools.cluster.ts`. */
  | 'tools'
  /** Cannot run as written, for this reason; programs, flags and files are checked. */
  | { readonly checked: string };

/** A part of the text of a block, or `*` for all blocks of a page, and how they are tested. */
export type Row = readonly [part: string, way: Way];

const inputs = { checked: 'an example of a reference page, whose files do not exist' } as const;
const build = {
  checked: 'builds or moves images, which needs Docker, a registry and digests of base images',
} as const;
const kubelet = {
  checked: 'needs a pod that runs; the test of the demo runs pods, and this one has no kubelets',
} as const;
const realPods = {
  checked: 'printed by the pods of a real cluster, whose reasons test/e2e asserts',
} as const;
const counted = {
  checked:
    'takes 10 s of processor time; test/exporting and test/calibration run the same with a small network',
} as const;
const composed = { checked: 'composed from the states of test/plugin, which compares such texts' } as const;

export const ways: Readonly<Record<string, readonly Row[]>> = {
  // In the order in which a reader would run them: later pages use the namespace and the export of the earlier ones.
  'docs/install.md': [
    ['*', 'cluster'],
    ['bases=', build],
  ],
  'docs/first-export.md': [
    ['tlt-model pack', { checked: 'docs/tools.md runs the same command with its files' }],
    ['*', 'cluster'],
    ['kubectl wait -n vision --for=condition=Ready pod', kubelet],
    ['$ kubectl modelexport watch', realPods],
    ['$ kubectl modelexport status', realPods],
    ['tail -c', { checked: 'age asks for the passphrase on a terminal; test/e2e opens an .etlt with age' }],
  ],
  'docs/device-classes.md': [['*', 'cluster']],
  'docs/tensorrt.md': [['docker build', build]],
  'docs/jetson.md': [
    ['kubectl label', 'cluster'],
    ['docker', build],
  ],
  'docs/operator.md': [['*', 'cluster']],
  'docs/monitoring.md': [['*', 'cluster']],
  'docs/storage.md': [['*', kubelet]],
  'docs/serving.md': [
    ['*', 'cluster'],
    [
      'tlt-model fetch s3',
      { checked: 'needs a server of object storage; test/tlt-model/fetch.test.ts has one' },
    ],
  ],
  'docs/teams.md': [['*', 'cluster']],
  'docs/upgrade-tensorrt.md': [['*', 'cluster']],
  'docs/page.md': [
    ['helm', { checked: 'test/e2e installs the release with this value and reads the page' }],
    ['port-forward', kubelet],
  ],
  'docs/air-gapped.md': [
    ['docker', build],
    ['helm', 'cluster'],
  ],
  'docs/security.md': [
    ['kubectl', 'cluster'],
    ['npm run images', build],
  ],
  'docs/troubleshooting.md': [
    ['*', 'cluster'],
    ['kubectl logs -n tlt-export-system', kubelet],
    ['$ ', realPods],
  ],
  'README.md': [
    ['npm run demo', { checked: 'builds a cluster of its own; the end-to-end test takes the same steps' }],
    ['kubectl describe', realPods],
    ['kubectl annotate', 'cluster'],
    ['tlt-export', { checked: 'docs/tools.md runs the same command with its files' }],
  ],
  'docs/gitops.md': [['*', 'cluster']],
  // Without a cluster.
  'docs/tools.md': [
    ['*', 'tools'],
    ['npm ci', { checked: 'test/published/npm-install.cluster.ts installs the tarball by these words' }],
    [
      'tlt-converter',
      { checked: 'needs the Python package of TensorRT for RTX; test/tlt-converter builds with it' },
    ],
    ['docker run', { checked: 'needs Docker; test/e2e runs the tools in a pod of the image' }],
  ],
  'docs/deepstream-and-triton.md': [
    ['*', { checked: 'needs TensorRT and a GPU; test/tlt-converter runs the same with other backends' }],
  ],
  'docs/int8.md': [
    ['*', 'tools'],
    ['--sensitivity', counted],
    ['--min_agreement', counted],
    ['merge-histograms', counted],
  ],
  'docs/external-codec.md': [
    ['*', 'tools'],
    ['python3.10', { checked: "needs Python 3.10 and NVIDIA's package under its licence" }],
    ['docker build', build],
    ['#!/bin/sh', { checked: 'is a program, which the other commands of its page use' }],
  ],
  'docs/plugin.md': [['*', composed]],
  'docs/fuzzing.md': [['npm run', { checked: 'runs for minutes, or needs a writable memory cgroup' }]],
  'helm/tlt-export-operator/README.md': [
    ['helm install', { checked: 'docs/install.md runs the same command' }],
  ],
  'docs/reference/kubectl-modelexport.md': [['*', inputs]],
  'docs/reference/operator.md': [['*', inputs]],
  'docs/reference/tlt-converter.md': [['*', inputs]],
  'docs/reference/tlt-export.md': [['*', inputs]],
  'docs/reference/tlt-int8-tensorfile.md': [['*', inputs]],
  'docs/reference/tlt-model.md': [['*', inputs]],
};

/** The row of a block: of those whose part it has, the longest. */
export const findWay = ({ page, text }: Block): Row | undefined =>
  (ways[page] ?? [])
    .filter(([part]) => part === '*' || text.includes(part))
    .toSorted(([a], [b]) => b.length - a.length)[0];
