/** Models that come in a zip: the `.keras` of Keras 3, NVIDIA's `.tltb` and `.eff`. */

/** What a zip is, and what to give in its place; undefined for bytes that are none. */
export const describeZip = (bytes: Uint8Array): string | undefined => {
  const latin1 = (part: Uint8Array) => Buffer.from(part).toString('latin1');
  if (!latin1(bytes.subarray(0, 4)).startsWith('PK\x03\x04')) return undefined;
  const directory = latin1(bytes.subarray(-65536)); // it stands at the end
  return directory.includes('model.weights.h5')
    ? "a .keras file (a zip of Keras 3). Save the model in HDF5, by model.save('model.hdf5'), and give that."
    : "a zip, perhaps NVIDIA's .tltb or .eff. Give the .hdf5 or .onnx that is inside.";
};
