/** The images that pods run, from the operator's command line. */
export type Images = {
  /** Ours: export, stage, publish, and the ONNX Runtime build. */
  readonly worker: string;
  /** Ours: Python, TensorRT for RTX and the build driver. */
  readonly rtx: string;
  /** Names of Secrets in the namespace of each export. */
  readonly pullSecrets?: readonly string[];
};

/** Path of the worker in our image. */
export const workerProgram = '/app/dist/worker.js';

/** Path of the program in our image that writes an object to standard output. */
export const sendProgram = '/app/dist/send-object.js';
