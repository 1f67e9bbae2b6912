/** The provenance of an image: an in-toto statement with a predicate of SLSA v1.0, pure. */

export type ImageOrigin = {
  /** Name of the archive, and digest of its manifest: the digest of the image in a registry. */
  readonly name: string;
  readonly digest: string;
  readonly target: string;
  /** Build argument → reference of the base image, with its digest. */
  readonly bases: Readonly<Record<string, string>>;
  /** Time of the image, in seconds since 1970. */
  readonly epoch: number;
  readonly commit: string;
  /** Name → sha256 of the files that pin what the build downloads. */
  readonly pins: Readonly<Record<string, string>>;
  readonly buildah: string;
};

const baseOf = (reference: string): object => {
  const [name = '', digest] = reference.split('@sha256:');
  return { uri: `pkg:docker/${name}`, ...(digest && { digest: { sha256: digest } }) };
};

/** Without times and machine names, so that a second build of the same sources has the same statement. */
export const makeProvenance = (origin: ImageOrigin): object => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: origin.name, digest: { sha256: origin.digest.replace('sha256:', '') } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {
    buildDefinition: {
      buildType: 'https://export.tlt.dev/build/dockerfile/v1',
      externalParameters: {
        target: origin.target,
        buildArguments: origin.bases,
        sourceDateEpoch: origin.epoch,
      },
      resolvedDependencies: [
        { name: 'source', digest: { gitCommit: origin.commit } },
        ...Object.values(origin.bases).map(baseOf),
        ...Object.entries(origin.pins).map(([name, sha256]) => ({ name, digest: { sha256 } })),
      ],
    },
    runDetails: {
      builder: { id: 'https://export.tlt.dev/builder/npm-run-images', version: { buildah: origin.buildah } },
    },
  },
});
