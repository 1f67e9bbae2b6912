/** The files beside an engine, for DeepStream, Triton, and checks of its origin. Pure. */
import { canonicalJson } from '../../ground/base/digest.ts';
import { type DeploymentFile, type DeploymentRole, nameBeside } from '../../ground/contract/deployment.ts';
import { writeClassifierLabels, writeLabels } from './labels.ts';
import { type NvinferFiles, writeNvinfer } from './nvinfer.ts';
import { type BuilderIdentity, writeProvenance } from './provenance.ts';
import { writeTritonConfig } from './triton.ts';

/** Files to write, by role, and why others are not written. */
export type DeploymentTexts = {
  readonly files: readonly { readonly role: DeploymentRole; readonly name: string; readonly text: string }[];
  readonly notes: readonly string[];
};

/** What the files refer to beside the engine. */
export type DeploymentContext = Omit<NvinferFiles, 'labels'> & { readonly builder: BuilderIdentity };

/** Writes all files of an engine. */
export const writeDeploymentFiles = (
  facts: DeploymentFile,
  { builder, ...referred }: DeploymentContext,
): DeploymentTexts => {
  const { network, engine } = facts;
  const nameOf = (role: DeploymentRole): string => nameBeside(engine.file, role);
  const labels = writeLabels(network.labels);
  const isClassifier = network.architecture === 'classification';
  const classes = isClassifier ? writeClassifierLabels(network.labels) : undefined;
  const shown = labels && nameOf(isClassifier ? 'deepStreamLabels' : 'labels');
  const deepStream = writeNvinfer(facts, { ...referred, labels: shown });
  const triton = writeTritonConfig({ network, engines: [engine], labels: labels && nameOf('labels') });
  const texts: Readonly<Record<DeploymentRole, string | undefined>> = {
    facts: `${canonicalJson(facts)}\n`,
    deepStream: deepStream.text,
    triton: triton.text,
    labels,
    deepStreamLabels: deepStream.text === undefined ? undefined : classes,
    provenance: writeProvenance(facts, builder),
  };
  return {
    files: (Object.keys(texts) as DeploymentRole[]).flatMap((role) => {
      const text = texts[role];
      return text === undefined ? [] : [{ role, name: nameOf(role), text }];
    }),
    notes: [
      ...(deepStream.refused === undefined ? [] : [`No DeepStream configuration: ${deepStream.refused}`]),
      ...(triton.refused === undefined ? [] : [`No Triton configuration: ${triton.refused}`]),
    ],
  };
};
