/** Which integers the processor of this machine multiplies fast, and without overflow. */
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { exactIntegers, type IntegerTypes } from '../precision/fused/fused-qdq.ts';

/** Reads the processor's instruction sets from /proc/cpuinfo. */
export const readIntegerTypes = (): IntegerTypes => chooseIntegerTypes(arch(), readProcessorFlags());

const readProcessorFlags = (): string => {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // not Linux: types that are right on every processor
  }
};

/**
 * Arm multiplies signed bytes. x86 multiplies unsigned by signed bytes, with VNNI into 32 bits; without it into 16 bits, which
 * sums of two products exceed, so that weights must be unsigned, for which ONNX Runtime has a slower, exact kernel
 * (onnxruntime.ai, "Quantize ONNX Models", "When and why do I need to try U8U8?").
 */
export const chooseIntegerTypes = (architecture: string, flags: string): IntegerTypes => {
  if (architecture !== 'x64') return { activations: 'int8', weights: 'int8' };
  return /\bavx(512)?_vnni\b/.test(flags) ? { activations: 'uint8', weights: 'int8' } : exactIntegers;
};
