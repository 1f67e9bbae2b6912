/**
 * What ONNX's own operators take for floats, by operator set. The table is generated from onnx's schemas; a version reads
 * `since:inputs>outputs`, one character a parameter:
 *
 * - `A`, `B` …: a type variable that may be float32 or float16; parameters with one letter have one type;
 * - `a`, `b` …: a type variable that may be float32 but not float16;
 * - `f`: float32 and nothing else;
 * - `.`: never float32;
 * - `+` behind it: repeated; `!` at the end: the operator takes or gives sequences or optionals.
 */
import { operators } from './generated/operators.ts';

export type OperatorTypes = {
  /** The operator set that this version came with. */
  readonly since: number;
  /** The letter of an input by its index. */
  readonly input: (index: number) => string;
  readonly output: (index: number) => string;
  readonly hasSequences: boolean;
};

const parsed = new Map<string, readonly OperatorTypes[]>();

/** The version of an operator that a graph of this operator set has; undefined for an operator that is not ONNX's. */
export const operatorTypes = (opType: string, opset: number): OperatorTypes | undefined => {
  const versions = parsed.get(opType) ?? (operators[opType] ?? '').split(' ').filter(Boolean).map(versionOf);
  parsed.set(opType, versions);
  return versions.findLast(({ since }) => since <= opset);
};

/** Whether float16 may stand in float32's place. */
export const takesHalf = (letter: string): boolean => /^[A-Z]$/.test(letter);

/** Whether the letter is a type variable, so that parameters with the same letter have the same type. */
export const isVariable = (letter: string): boolean => /^[A-Za-eg-z]$/.test(letter);

const versionOf = (text: string): OperatorTypes => {
  const [, since, inputs = '', outputs = '', end] = /^(\d+):([^>]*)>([^!]*)(!?)$/.exec(text) ?? [];
  return {
    since: Number(since),
    input: lettersOf(inputs),
    output: lettersOf(outputs),
    hasSequences: end === '!',
  };
};

const lettersOf = (text: string): ((index: number) => string) => {
  const letters = text.replace('+', '');
  const repeats = text.endsWith('+');
  return (index) => letters[index] ?? (repeats ? letters.at(-1)! : '.');
};
