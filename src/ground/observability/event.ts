/** Kubernetes events as values. */

/** The object that an event is about. */
export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
};

export type Event = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** What the operator was doing, as one CamelCase word. */
  readonly action: string;
  readonly regarding: ObjectReference;
};
