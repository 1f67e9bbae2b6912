/** Levels of symmetric int8 on each side of zero: real = level × scale, threshold = 127 × scale. −128 is not used. */
export const int8Levels = 127;
