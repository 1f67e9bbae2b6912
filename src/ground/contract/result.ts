/** Result of a pod: one JSON object in the termination message, at most 2 KiB. */
import { findFault } from './check-schema.ts';
import { type Exported, etltFacts, type Failed, node, type Result, resultSchemas } from './result-schema.ts';

export type {
  Counted,
  EngineBuilt,
  Exported,
  Failed,
  Result,
  StoredFile,
  TensorfileWritten,
} from './result-schema.ts';

/**
 * The container that reports the result of each kind of pod, and the kind of result. Termination messages of other containers
 * are ignored.
 */
export const reporters = {
  calibration: { container: 'calibrate', kind: 'Counted' },
  export: { container: 'export', kind: 'Exported' },
  engine: { container: 'publish', kind: 'EngineBuilt' },
  tensorfile: { container: 'tensorfile', kind: 'TensorfileWritten' },
} as const;

export type Stage = keyof typeof reporters;

/** Half of the 4,096 bytes that the kubelet keeps per container; the rest is for text of the kubelet. */
export const resultLimitBytes = 2048;

/**
 * Encodes a result as a termination message. Truncates the message of a failure and the list of output nodes to fit; all other
 * fields are bounded by the schema.
 * @throws RangeError if the result does not match its schema
 */
export const encodeResult = (result: Result): string => {
  const fitting = fitToLimit(result);
  const fault = findFault(resultSchemas[fitting.kind], fitting);
  if (fault !== undefined) throw new RangeError(`a result that cannot be reported: ${fault}`);
  return JSON.stringify(fitting);
};

const fitToLimit = (result: Result): Result => {
  const excess = Buffer.byteLength(JSON.stringify(result)) - resultLimitBytes;
  if (excess <= 0) return result;
  const smaller = result.kind === 'Failed' ? shortenMessage(result, excess) : dropNode(result);
  if (smaller === undefined)
    throw new RangeError(`a result that is ${excess} bytes too long for its message`);
  return fitToLimit(smaller);
};

const shortenMessage = (result: Failed, excess: number): Failed | undefined => {
  if (result.message.length === 0) return undefined;
  const keep = Math.max(0, result.message.length - excess - 4);
  return { ...result, message: keep === 0 ? '' : `${result.message.slice(0, keep)}…` };
};

const dropNode = (result: Exclude<Result, Failed>): Exported | undefined => {
  if (result.kind !== 'Exported') return undefined;
  const { inputNode, outputNodes, ...etlt } = result.etlt;
  if (outputNodes.length > 0)
    return { ...result, etlt: { ...result.etlt, outputNodes: outputNodes.slice(0, -1) } };
  return inputNode === undefined ? undefined : { ...result, etlt: { ...etlt, outputNodes } };
};

type Nodes = Pick<Exported['etlt'], 'inputNode' | 'outputNodes'>;

/** The node names that a result can contain; longer names, and outputs beyond the maximum number, are omitted. */
export const reportedNodes = (input: string, outputs: readonly string[]): Nodes => {
  const fits = (name: string): boolean => findFault(node, name) === undefined;
  return {
    ...(fits(input) && { inputNode: input }),
    outputNodes: outputs.filter(fits).slice(0, etltFacts.outputNodes.maxItems),
  };
};

/** A termination message that is not a valid result, and why. */
export type Unusable = { readonly kind: 'Unusable'; readonly fault: string };

/** Parses a termination message and validates it against the schema of its kind. */
export const parseResult = (message: string | undefined): Result | Unusable => {
  const value = parseJson(message ?? '');
  const kind = kinds.find((known) => known === kindOf(value));
  if (kind === undefined) return { kind: 'Unusable', fault: 'it is no report of a pod of ours' };
  const fault = findFault(resultSchemas[kind], value);
  return fault === undefined ? (value as Result) : { kind: 'Unusable', fault };
};

const kinds = Object.keys(resultSchemas) as Result['kind'][];

const kindOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'kind') && 'kind' in value
    ? value.kind
    : undefined;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the container wrote no message, or the kubelet used the end of the log instead
  }
};
