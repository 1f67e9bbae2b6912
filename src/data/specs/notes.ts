/** Metadata of decoded values: position, path, whether a reader used them, and errors. */
import { type Issue, maxShownIssues } from './issues.ts';
import type { Place } from './tokens.ts';

type Known = {
  readonly place: Place;
  readonly path: string;
  readonly fields: Map<string, Place>;
  readonly excused: Set<string>;
  /** Fields that a reader accessed. */
  readonly asked: Set<string>;
};

/** Positions, accesses and errors of one spec. Messages are tracked by object identity. */
export class Notes {
  /** Errors so far, in order of discovery. */
  readonly issues: Issue[] = [];
  readonly #records = new Map<object, Known>();

  /** Registers a message and returns a proxy that records accessed fields. Use the proxy instead of `value`. */
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

  /** Unregisters a map entry: only access to its map counts. */
  forget(message: object): void {
    this.#records.delete(message);
  }

  /** Resets accesses: those so far came from the decoder. */
  startReading(): void {
    for (const { asked } of this.#records.values()) asked.clear();
  }

  /** Paths of fields that are set but were not accessed, in text order. Lists an unused message without its fields. */
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

  /** Records where a field was last set. */
  place(message: object, field: string, { line, column }: Place): void {
    this.#records.get(message)?.fields.set(field, { line, column });
  }

  /** Suppresses the error about a missing field, because a misspelt one probably stands for it. */
  excuse(message: object, field: string): void {
    this.#records.get(message)?.excused.add(field);
  }

  /** True if further errors would not be shown. */
  get isFull(): boolean {
    return this.issues.length > maxShownIssues;
  }

  /** Path of a field from the top of the spec, for example `dataset_config.data_sources[0].tfrecords_path`. */
  pathOf(message: object, field: string): string {
    const path = this.#records.get(message)?.path;
    return path ? `${path}.${field}` : field;
  }

  /** Adds an error at `place`, or where the field was set, or at the start of its message. At most one per missing field. */
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

/** Prefixes of a path: `a`, `a.b` and `a.b[0]` for `a.b[0].c`. */
const parentsOf = (path: string): readonly string[] =>
  [...path.matchAll(/[.[]/g)].map(({ index }) => path.slice(0, index));
