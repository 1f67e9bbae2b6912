/** Kubernetes resources by their REST paths, and objects as plain JSON: nothing that a newer server adds gets lost. */
export type Resource = {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
};

export type ObjectPath = {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string;
};

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

/** What names an object in a store and in a queue. */
export type Key = string;

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
