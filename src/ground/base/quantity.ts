/** Kubernetes resource quantities as whole bytes (apimachinery's resource.Quantity, its integer forms). */
const multiplier: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a quantity such as `1Gi`, `512Mi` or 1000000. @throws RangeError for any other form */
export const bytesOfQuantity = (quantity: string | number): number => {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(String(quantity));
  if (!match) throw new RangeError(`not a size: ${quantity} (write for example 1Gi or 512Mi)`);
  return Math.floor(Number(match[1]) * multiplier[match[2] ?? '']!);
};
