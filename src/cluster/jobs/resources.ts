/**
 * What each container may use where the spec asks for nothing else. Every container has limits, so that no input can
 * take a node: a file can ask for any amount of memory (a few hundred bytes of ONNX for terabytes).
 */
import { parseByteQuantity, parseQuantity } from '../../ground/base/quantity.ts';

type Amounts = Readonly<Record<string, string | number>>;
export type Resources = { readonly requests?: Amounts; readonly limits?: Amounts };
export type CompleteResources = { readonly requests: Amounts; readonly limits: Amounts };

/**
 * Nothing is written to a node's disk but logs and, in a pod with a codec, the worker itself: 1 GiB holds both. Without a
 * request of its own the limit would be one, and nodes that do not account for their disk could run no pod.
 */
const disk = { requests: { 'ephemeral-storage': '0' }, limits: { 'ephemeral-storage': '1Gi' } } as const;

const defaults = {
  /**
   * Calibration takes the cores that it gets, up to eight; its memory is that of the model's largest activations, 1 to
   * 2 GiB for a detector, and not of the number of images.
   */
  export: {
    requests: { cpu: '500m', memory: '512Mi', ...disk.requests },
    limits: { cpu: '8', memory: '4Gi', ...disk.limits },
  },
  /** One batch is in memory and the next is being decoded, whatever their number. */
  tensorfile: {
    requests: { cpu: '500m', memory: '512Mi', ...disk.requests },
    limits: { cpu: '8', memory: '2Gi', ...disk.limits },
  },
  /** A builder holds graph, weights and workspace; the volumes of the pod are in memory too. */
  build: {
    requests: { cpu: '500m', memory: '1Gi', ...disk.requests },
    limits: { cpu: '8', memory: '8Gi', ...disk.limits },
  },
  /**
   * stage takes 2.5 times a model's size for itself (measured: 623 to 685 MiB for 257 MiB) and leaves twice that size in
   * the volume that it hands over, so 4 GiB hold models of up to 850 MiB.
   */
  helper: {
    requests: { cpu: '250m', memory: '256Mi', ...disk.requests },
    limits: { cpu: '2', memory: '4Gi', ...disk.limits },
  },
} as const satisfies Record<string, CompleteResources>;

export type Role = keyof typeof defaults;

/** What the spec asks for, and the defaults of the role for every resource that it does not name. */
export const completeResources = (role: Role, asked: Resources = {}): CompleteResources => {
  const { requests, limits } = defaults[role];
  return {
    requests: { ...requests, ...findLowerLimits(requests, asked.limits), ...asked.requests },
    limits: { ...limits, ...findHigherRequests(limits, asked.requests), ...asked.limits },
  };
};

type Compare = (own: number, asked: number) => boolean;

/** The amounts asked for that a default would contradict: the Job API refuses a request above its limit. */
const findContradictions = (own: Amounts, asked: Amounts | undefined, compare: Compare): Amounts =>
  Object.fromEntries(
    Object.entries(asked ?? {}).filter(
      ([name, amount]) => own[name] !== undefined && compare(parseQuantity(own[name]), parseQuantity(amount)),
    ),
  );

const findLowerLimits = (requests: Amounts, askedLimits: Amounts | undefined): Amounts =>
  findContradictions(requests, askedLimits, (request, limit) => request > limit);

const findHigherRequests = (limits: Amounts, askedRequests: Amounts | undefined): Amounts =>
  findContradictions(limits, askedRequests, (limit, request) => limit < request);

/** Part of a container's memory limit, as the limit of a volume in memory: what is in the volume counts as its memory. */
export const computeMemoryShare = ({ limits }: CompleteResources, share: number): string =>
  `${Math.floor((parseByteQuantity(limits.memory!) * share) / 2 ** 20)}Mi`;
