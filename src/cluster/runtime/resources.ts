/**
 * Kubernetes resources by their REST paths, and objects as plain JSON, so that fields of newer servers are not lost.
 */
export type Resource = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
};

/** A collection, an object or a subresource. */
export type ObjectPath = {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string;
};

/** The fields that every object has. */
export type KubeObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
};

/** Key of an object in stores and queues: `<namespace>/<name>`, or `<name>` for cluster-scoped objects. */
export type Key = string;

/** The key of an object. */
export const keyOf = ({
  metadata,
}: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): Key => (metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`);

/** The REST path of a collection, or of one object or subresource of it. */
export const pathOf = ({ group, version, plural }: Resource, at: ObjectPath = {}): string =>
  [
    group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
    ...(at.namespace === undefined ? [] : ['namespaces', at.namespace]),
    plural,
    ...(at.name === undefined ? [] : [at.name]),
    ...(at.subresource === undefined ? [] : [at.subresource]),
  ].join('/');
