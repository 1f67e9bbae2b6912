/** Flags of `tlt-export` for settings that neither the model file nor the module defines. */
import type { FlagTable } from './flag-table.ts';

/** Ports, input size and preprocessing. */
export const modelFlags = {
  input_node: {
    type: 'text',
    placeholder: 'NAME',
    added: true,
    help: 'Graph input for images. Default: the only input.',
  },
  output_nodes: {
    type: 'text',
    placeholder: 'NAMES',
    added: true,
    help: "Graph outputs of the module, separated by commas. Default: found by TLT's names, then by shape and type.",
  },
  input_dims: {
    type: 'text',
    placeholder: 'C,H,W',
    added: true,
    help: 'Input size if it is dynamic in the graph: channels, height and width. The exported graph has this fixed size.',
  },
  preprocess: {
    type: 'text',
    placeholder: 'RULE',
    added: true,
    help: 'Preprocessing of --cal_image_dir without a spec: "order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174" for y = (x - mean) * scale, x in 0 to 255. Omitted parts default to the module\'s own; --report shows the values used.',
  },
} as const satisfies FlagTable;
