/** The images that pods run, as the operator was told at its start. */
export type Images = {
  /** Ours: export, stage, publish, and the ONNX Runtime build. */
  readonly worker: string;
  /** Ours: Python, TensorRT for RTX and the build driver. */
  readonly rtx: string;
};

export const workerProgram = '/app/dist/worker.js';
export const buildDriver = '/app/build_engine.py';
