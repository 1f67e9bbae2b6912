/** The end of each detector's graph. */
import { makeAnchoredEnd, retinanetEnd, ssdEnd } from './anchored.ts';
import type { DetectorArchitecture } from './detector.ts';
import type { End } from './end.ts';
import { fasterRcnnEnd } from './faster-rcnn.ts';
import { yoloEnd } from './yolo.ts';

/** The end by architecture. */
export const ends: Readonly<Record<DetectorArchitecture, End>> = {
  ssd: makeAnchoredEnd(ssdEnd),
  dssd: makeAnchoredEnd(ssdEnd),
  retinanet: makeAnchoredEnd(retinanetEnd),
  yolo: yoloEnd,
  faster_rcnn: fasterRcnnEnd,
};
