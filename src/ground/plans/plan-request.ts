/** What is asked of a TensorRT build, and why a request has no plan. */
import type { DataType } from '../contract/architectures.ts';
import type { BatchProfile, EngineSettings } from '../contract/tensorrt-plan.ts';
import type { TensorRtBackend } from './families.ts';

/** Everything that a plan depends on. */
export type PlanRequest = EngineSettings & {
  readonly backend: TensorRtBackend;
  readonly dataType: DataType;
  /** Where int8 scales come from: `Trained` by quantisation-aware training, whose scales leave some tensors out. */
  readonly scales: 'None' | 'Calibrated' | 'Trained';
  readonly batch: BatchProfile;
  readonly workspaceBytes: number;
  /** Whether layers of an int8 engine are kept in float. */
  readonly keepsFloat?: boolean;
};

/** Why a request has no plan. */
export type PlanRefusal = {
  /** Stable name of the rule. */
  readonly rule: string;
  /** What cannot be built, and the remedy. */
  readonly message: string;
};
