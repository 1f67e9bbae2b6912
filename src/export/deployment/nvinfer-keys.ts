/**
 * The keys of DeepStream's nvinfer configuration that are written, by the names in its parser of property files
 * (gstnvinfer_property_parser.h). Meanings: "Gst-nvinfer File Configuration Specifications" in the DeepStream plugin manual.
 */

/** A key: its group in the file, and the unit or the values of its value. */
export type NvinferKey = { readonly group: 'property' | 'class-attrs-all'; readonly unit: string };

const property = (unit: string): NvinferKey => ({ group: 'property', unit });
const classAttribute = (unit: string): NvinferKey => ({ group: 'class-attrs-all', unit });

/** The keys of nvinfer that a configuration file may have. */
export const nvinferKeys = {
  /** The engine; relative to the configuration file, as all paths. */
  'model-engine-file': property('path'),
  /** The model that DeepStream builds an engine from if it cannot load the one above. */
  'tlt-encoded-model': property('path of an .etlt in the cipher of NVIDIA'),
  /** Its key, in clear. */
  'tlt-model-key': property('text'),
  'int8-calib-file': property('path of a calibration cache'),
  'labelfile-path': property('path'),
  'infer-dims': property('channels;height;width in pixels'),
  /** y = net-scale-factor × (x − offset), x from 0 to 255. */
  'net-scale-factor': property('factor of all channels'),
  offsets: property('mean of each channel, 0 to 255, separated by ;'),
  'model-color-format': property('0 RGB, 1 BGR, 2 grey'),
  'maintain-aspect-ratio': property('0 stretch, 1 pad'),
  'symmetric-padding': property('0 pad at the right and bottom, 1 on all sides'),
  'batch-size': property('frames, at most those of the engine'),
  'network-mode': property('0 fp32, 1 int8, 2 fp16'),
  'network-type': property('0 detector, 1 classifier'),
  'process-mode': property('1 whole frames, 2 objects of another element'),
  'gie-unique-id': property('number of this element in the pipeline'),
  interval: property('batches to skip'),
  'output-blob-names': property('names separated by ;'),
  'output-tensor-meta': property('0 or 1: attach the raw outputs'),
  'num-detected-classes': property('classes, with the background where the network has one'),
  'cluster-mode': property('0 group rectangles, 1 DBSCAN, 2 NMS, 3 both, 4 none'),
  'parse-bbox-func-name': property('function in custom-lib-path'),
  'custom-lib-path': property('path of a shared library'),
  'classifier-threshold': property('smallest confidence, 0 to 1'),
  'enable-dla': property('0 or 1'),
  'use-dla-core': property('number of the core'),
  'pre-cluster-threshold': classAttribute('smallest confidence of a box, 0 to 1'),
  'nms-iou-threshold': classAttribute('overlap of two boxes of one object, 0 to 1'),
  topk: classAttribute('boxes that are kept'),
} as const satisfies Readonly<Record<string, NvinferKey>>;

export type NvinferName = keyof typeof nvinferKeys;
