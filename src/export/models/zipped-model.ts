/** Models in a zip: `.keras` of Keras 3, and NVIDIA's `.tltb` and `.eff`. */

/** Describes a zip and what to use instead; undefined for bytes that are not a zip. */
export const describeZip = (bytes: Uint8Array): string | undefined => {
  const latin1 = (part: Uint8Array) => Buffer.from(part).toString('latin1');
  if (!latin1(bytes.subarray(0, 4)).startsWith('PK\x03\x04')) return undefined;
  const directory = latin1(bytes.subarray(-65536)); // it is at the end
  return directory.includes('model.weights.h5')
    ? "a .keras file (a zip of Keras 3). Save the model as HDF5 with model.save('model.hdf5'), and use that file."
    : "a zip, perhaps NVIDIA's .tltb or .eff. Use the .hdf5 or .onnx inside it.";
};
