/** The licence of each package of an image, and whether the policy allows it. */
import { type Component, isOfBase } from '../components/component.ts';
import { isAllowed } from './expression.ts';
import { allowedLicences, readLicences } from './policy.ts';

const licenceOf = ({ name, licenses }: Component): string | undefined =>
  readLicences[name] ?? licenses?.[0]?.expression;

/** Adds the licence from our table, if it has one for this package. */
export const addLicence = (component: Component): Component => {
  const expression = licenceOf(component);
  return expression === undefined ? component : { ...component, licenses: [{ expression }] };
};

/** Packages that the policy refuses, each with the reason. Those of the base image are left to its publisher. */
export const findRefused = (components: readonly Component[]): readonly string[] =>
  components.flatMap((component) => {
    if (isOfBase(component)) return [];
    const licence = licenceOf(component);
    if (licence !== undefined && isAllowed(licence, (each) => each in allowedLicences)) return [];
    return [`${component.name} ${component.version}: ${licence ?? 'no licence is known'}`];
  });

/** The list as text: a line per package with purl and licence, sorted. */
export const listLicences = (components: readonly Component[]): string =>
  components
    .map(
      (component) => `${component.purl} ${licenceOf(component) ?? 'see the publisher of the base image'}\n`,
    )
    .sort()
    .join('');
