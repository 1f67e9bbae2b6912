/** Writes the provenance of an engine: an in-toto statement with SLSA's predicate. Pure. */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { DeploymentFile, Material } from '../../ground/contract/deployment.ts';

/** Sources: in-toto.io/Statement/v1 and slsa.dev/provenance/v1. */
const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://slsa.dev/provenance/v1';
/** What the parameters below mean. */
const buildType = 'https://export.tlt.dev/engine/v1';

/** Who built the engine. */
export type BuilderIdentity = {
  /** URI: the operator, or the tool. */
  readonly id: string;
  /** Version of this project. */
  readonly version: string;
};

/** Writes the statement as JSON. It has no times, so that the same build gives the same bytes. */
export const writeProvenance = ({ network, engine }: DeploymentFile, builder: BuilderIdentity): string => {
  const {
    file,
    sha256,
    backend,
    dataType,
    batch,
    computeCapability,
    dlaCore,
    runtime,
    key,
    materials,
    image,
  } = engine;
  const inputs = Object.entries(network.inputs).map(([name, digest]) => ({
    name: `export input: ${name}`,
    sha256: digest,
  }));
  const statement = {
    _type: statementType,
    subject: [{ name: file, digest: { sha256 } }],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          architecture: network.architecture,
          backend,
          dataType,
          batch,
          computeCapability,
          dlaCore,
        },
        resolvedDependencies: [
          ...[...materials, ...inputs].map(describeDependency),
          ...(image === undefined ? [] : [describeImage(image)]),
        ],
      },
      runDetails: {
        builder: {
          id: builder.id,
          version: { 'tlt-export-operator': builder.version, [runtime.name]: runtime.version },
        },
        ...(key !== undefined && { metadata: { invocationId: key } }),
      },
    },
  };
  return `${canonicalJson(statement)}\n`;
};

/** Only an image that is named by digest has one. */
const describeImage = (image: string) => {
  const digest = /@sha256:([0-9a-f]{64})$/.exec(image)?.[1];
  return { name: 'builder image', uri: image, ...(digest !== undefined && { digest: { sha256: digest } }) };
};

const describeDependency = ({ name, uri, sha256 }: Material) => ({
  name,
  ...(uri !== undefined && { uri }),
  digest: { sha256 },
});
