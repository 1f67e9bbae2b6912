/** The flags of `tlt-export` that say what a model's file and its module leave open. */
import type { FlagTable } from './flag-table.ts';

export const modelFlags = {
  input_node: {
    type: 'text',
    placeholder: 'NAME',
    added: true,
    help: "The graph's input for pictures; the only one, if left out.",
  },
  output_nodes: {
    type: 'text',
    placeholder: 'NAMES',
    added: true,
    help: "Outputs of the graph that play the module's roles, separated by commas. If left out they are found by TLT's names, then by shape and kind.",
  },
  input_dims: {
    type: 'text',
    placeholder: 'C,H,W',
    added: true,
    help: 'Size of the input where the graph leaves it free: channels, height and width. The exported graph has that size.',
  },
  preprocess: {
    type: 'text',
    placeholder: 'RULE',
    added: true,
    help: 'How pixels of --cal_image_dir are prepared where no spec says it: "order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174" for y = (x - mean) * scale, x in 0 to 255. What is left out is the module\'s own; --report shows what was done.',
  },
} as const satisfies FlagTable;
