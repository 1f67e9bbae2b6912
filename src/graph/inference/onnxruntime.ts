/** The one door to ONNX Runtime, which is told to keep what it sees to itself. */
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * From 1.29 on the official binaries for Linux and macOS report models' names and hashes and an identity of the machine
 * to their maker, unless this stands in the environment before the first session (onnxruntime's pull request 27379).
 */
process.env.ORT_DISABLE_TELEMETRY = '1';

export { InferenceSession, Tensor };
