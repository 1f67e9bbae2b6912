/** Kubernetes resource quantities (apimachinery's resource.Quantity without exponents). */
const multiplier: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Value of a quantity such as `500m`, `1Gi` or 2. @throws RangeError for any other form */
export const parseQuantity = (quantity: string | number): number => {
  const match = /^(\d+(?:\.\d+)?)(m|[KMGTPE]i|[kMGTPE])?$/.exec(String(quantity));
  if (!match) throw new RangeError(`not an amount: ${quantity} (write for example 1Gi, 512Mi or 500m)`);
  return Number(match[1]) * multiplier[match[2] ?? '']!;
};

/** Bytes of a quantity such as `1Gi`, `512Mi` or 1000000, rounded down. @throws RangeError for any other form */
export const parseByteQuantity = (quantity: string | number): number => Math.floor(parseQuantity(quantity));
