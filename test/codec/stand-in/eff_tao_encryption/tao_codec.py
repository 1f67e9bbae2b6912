"""
The interface that NVIDIA documents for encrypt_stream and decrypt_stream: a 16-byte nonce, then as many bytes as the input
has, without an integrity check, 1024 bytes at a time; TypeError or ValueError for an invalid key, cipher or stream.
Stricter than the real package: a key must be bytes, not text.
"""

import hashlib
import os

NONCE, PIECE = 16, 1024


def encrypt_stream(input_stream, output_stream, passphrase, encryption="Random", rewind=True):
    nonce = os.urandom(NONCE)
    _check(passphrase, encryption, rewind, input_stream)
    output_stream.write(nonce)
    _convert(input_stream, output_stream, _derived(passphrase), nonce)


def decrypt_stream(input_stream, output_stream, passphrase, encryption, rewind=True):
    _check(passphrase, encryption, rewind, input_stream)
    nonce = input_stream.read(NONCE)
    if len(nonce) != NONCE:
        raise ValueError(f"Invalid nonce size ({len(nonce)}) for CTR.")
    _convert(input_stream, output_stream, _derived(passphrase), nonce)


def _check(passphrase, encryption, rewind, input_stream):
    if not isinstance(passphrase, bytes):
        raise TypeError("passphrase must be passed as a byte object")
    if encryption is not True:
        raise TypeError("the files of TLT have encryption=True")
    if rewind:
        input_stream.seek(0)


def _derived(passphrase):
    return hashlib.pbkdf2_hmac("sha256", passphrase, b"stand-in", 10)


def _convert(input_stream, output_stream, key, nonce):
    counter = 0
    while piece := input_stream.read(PIECE):
        pad = hashlib.shake_128(key + nonce + counter.to_bytes(8, "big")).digest(len(piece))
        mixed = int.from_bytes(piece, "big") ^ int.from_bytes(pad, "big")
        output_stream.write(mixed.to_bytes(len(piece), "big"))
        counter += 1
