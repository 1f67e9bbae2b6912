/** The only import of ONNX Runtime, with telemetry disabled. */
import process from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';

/**
 * Since 1.29 the official binaries for Linux and macOS send model names and hashes and a machine identifier to
 * Microsoft, unless this variable is set before the first session (onnxruntime's pull request 27379).
 */
process.env.ORT_DISABLE_TELEMETRY = '1';

export { InferenceSession, Tensor };
