/** Beside the decoded values: where each was set, which path leads to it, and what is wrong with it. */
import { type Issue, mostShown } from './issues.ts';
import type { Place } from './tokens.ts';

type Known = {
  readonly place: Place;
  readonly path: string;
  readonly fields: Map<string, Place>;
  readonly excused: Set<string>;
  /** Fields that a reader asked for. */
  readonly asked: Set<string>;
};

/** Issues of one spec. Messages are known by their identity. */
export class Notes {
  readonly issues: Issue[] = [];
  readonly #records = new Map<object, Known>();

  /** Makes a message known. Use the result in its place: it records which fields are asked for. */
  begin<T extends object>(value: T, { line, column }: Place, path: string): T {
    const asked = new Set<string>();
    const watched = new Proxy(value, {
      get: (target, field, receiver) => {
        if (typeof field === 'string') asked.add(field);
        return Reflect.get(target, field, receiver);
      },
    });
    this.#records.set(watched, {
      place: { line, column },
      path,
      fields: new Map(),
      excused: new Set(),
      asked,
    });
    return watched;
  }

  /** The entry of a map is not a message of its own: whether its map is asked for counts. */
  forget(message: object): void {
    this.#records.delete(message);
  }

  /** What asked so far was the decoder. */
  startReading(): void {
    for (const { asked } of this.#records.values()) asked.clear();
  }

  /**
   * Paths of fields that the text sets and no reader asked for, in the order of the text; a message stands for its fields.
   */
  unneeded(): readonly string[] {
    const found = [...this.#records.values()].flatMap(({ path, fields, asked }) =>
      [...fields]
        .filter(([field]) => !asked.has(field))
        .map(([field, place]) => ({ path: path ? `${path}.${field}` : field, ...place })),
    );
    const paths = new Set(found.map(({ path }) => path));
    return found
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .map(({ path }) => path)
      .filter((path) => !parentsOf(path).some((parent) => paths.has(parent)));
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

/** `a`, `a.b` and `a.b[0]` of `a.b[0].c`. */
const parentsOf = (path: string): readonly string[] =>
  [...path.matchAll(/[.[]/g)].map(({ index }) => path.slice(0, index));
