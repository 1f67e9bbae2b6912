/**
 * Where ONNX's operators accept float32 and float16, by opset version. The table is generated from onnx's schemas. An
 * entry reads `since:inputs>outputs`, with one character per parameter:
 *
 * - `A`, `B` …: a type variable that may be float32 or float16; parameters with the same letter have the same type;
 * - `a`, `b` …: a type variable that may be float32 but not float16;
 * - `f`: float32 only;
 * - `.`: never float32;
 * - `+` after a letter: variadic; `!` at the end: the operator has sequence or optional parameters.
 */
import { operators } from './generated/operators.ts';

/** Parameter types of one version of an operator. */
export type OperatorTypes = {
  /** Opset that introduced this version. */
  readonly since: number;
  /** Letter of an input by index. */
  readonly input: (index: number) => string;
  /** Letter of an output by index. */
  readonly output: (index: number) => string;
  readonly hasSequences: boolean;
};

const parsedVersions = new Map<string, readonly OperatorTypes[]>();

/** Finds the version of an operator in an opset; undefined if the operator is not part of ONNX. */
export const findOperatorTypes = (opType: string, opset: number): OperatorTypes | undefined => {
  const versions =
    parsedVersions.get(opType) ?? (operators[opType] ?? '').split(' ').filter(Boolean).map(parseVersion);
  parsedVersions.set(opType, versions);
  return versions.findLast(({ since }) => since <= opset);
};

/** Whether float16 is accepted in place of float32. */
export const acceptsHalf = (letter: string): boolean => /^[A-Z]$/.test(letter);

/** Whether the letter is a type variable, so that parameters with this letter have the same type. */
export const isVariable = (letter: string): boolean => /^[A-Za-eg-z]$/.test(letter);

const parseVersion = (text: string): OperatorTypes => {
  const [, since, inputs = '', outputs = '', end] = /^(\d+):([^>]*)>([^!]*)(!?)$/.exec(text) ?? [];
  return {
    since: Number(since),
    input: parseLetters(inputs),
    output: parseLetters(outputs),
    hasSequences: end === '!',
  };
};

const parseLetters = (text: string): ((index: number) => string) => {
  const letters = text.replace('+', '');
  const repeats = text.endsWith('+');
  return (index) => letters[index] ?? (repeats ? letters.at(-1)! : '.');
};
