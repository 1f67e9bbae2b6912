/**
 * Default resources of containers. Every container has limits, so that no input can exhaust a node: a few hundred bytes
 * of ONNX can request terabytes of memory.
 */
import { parseByteQuantity, parseQuantity } from '../../ground/base/quantity.ts';

type Amounts = Readonly<Record<string, string | number>>;
/** core/v1 ResourceRequirements. */
export type Resources = { readonly requests?: Amounts; readonly limits?: Amounts };
/** Resources with both maps present. */
export type CompleteResources = { readonly requests: Amounts; readonly limits: Amounts };

/**
 * Only logs use a node's disk and, in a pod with a codec, the worker itself: 1 GiB holds both. Without an explicit
 * request, the limit would become the request, and nodes that do not account for their disk could run no pod.
 */
const disk = { requests: { 'ephemeral-storage': '0' }, limits: { 'ephemeral-storage': '1Gi' } } as const;

const defaults = {
  /**
   * Calibration uses up to eight cores. Its memory is that of the model's largest activations, 1 to 2 GiB for a
   * detector, regardless of the number of images.
   */
  export: {
    requests: { cpu: '500m', memory: '512Mi', ...disk.requests },
    limits: { cpu: '8', memory: '4Gi', ...disk.limits },
  },
  /** One batch is in memory while the next is decoded, regardless of their number. */
  tensorfile: {
    requests: { cpu: '500m', memory: '512Mi', ...disk.requests },
    limits: { cpu: '8', memory: '2Gi', ...disk.limits },
  },
  /** A builder holds graph, weights and workspace; the volumes of the pod are in memory, too. */
  build: {
    requests: { cpu: '500m', memory: '1Gi', ...disk.requests },
    limits: { cpu: '8', memory: '8Gi', ...disk.limits },
  },
  /**
   * `stage` uses 2.5 times the size of the model (measured: 623 to 685 MiB for 257 MiB) and leaves twice the size in
   * the volume that it hands over, so 4 GiB hold models of up to 850 MiB.
   */
  helper: {
    requests: { cpu: '250m', memory: '256Mi', ...disk.requests },
    limits: { cpu: '2', memory: '4Gi', ...disk.limits },
  },
} as const satisfies Record<string, CompleteResources>;

/** The containers that have defaults. */
export type Role = keyof typeof defaults;

/** The requested resources, completed by the defaults of the role. */
export const completeResources = (role: Role, asked: Resources = {}): CompleteResources => {
  const { requests, limits } = defaults[role];
  return {
    requests: { ...requests, ...findLowerLimits(requests, asked.limits), ...asked.requests },
    limits: { ...limits, ...findHigherRequests(limits, asked.requests), ...asked.limits },
  };
};

type Compare = (own: number, asked: number) => boolean;

/** The requested amounts that a default would contradict: the Job API rejects a request above its limit. */
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

/** The resources with more disk space. Requests stay, because nodes that do not account for their disk have none to give. */
export const addDisk = ({ requests, limits }: CompleteResources, bytes: number): CompleteResources => ({
  requests,
  limits: {
    ...limits,
    'ephemeral-storage': `${Math.ceil((parseByteQuantity(limits['ephemeral-storage']!) + bytes) / 2 ** 20)}Mi`,
  },
});

/** A fraction of a container's memory limit, as the size limit of a volume in memory, which counts towards it. */
export const computeMemoryShare = ({ limits }: CompleteResources, share: number): string =>
  `${Math.floor((parseByteQuantity(limits.memory!) * share) / 2 ** 20)}Mi`;
