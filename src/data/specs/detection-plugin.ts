/** Converts `nms_config` of ssd, dssd, retinanet and yolo to plugin parameters. */
import type { Notes } from './notes.ts';
import type { PluginParameters } from './plugin-parameters.ts';
import { requireField, requireNumber } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { nmsConfig } from './schemas/common.ts';

type Spec = { readonly nms_config?: MessageValue<typeof nmsConfig> | undefined };

/**
 * Plugin parameters of the spec; undefined if a field is missing. As in TLT, `topK` (per class, before NMS) is twice
 * `keepTopK`.
 */
export const readDetectionPlugin = (
  spec: Spec,
  { classes, notes }: { readonly classes: number; readonly notes: Notes },
): PluginParameters | undefined => {
  const nms = requireField(spec, 'nms_config', notes);
  if (!nms) return undefined;
  const share = { notes, min: 0, max: 1 };
  const scoreThreshold = requireNumber(nms, 'confidence_threshold', share);
  const iouThreshold = requireNumber(nms, 'clustering_iou_threshold', share);
  const topK = requireNumber(nms, 'top_k', { notes, min: 1 });
  if (scoreThreshold === undefined || iouThreshold === undefined || topK === undefined) return undefined;
  const scoreBits = nms.infer_nms_score_bits ?? 0;
  return { scoreThreshold, iouThreshold, topK: 2 * topK, keepTopK: topK, classes, scoreBits };
};
