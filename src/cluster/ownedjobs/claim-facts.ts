/** What a PersistentVolumeClaim allows, and why a Job cannot use it. Pure. */
import type { Requirement } from '../api/node-labels.ts';
import { meetsRequirement } from '../deviceclass/match.ts';
import type { NodeFacts } from '../deviceclass/node.ts';
import type { JobDraft } from '../jobs/job.ts';

/** What is known of a claim and of the volume that it is bound to. */
export type ClaimFacts = {
  readonly accessModes: readonly string[];
  /** Alternatives, each a list of requirements on a node. Undefined: any node can access the volume, or it is unknown. */
  readonly nodeTerms?: readonly (readonly Requirement[])[];
};

/** A look-up by name; undefined for a claim that does not exist or that the operator may not read. */
export type FindClaim = (claim: string) => ClaimFacts | undefined;

/** A claim that a Job mounts. */
export type MountedClaim = { readonly name: string; readonly isWritten: boolean };

type VolumeView = {
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
};
type TemplateView = { readonly template: { readonly spec: { readonly volumes?: readonly VolumeView[] } } };

/** The claims of a Job, from its manifest. */
export const listClaims = ({ spec }: Pick<JobDraft, 'spec'>): readonly MountedClaim[] =>
  ((spec as Partial<TemplateView>).template?.spec.volumes ?? []).flatMap(
    ({ persistentVolumeClaim: claim }) =>
      claim ? [{ name: claim.claimName, isWritten: claim.readOnly !== true }] : [],
  );

/** Why a Job waits for its claims. */
export type ClaimProblem = {
  readonly reason: 'ClaimReadOnly' | 'VolumeUnreachable';
  readonly message: string;
};

/** A claim that the Job writes to and that allows only reading. */
export const findReadOnlyClaim = (
  job: Pick<JobDraft, 'spec'>,
  findClaim: FindClaim,
): ClaimProblem | undefined => {
  const claim = listClaims(job).find(({ name, isWritten }) => isWritten && isReadOnly(findClaim(name)));
  return (
    claim && {
      reason: 'ClaimReadOnly',
      message: `PersistentVolumeClaim ${claim.name} has only the access mode ReadOnlyMany, and pods write to it: name another claim in spec.output`,
    }
  );
};

const isReadOnly = (claim: ClaimFacts | undefined): boolean =>
  claim !== undefined &&
  claim.accessModes.length > 0 &&
  claim.accessModes.every((mode) => mode === 'ReadOnlyMany');

/**
 * Whether no node of a class can access all volumes of the Job, which are bound to a zone or to a node.
 * @param nodes those of the class; with none, nothing is decided
 */
export const findUnreachableVolume = (
  job: Pick<JobDraft, 'spec'>,
  findClaim: FindClaim,
  nodes: () => readonly NodeFacts[],
): ClaimProblem | undefined => {
  const bound = listClaims(job).flatMap(({ name }) => {
    const terms = findClaim(name)?.nodeTerms;
    return terms ? [{ name, terms }] : [];
  });
  if (bound.length === 0) return undefined;
  const candidates = nodes();
  const reaches = (node: NodeFacts) =>
    bound.every(({ terms }) => terms.some((term) => term.every(meetsRequirement(node))));
  if (candidates.length === 0 || candidates.some(reaches)) return undefined;
  const names = bound.map(({ name, terms }) => `${name} (${describeTerms(terms)})`).join(' and ');
  return {
    reason: 'VolumeUnreachable',
    message: `none of the ${candidates.length} nodes of the class can access the volume of PersistentVolumeClaim ${names}: use a claim that they can access, or nodes that can access it`,
  };
};

const describeTerms = (terms: readonly (readonly Requirement[])[]): string =>
  terms
    .map((term) =>
      term.map(({ key, operator, values = [] }) => `${key} ${operator} ${values.join(', ')}`).join(' and '),
    )
    .join(' or ')
    .slice(0, 300);
