#!/usr/bin/env python3
"""NVIDIA's own cipher as an external codec: `nvidia_codec.py encrypt | decrypt`.

Standard input → standard output, the key on file descriptor 3 (docs/external-codec.md). Needs the package
nvidia-eff-tao-encryption, which is NVIDIA's, under NVIDIA's licence, and is not part of this project.
"""

import os
import sys

# Exit codes of docs/external-codec.md; a wrong key cannot be seen here, because the cipher has no integrity check.
USAGE, NO_PACKAGE, NO_STREAM = 2, 3, 4


def main(arguments: list[str]) -> int:
    if arguments not in (["encrypt"], ["decrypt"]):
        return complain(USAGE, "usage: nvidia_codec.py encrypt | decrypt")
    try:
        from eff_tao_encryption.tao_codec import decrypt_stream, encrypt_stream
    except ImportError as error:
        return complain(NO_PACKAGE, f"{error}: install nvidia-eff-tao-encryption and cryptography for this Python")
    with os.fdopen(3, "rb") as descriptor:
        key = descriptor.read()
    convert = encrypt_stream if arguments == ["encrypt"] else decrypt_stream
    try:
        # True is the cipher of .tlt and .etlt; pipes cannot be rewound.
        convert(sys.stdin.buffer, sys.stdout.buffer, key, encryption=True, rewind=False)
        sys.stdout.buffer.flush()
    except ValueError as error:
        return complain(NO_STREAM, f"no file of this cipher: {error}")
    return 0


def complain(code: int, found: str) -> int:
    print(found, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
