/** Parses the operator's --namespace flag. */
import { UserError } from '../../ground/base/errors.ts';

/** A namespace is a DNS label (Kubernetes, "Object Names and IDs"). */
const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Parses names separated by commas and removes duplicates.
 * @throws UserError Usage that names the invalid entry
 */
export const parseNamespaces = (text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !label.test(name));
  if (wrong === undefined) return [...new Set(names)];
  throw new UserError(
    'Usage',
    `Reading --namespace: '${wrong}' is not the name of a namespace. Write lower-case names, separated by commas: --namespace vision,radar`,
  );
};
