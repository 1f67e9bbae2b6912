/** `helm/tlt-export-operator/`: the Helm chart, from the manifests of `deploy/`. NOTES.txt and _helpers.tpl are written by hand. */
import { stringify } from 'yaml';
import { type CustomResourceDefinition, crds } from '../../api/crd.ts';
import { exportGroup, kinds } from '../../api/group.ts';
import type { Permission } from '../../api/permissions.ts';
import { generated, type PublishedFile } from '../file.ts';
import { images, installation } from '../names.ts';
import { jobsPolicy, operatorPolicy, storagePolicy, toServer } from '../network.ts';
import { allowList, imagePolicies } from '../policies.ts';
import { inRelease, watchedNamespace } from './in-release.ts';
import { monitoringTemplates } from './monitoring.ts';
import { roleTemplates } from './roles.ts';
import { entriesWhen, expression, itemsIn, templateFile } from './template.ts';
import { valuesFiles } from './values-files.ts';
import { workloadTemplates } from './workload.ts';

const folder = `helm/${installation.operator}`;
const templates = `${folder}/templates`;

/** What the chart is made from. */
export type ChartSource = {
  readonly permissions: readonly Permission[];
  /** Of package.json: version of the chart and of the operator. */
  readonly version: string;
  readonly description: string;
  /** Objects of `deploy/samples`, one per kind, which Artifact Hub shows. */
  readonly examples: readonly object[];
};

/** All generated files of the chart. */
export const chartFiles = (source: ChartSource): readonly PublishedFile[] => [
  {
    path: `${folder}/Chart.yaml`,
    content: `# ${generated}\n${stringify(chartOf(source), { lineWidth: 110 })}`,
  },
  ...valuesFiles(folder),
  ...crds.map(crdTemplate),
  ...roleTemplates(templates, source.permissions),
  ...workloadTemplates(templates),
  ...monitoringTemplates(folder),
  templateFile(`${templates}/network-policies.yaml`, [
    {
      around: 'if .Values.networkPolicy.enabled',
      objects: [inRelease(operatorPolicy(installation.namespace))],
    },
    {
      around: 'range ternary .Values.watchNamespaces list .Values.networkPolicy.exports',
      objects: [inRelease(jobsPolicy(installation.namespace), watchedNamespace)],
    },
    {
      around: 'range ternary .Values.watchNamespaces list (not (empty .Values.networkPolicy.objectStorage))',
      objects: [inRelease(storagePolicy(storageServers, installation.namespace), watchedNamespace)],
    },
  ]),
  templateFile(`${templates}/image-allow-list.yaml`, [
    {
      around: 'if .Values.imageAllowList.enabled',
      objects: [inRelease(listed()), ...imagePolicies.map((policy) => inRelease(policy))],
    },
  ]),
];

/** Servers of the values, in a template. */
const storageServers = itemsIn<object>('range $.Values.networkPolicy.objectStorage', [
  toServer({ cidr: expression('{{ .cidr | quote }}'), port: expression('{{ .port }}') }),
]);

/**
 * A CRD is a template, not a file of crds/: Helm never upgrades those. The annotation makes Helm leave it when the release is
 * uninstalled, because deleting a CRD deletes every object of its kind.
 */
const crdTemplate = (crd: CustomResourceDefinition): PublishedFile => {
  const keep = entriesWhen('.Values.crds.keep', { annotations: { 'helm.sh/resource-policy': 'keep' } });
  const metadata = { ...crd.metadata, ...keep, labels: {} };
  return templateFile(`${templates}/crd-${crd.metadata.name.split('.')[0]}.yaml`, [
    { around: 'if .Values.crds.install', objects: [inRelease({ ...crd, metadata })] },
  ]);
};

/** Lists as lines of text, as the policies read them. */
const listed = () => ({
  ...allowList,
  data: Object.fromEntries(
    Object.keys(allowList.data).map((key) => [
      key,
      expression(`{{ join "\\n" .Values.imageAllowList.${key} | quote }}`),
    ]),
  ),
});

const chartOf = ({ version, description, examples }: ChartSource) => ({
  apiVersion: 'v2',
  name: installation.operator,
  description,
  type: 'application',
  version,
  appVersion: version,
  kubeVersion: '>=1.33.0-0',
  keywords: ['tao', 'tlt', 'tensorrt', 'onnx', 'int8', 'operator'],
  annotations: {
    'artifacthub.io/category': 'ai-machine-learning',
    'artifacthub.io/license': 'Apache-2.0',
    'artifacthub.io/operator': 'true',
    'artifacthub.io/crds': stringify(
      Object.values(kinds).map(({ kind, plural }) => ({
        kind,
        version: exportGroup.version,
        name: `${plural}.${exportGroup.group}`,
        displayName: kind,
        description: descriptionOf(plural),
      })),
    ),
    'artifacthub.io/crdsExamples': stringify(examples),
    'artifacthub.io/images': stringify(
      [images.operator, images.tensorRtRtx].map((name) => ({ name, image: `${name}:${version}` })),
    ),
  },
});

const descriptionOf = (plural: string): string => {
  const crd = crds.find(({ metadata }) => metadata.name.startsWith(`${plural}.`))!;
  const [version] = crd.spec.versions as readonly [{ schema: { openAPIV3Schema: { description: string } } }];
  return version.schema.openAPIV3Schema.description;
};
