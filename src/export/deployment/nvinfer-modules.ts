/**
 * How nvinfer reads the outputs of each module. Parsers, thresholds of detectors, and the NMS of detectnet_v2 are those of
 * NVIDIA's sample configurations for TLT models. The cluster mode of the other detectors (their samples differ, or set none),
 * stretching (the samples of ssd and retinanet pad) and the threshold of classifiers are chosen here.
 */
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { NvinferName } from './nvinfer-keys.ts';

/** Keys of one module, with their values. */
export type NvinferValues = Readonly<Partial<Record<NvinferName, string | number>>>;

/** The library of DeepStream itself that has the parsers of TLT's detectors. */
const parsers = '/opt/nvidia/deepstream/deepstream/lib/libnvds_infercustomparser.so';

/** The network suppresses overlapping boxes itself, so nvinfer does not cluster them again. */
const suppressed = { 'network-type': 0, 'cluster-mode': 4, 'custom-lib-path': parsers } as const;
const rows = { ...suppressed, 'parse-bbox-func-name': 'NvDsInferParseCustomNMSTLT' } as const;

/** Training stretches pictures to the input, and pads only those of yolo, on all sides. */
const stretched = { 'maintain-aspect-ratio': 0 } as const;

/** Values of nvinfer for each architecture, beside those of the engine and of its input. */
export const nvinferModules: Readonly<Record<Architecture, NvinferValues>> = {
  classification: { ...stretched, 'network-type': 1, 'classifier-threshold': 0.2 },
  // Without a parser's name, nvinfer reads grids of boxes and coverage itself.
  detectnet_v2: {
    ...stretched,
    'network-type': 0,
    'cluster-mode': 2,
    'pre-cluster-threshold': 0.2,
    'nms-iou-threshold': 0.5,
    topk: 20,
  },
  ssd: { ...stretched, ...rows, 'pre-cluster-threshold': 0.3 },
  dssd: { ...stretched, ...rows, 'pre-cluster-threshold': 0.3 },
  retinanet: { ...stretched, ...rows, 'pre-cluster-threshold': 0.3 },
  faster_rcnn: { ...stretched, ...rows, 'pre-cluster-threshold': 0.6 },
  yolo: {
    ...suppressed,
    'parse-bbox-func-name': 'NvDsInferParseCustomBatchedNMSTLT',
    'maintain-aspect-ratio': 1,
    'symmetric-padding': 1,
    'pre-cluster-threshold': 0.3,
  },
};
