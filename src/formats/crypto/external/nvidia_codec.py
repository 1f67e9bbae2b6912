#!/usr/bin/env python3
"""External codec that encrypts and decrypts with NVIDIA's own cipher: `nvidia_codec.py encrypt | decrypt`.

Converts standard input to standard output, and reads the key from file descriptor 3 (docs/external-codec.md). Needs
NVIDIA's package nvidia-eff-tao-encryption, which has NVIDIA's licence and is not part of this project.
"""

import os
import sys

# Exit codes of docs/external-codec.md. There is none for a wrong key, because the cipher has no integrity check.
USAGE, NO_PACKAGE, NO_STREAM = 2, 3, 4


def main(arguments: list[str]) -> int:
    """Runs one conversion. Returns the exit code."""
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
        # encryption=True selects the cipher of .tlt and .etlt. Pipes cannot be rewound.
        convert(sys.stdin.buffer, sys.stdout.buffer, key, encryption=True, rewind=False)
        sys.stdout.buffer.flush()
    except ValueError as error:
        return complain(NO_STREAM, f"not encrypted with this cipher: {error}")
    return 0


def complain(code: int, found: str) -> int:
    """Prints what was found to standard error. Returns the exit code."""
    print(found, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
