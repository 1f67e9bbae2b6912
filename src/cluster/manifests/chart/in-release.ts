/** Manifests of `deploy/` as objects of a Helm release: in its namespace, with its labels. */
import { installation } from '../names.ts';
import { entriesFromTemplate, expression } from './template.ts';

type Manifest = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
};

const releaseNamespace = expression('{{ $.Release.Namespace | quote }}');

/** Inside `range .Values.watchNamespaces`. */
export const watchedNamespace = expression('{{ . | quote }}');

/** Labels with the chart and the release, in addition to ours; selectors do not contain them. */
export const releaseLabels = entriesFromTemplate('tlt-export-operator.labels');

/**
 * An object of the release.
 * @param namespace of the object; that of the release if left out
 */
export const inRelease = <T extends object>(manifest: T, namespace = releaseNamespace): T => {
  const { metadata, ...rest } = replaced(manifest, releaseNamespace) as Manifest;
  const labelled = { ...metadata, labels: { ...metadata.labels, ...releaseLabels } };
  const placed = metadata.namespace === undefined ? labelled : { ...labelled, namespace };
  const { apiVersion, kind, ...others } = rest as { readonly apiVersion?: string; readonly kind?: string };
  return { apiVersion, kind, metadata: placed, ...others } as unknown as T;
};

const replaced = (node: unknown, namespace: string): unknown => {
  if (node === installation.namespace) return namespace;
  if (Array.isArray(node)) return node.map((item) => replaced(item, namespace));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, replaced(value, namespace)]));
};
