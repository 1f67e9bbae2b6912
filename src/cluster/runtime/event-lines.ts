/** Parses the response of a watch: one JSON object per line, of which metadata.managedFields is left out. */

/** A metav1.WatchEvent. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly code?: number;
  } & object;
};

/** Collects the parts of a response into lines, and parses each of them. @throws SyntaxError for a line that is not JSON */
export class EventLines {
  readonly #decoder = new TextDecoder();
  #rest = '';

  *take(part: Buffer): Iterable<WatchEvent> {
    const lines = (this.#rest + this.#decoder.decode(part, { stream: true })).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line !== '') yield parseEvent(line);
  }

  *end(): Iterable<WatchEvent> {
    if (this.#rest.trim() !== '') yield parseEvent(this.#rest);
  }
}

const parseEvent = (line: string): WatchEvent => {
  const short = dropManagedFields(line);
  if (short === line) return JSON.parse(line) as WatchEvent;
  try {
    return JSON.parse(short) as WatchEvent;
  } catch {
    return JSON.parse(line) as WatchEvent; // Not as the apiserver writes it.
  }
};

/**
 * Half of the text of a Job or pod is metadata.managedFields, which nobody reads and which takes almost half the time of parsing.
 * The apiserver writes it as the last member of the metadata of its own kinds, and before the name of custom resources. A quote
 * that does not follow a backslash begins or ends a string, so these texts are never part of one; and no value within
 * managedFields has a list.
 */
const dropManagedFields = (line: string): string => {
  const start = line.indexOf('"managedFields":[');
  if (start === -1) return line;
  const [last, end] = [line.indexOf(']},"spec":', start), line.indexOf('],"name":', start)];
  if (end !== -1 && (last === -1 || end < last)) return line.slice(0, start) + line.slice(end + 2);
  return last === -1 ? line : line.slice(0, start - 1) + line.slice(last + 1);
};
