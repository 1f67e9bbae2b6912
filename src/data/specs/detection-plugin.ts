/** `nms_config` of ssd, dssd, retinanet and yolo as their plugin takes it. */
import type { Notes } from './notes.ts';
import type { PluginParameters } from './plugin-parameters.ts';
import { need, needNumber } from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { nmsConfig } from './schemas/common.ts';

type Spec = { readonly nms_config?: ValueOf<typeof nmsConfig> | undefined };

/** The plugin sorts twice as many boxes of each class as it keeps in all. */
export const detectionPlugin = (
  spec: Spec,
  { classes, notes }: { readonly classes: number; readonly notes: Notes },
): PluginParameters | undefined => {
  const nms = need(spec, 'nms_config', notes);
  if (!nms) return undefined;
  const share = { notes, least: 0, most: 1 };
  const scoreThreshold = needNumber(nms, 'confidence_threshold', share);
  const iouThreshold = needNumber(nms, 'clustering_iou_threshold', share);
  const topK = needNumber(nms, 'top_k', { notes, least: 1 });
  if (scoreThreshold === undefined || iouThreshold === undefined || topK === undefined) return undefined;
  const scoreBits = nms.infer_nms_score_bits ?? 0;
  return { scoreThreshold, iouThreshold, topK: 2 * topK, keepTopK: topK, classes, scoreBits };
};
