/** Everything that a decision about one ModelExport reads: values, and look-ups whose results do not change. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { NodeFacts } from '../deviceclass/node.ts';
import type { Images } from '../jobs/images.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import type { Obstacles } from '../ownedjobs/start.ts';

/** An entry of spec.deviceClasses. */
export type ObservedClass = {
  readonly name: string;
  /** Undefined if no ExportDeviceClass has this name. */
  readonly deviceClass: ExportDeviceClass | undefined;
  /** Number of ready nodes that match the class. */
  readonly matchingNodes: number;
  /** These nodes. */
  readonly listNodes: () => readonly NodeFacts[];
};

/** One ModelExport, and what it depends on. */
export type ObservedExport = {
  readonly modelExport: ModelExport;
  /** The referenced CalibrationTensorfile, if it exists. */
  readonly tensorfile: CalibrationTensorfile | undefined;
  readonly classes: readonly ObservedClass[];
  readonly jobs: readonly ObservedJob[];
  readonly images: Images;
  readonly obstacles: Obstacles;
  /** Milliseconds since the epoch. */
  readonly now: number;
};
