/** Beside the decoded values: where each was set, which path leads to it, and what is wrong with it. */
import { type Issue, mostShown } from './issues.ts';
import type { Place } from './tokens.ts';

type Known = {
  readonly place: Place;
  readonly path: string;
  readonly fields: Map<string, Place>;
  readonly excused: Set<string>;
};

/** Issues of one spec. Messages are known by their identity. */
export class Notes {
  readonly issues: Issue[] = [];
  readonly #records = new WeakMap<object, Known>();

  /** Makes a message known. */
  begin<T extends object>(value: T, { line, column }: Place, path: string): T {
    this.#records.set(value, { place: { line, column }, path, fields: new Map(), excused: new Set() });
    return value;
  }

  /** Remembers where a field was set last. */
  place(message: object, field: string, { line, column }: Place): void {
    this.#records.get(message)?.fields.set(field, { line, column });
  }

  /** A field that is probably there under a mistyped name need not be missed as well. */
  excuse(message: object, field: string): void {
    this.#records.get(message)?.excused.add(field);
  }

  /** So many issues that more will not be shown. */
  get isFull(): boolean {
    return this.issues.length > mostShown;
  }

  pathOf(message: object, field: string): string {
    const path = this.#records.get(message)?.path;
    return path ? `${path}.${field}` : field;
  }

  /** At `place`, or where the field was set, or where its message begins. One issue a field and place is enough. */
  add(
    message: object,
    field: string,
    { what, place }: { readonly what: string; readonly place?: Place },
  ): void {
    const record = this.#records.get(message);
    if (place === undefined && record?.excused.has(field)) return;
    const { line, column } = place ?? record?.fields.get(field) ?? record?.place ?? { line: 1, column: 1 };
    record?.excused.add(field);
    this.issues.push({ line, column, path: this.pathOf(message, field), what });
  }
}
