/** A package in an image, and the list of them in CycloneDX's form. */

export type Component = {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  /** Package URL, unique in a list. */
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }[];
  /** An SPDX expression; as its index states it, possibly words. Absent where the index has no such field. */
  readonly licenses?: readonly { readonly expression: string }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
};

export type Bill = {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly version: 1;
  readonly components: readonly Component[];
};

/** CycloneDX 1.5, without timestamp and serial number, so that the same packages give the same list. */
export const makeBill = (components: readonly Component[]): Bill => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  components,
});

const baseMark = { name: 'export.tlt.dev/part', value: 'base image' } as const;

/** Marks a package of the base image, which is left to its publisher. */
export const markBase = (component: Component): Component => ({ ...component, properties: [baseMark] });

/** Whether `markBase` marked the package. */
export const isOfBase = ({ properties = [] }: Component): boolean =>
  properties.some(({ name, value }) => name === baseMark.name && value === baseMark.value);

/** The Node.js of an image. */
export const nodeComponent = (version: string): Component => ({
  type: 'library',
  name: 'node',
  version,
  purl: `pkg:generic/node@${version}`,
});
