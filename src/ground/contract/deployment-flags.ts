/** Flags for the files beside an engine that DeepStream and Triton read. */
import { architectureNames } from './architectures.ts';
import type { FlagTable } from './flag-table.ts';

/** Flags of every tool that builds engines. */
export const deploymentFlags = {
  deployment: {
    type: 'switch',
    added: true,
    help: 'Also write, next to the engine, what DeepStream and Triton need to run it: ENGINE.nvinfer.txt, ENGINE.config.pbtxt, labels, its provenance, and its description as JSON. See docs/deepstream-and-triton.md.',
  },
  classmap_json: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: "The training's classmap.json, for the labels of a classification. Default: the class folders of the spec, if they are on this machine.",
  },
  key_in_config: {
    type: 'switch',
    added: true,
    help: 'Write the key in clear into the DeepStream configuration, where it refers to an .etlt of --codec_command. Then DeepStream can build engines itself.',
  },
} as const satisfies FlagTable;

/** What an .etlt does not say of its model, for tools that have no module. */
export const moduleFlags = {
  architecture: {
    type: 'choice',
    values: architectureNames,
    added: true,
    help: 'Module of the model; required for --deployment.',
  },
  experiment_spec: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: "The training's spec: class names, and the preprocessing if it differs from the module's.",
  },
} as const satisfies FlagTable;
