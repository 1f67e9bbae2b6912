/** Reads a layer's configuration with the expected types. It is JSON from a file that may be damaged. */
import { invalidLayer, type LayerLabel, unsupportedLayer } from './fault.ts';

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object, not an array or null. */
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The configuration of one layer. Every method throws UserError ModelInvalid naming the layer, the value and what was
 * expected.
 */
export class Config {
  readonly #values: Json;
  readonly #layer: LayerLabel;
  constructor(values: Json, layer: LayerLabel) {
    this.#values = values;
    this.#layer = layer;
  }

  /** The raw value; undefined if absent or null. */
  raw(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  /** A positive integer; required if there is no fallback. */
  count(name: string, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    return isCount(value) ? value : this.#fail(name, 'a positive integer');
  }

  integer(name: string, fallback: number): number {
    const value = this.raw(name) ?? fallback;
    return Number.isSafeInteger(value) ? (value as number) : this.#fail(name, 'an integer');
  }

  number(name: string, fallback: number): number {
    const value = numberIn(this.raw(name) ?? fallback);
    return value === undefined ? this.#fail(name, 'a number') : value;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    return typeof value === 'boolean' ? value : this.#fail(name, 'true or false');
  }

  /** One of the words, compared in lower case. */
  word<Word extends string>(name: string, words: readonly Word[], fallback: Word): Word {
    const value = this.raw(name) ?? fallback;
    const word = words.find((each) => typeof value === 'string' && each === value.toLowerCase());
    return word ?? this.#fail(name, `one of ${words.join(', ')}`);
  }

  /** Height and width; a single number means both. */
  pair(name: string, fallback?: number): Pair {
    const value = this.raw(name) ?? fallback;
    const both = Array.isArray(value) ? value : [value, value];
    return both.length === 2 && both.every(isCount)
      ? (both as unknown as Pair)
      : this.#fail(name, 'two positive integers');
  }

  integers(name: string): readonly number[] {
    const value = this.raw(name);
    const integers = Number.isSafeInteger(value) ? [value] : value;
    return Array.isArray(integers) && integers.every(Number.isSafeInteger) && integers.length <= mostAxes
      ? integers
      : this.#fail(name, 'a list of integers');
  }

  /** A list of numbers; a single number means a list of one. Also reads NumPy arrays as Keras 3 writes them. */
  numbers(name: string, fallback: readonly number[]): readonly number[] {
    const value = this.raw(name) ?? fallback;
    const plain = isObject(value) && isObject(value.config) ? value.config.value : value;
    const numbers = (Array.isArray(plain) ? plain : [plain]).map(numberIn);
    return numbers.length > 0 &&
      numbers.length <= mostStatistics &&
      numbers.every((each) => each !== undefined)
      ? numbers
      : this.#fail(name, 'a number or a list of numbers');
  }

  /** A list of positive numbers; a single number means a list of one. */
  positives(name: string): readonly number[] {
    const value = this.raw(name);
    const numbers = Array.isArray(value) ? value : [value];
    return numbers.every((each) => Number.isFinite(each) && each > 0) && numbers.length <= mostNumbers
      ? numbers
      : this.#fail(name, 'a list of numbers above zero');
  }

  /** `[[top, bottom], [left, right]]`, or one number, or two. */
  margins(name: string): Margins {
    const value = this.raw(name) ?? 1;
    const rows = Array.isArray(value) ? value : [value, value];
    const margins = rows.map((row) => (Array.isArray(row) ? row : [row, row]));
    const isValid = margins.length === 2 && margins.every((row) => row.length === 2 && row.every(isMargin));
    return isValid ? (margins as unknown as Margins) : this.#fail(name, 'margins of height and width');
  }

  get channelsFirst(): boolean {
    return (
      this.word('data_format', ['channels_last', 'channels_first'], 'channels_last') === 'channels_first'
    );
  }

  /** @throws UserError ModelUnsupported if the value is neither absent nor `only` */
  requireOnly(name: string, only: unknown): void {
    const value = this.raw(name);
    if (value !== undefined && formatValue(value) !== formatValue(only))
      throw unsupportedLayer(
        this.#layer,
        `its ${name} is ${formatValue(value)}; only ${formatValue(only)} is supported`,
      );
  }

  #fail(name: string, wanted: string): never {
    const value = this.raw(name);
    const found = value === undefined ? 'is missing' : `is ${formatValue(value)}`;
    throw invalidLayer(this.#layer, `its ${name} ${found}; expected ${wanted}`);
  }
}

/** Height and width. */
export type Pair = readonly [height: number, width: number];
/** Top and bottom, left and right. */
export type Margins = readonly [readonly [number, number], readonly [number, number]];

/** Larger sizes mean a damaged file: no image, channel count or kernel is this large. */
const mostSize = 2 ** 24;
const mostAxes = 16;
const mostNumbers = 256;
const mostStatistics = 2 ** 16;

/** Whether a value is an integer from 1 to 2^24. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= mostSize;

const isMargin = (value: unknown): value is number => value === 0 || isCount(value);

/** A number, or a NumPy number as Keras 3 writes it: `{class_name, config: {value}}`. */
const numberIn = (value: unknown): number | undefined => {
  if (isObject(value)) return numberIn(isObject(value.config) ? value.config.value : undefined);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

/** The beginning of a value as JSON, for messages. Deep nesting is cut off. */
export const formatValue = (value: unknown): string => {
  const text = JSON.stringify(truncateValue(value, 0)) ?? 'undefined';
  return text.length > 200 ? `${text.slice(0, 200)} …` : text;
};

const truncateValue = (value: unknown, depth: number): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === mostShownDepth) return '…';
  if (Array.isArray(value))
    return value.slice(0, mostShownMembers).map((each) => truncateValue(each, depth + 1));
  const members = Object.entries(value).slice(0, mostShownMembers);
  return Object.fromEntries(members.map(([name, each]) => [name, truncateValue(each, depth + 1)]));
};

const mostShownDepth = 8;
const mostShownMembers = 64;
