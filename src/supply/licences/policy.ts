/**
 * Which licences an image may contain, and the licences of packages whose index does not state one. A package with another licence,
 * or with none, stops the build of the image.
 */

/** Licence → what a person who distributes the image must do. */
export const allowedLicences: Readonly<Record<string, string>> = {
  '0BSD': 'nothing',
  'Apache-2.0': 'pass on the licence text and notices',
  'BSD-3-Clause': 'pass on the licence text',
  ISC: 'pass on the licence text',
  'LGPL-3.0-or-later': 'pass on the licence text, keep the library replaceable (it is a file of its own)',
  'LicenseRef-HDF5-NIST': 'pass on the licence text: BSD-3-Clause with a statement of NIST',
  'LicenseRef-NVIDIA': "accept NVIDIA's terms; see them for what may be distributed",
  MIT: 'pass on the licence text',
  'MIT-0': 'nothing',
  'PSF-2.0': 'pass on the licence text',
  Unlicense: 'nothing',
  Zlib: 'nothing, for binaries',
};

/**
 * Package → its licence, read in the package by a person: requirements files and dpkg have no field for it, and the entry of h5wasm
 * only refers to its file.
 */
export const readLicences: Readonly<Record<string, string>> = {
  node: 'MIT',
  h5wasm: 'LicenseRef-HDF5-NIST',
  tensorrt_rtx: 'LicenseRef-NVIDIA',
  tensorrt_rtx_cu13: 'LicenseRef-NVIDIA',
  tensorrt_rtx_cu13_bindings: 'LicenseRef-NVIDIA',
  tensorrt_rtx_cu13_libs: 'LicenseRef-NVIDIA',
  'nvidia-eff-tao-encryption': 'LicenseRef-NVIDIA',
  cffi: 'MIT-0',
  cryptography: 'Apache-2.0 OR BSD-3-Clause',
  pycparser: 'BSD-3-Clause',
  'python3.11-minimal': 'PSF-2.0',
  'libpython3.11-minimal': 'PSF-2.0',
  'libpython3.11-stdlib': 'PSF-2.0',
  zlib1g: 'Zlib',
  libexpat1: 'MIT',
  libffi8: 'MIT',
};
