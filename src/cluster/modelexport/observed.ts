/** Everything that a decision about one ModelExport may see: values, and look-ups that answer the same each time. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Images } from '../jobs/images.ts';
import type { Obstacles } from '../ownedjobs/artifact.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';

export type ObservedClass = {
  readonly name: string;
  /** Undefined while no ExportDeviceClass of that name exists. */
  readonly deviceClass: ExportDeviceClass | undefined;
  readonly matchingNodes: number;
};

export type ObservedExport = {
  readonly modelExport: ModelExport;
  /** The CalibrationTensorfile that it refers to, once there is one of that name. */
  readonly tensorfile: CalibrationTensorfile | undefined;
  readonly classes: readonly ObservedClass[];
  readonly jobs: readonly ObservedJob[];
  readonly images: Images;
  readonly obstacles: Obstacles;
  /** Milliseconds since the epoch. */
  readonly now: number;
};
