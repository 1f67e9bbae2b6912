/** Templates of the operator's Deployment, its Service and its disruption budget. */
import type { PublishedFile } from '../file.ts';
import { deployment, disruptionBudget, metricsService } from '../operator.ts';
import { inRelease } from './in-release.ts';
import { entriesFrom, entriesWhen, expression, itemsIn, templateFile, yamlOf } from './template.ts';

/** The templates, as files in `folder`. */
export const workloadTemplates = (folder: string): readonly PublishedFile[] => [
  templateFile(`${folder}/deployment.yaml`, [{ objects: [inRelease(withValues())] }]),
  templateFile(`${folder}/service.yaml`, [{ objects: [inRelease(metricsService)] }]),
  templateFile(`${folder}/pod-disruption-budget.yaml`, [
    { around: 'if gt (int .Values.replicas) 1', objects: [inRelease(disruptionBudget)] },
  ]),
];

const image = (name: string): string =>
  expression(`{{ include "tlt-export-operator.image" (list $ .Values.images.${name}) }}`);

/** Value of an environment variable in the Deployment of `deploy/`. */
const images: Readonly<Record<string, string>> = {
  WORKER_IMAGE: image('operator'),
  RTX_IMAGE: image('tensorRtRtx'),
};

const args = (always: readonly string[]): readonly string[] => [
  ...always.filter((argument) => argument !== '--metrics-secure'),
  ...itemsIn('if .Values.metrics.secure', ['--metrics-secure']),
  ...itemsIn('if not .Values.metrics.perObject', ['--metrics-per-object=off']),
  ...itemsIn('if .Values.page', ['--page']),
  expression('--workers={{ .Values.workers }}'),
  expression('--progress-seconds={{ .Values.progressSeconds }}'),
  ...itemsIn('if .Values.watchNamespaces', [
    expression('--namespace={{ join "," .Values.watchNamespaces }}'),
  ]),
  ...itemsIn('if .Values.imagePullSecrets', [
    expression('--image-pull-secrets={{ join "," .Values.imagePullSecrets }}'),
  ]),
  ...itemsIn('if .Values.verbose', ['--verbose']),
];

const withValues = () => {
  const { spec, ...rest } = deployment;
  const { metadata, spec: pod } = spec.template;
  const { containers, nodeSelector, ...podRest } = pod;
  const [container] = containers;
  const template = {
    metadata: {
      ...metadata,
      ...entriesWhen('.Values.podAnnotations', { annotations: yamlOf('.Values.podAnnotations') }),
    },
    spec: {
      ...podRest,
      ...entriesWhen('.Values.imagePullSecrets', {
        imagePullSecrets: itemsIn('range .Values.imagePullSecrets', [
          { name: expression('{{ . | quote }}') },
        ]),
      }),
      ...entriesWhen('.Values.priorityClassName', {
        priorityClassName: expression('{{ .Values.priorityClassName | quote }}'),
      }),
      nodeSelector: { ...nodeSelector, ...entriesFrom('.Values.nodeSelector') },
      ...entriesWhen('.Values.tolerations', { tolerations: yamlOf('.Values.tolerations') }),
      containers: [
        {
          ...container,
          image: image('operator'),
          imagePullPolicy: expression('{{ .Values.images.pullPolicy }}'),
          args: args(container.args),
          env: container.env.map((variable) => ({
            ...variable,
            ...(images[variable.name] !== undefined && { value: images[variable.name] }),
          })),
          resources: yamlOf('.Values.resources'),
        },
      ],
    },
  };
  return { ...rest, spec: { ...spec, replicas: expression('{{ .Values.replicas }}'), template } };
};
