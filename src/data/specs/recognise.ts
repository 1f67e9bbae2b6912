/** Detects the module of a spec by fields that only its specs have. */
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { TextField, TextMessage } from './text-tree.ts';

type Mark = { readonly architecture: Architecture; readonly path: readonly string[] };

const mark = (architecture: Architecture, path: string): Mark => ({ architecture, path: path.split('.') });

/** In order of precedence. */
const marks: readonly Mark[] = [
  mark('ssd', 'ssd_config'),
  mark('dssd', 'dssd_config'),
  mark('retinanet', 'retinanet_config'),
  mark('yolo', 'yolov3_config'),
  mark('yolo', 'yolo_config'),
  mark('faster_rcnn', 'network_config'),
  mark('faster_rcnn', 'model_config.input_image_config'),
  mark('faster_rcnn', 'training_config.kitti_data_config'),
  mark('classification', 'train_config'),
  mark('classification', 'model_config.input_image_size'),
  mark('detectnet_v2', 'bbox_rasterizer_config'),
  mark('detectnet_v2', 'cost_function_config'),
  mark('detectnet_v2', 'postprocessing_config'),
  mark('detectnet_v2', 'model_config.objective_set'),
];

/** A detected module. */
export type Recognised = {
  readonly architecture: Architecture;
  /** The field that identifies the module. */
  readonly by: TextField;
  readonly path: string;
};

/** The module of a spec; undefined if no field identifies one. */
export const recogniseSpec = (tree: TextMessage): Recognised | undefined => {
  for (const { architecture, path } of marks) {
    const by = fieldAt(tree, path);
    if (by) return { architecture, by, path: path.join('.') };
  }
  return undefined;
};

const fieldAt = (tree: TextMessage, [name, ...rest]: readonly string[]): TextField | undefined => {
  for (const field of tree.fields) {
    if (field.name !== name) continue;
    if (rest.length === 0) return field;
    for (const value of field.values) {
      const found = value.kind === 'message' ? fieldAt(value, rest) : undefined;
      if (found) return found;
    }
  }
  return undefined;
};
