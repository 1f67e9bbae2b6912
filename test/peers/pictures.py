"""Makes pictures in all relevant forms of PNG, JPEG, BMP, PPM, TIFF and GIF, and the pixels that Pillow reads from each.

usage: pictures.py FOLDER
Writes FOLDER/NAME, NAME.rgb and NAME.l (in the size of the picture), and NAME.fit.rgb and NAME.fit.l (31 × 19,
Lanczos, horizontal first). Prints JSON: {NAME: Pillow's mode, or null if it refuses the picture}.
"""
import json
import os
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image

folder = sys.argv[1]
random = np.random.default_rng(5)
W, H = 37, 23
FIT = (31, 19)


def write(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def save(name, image, **options):
    image.save(os.path.join(folder, name), **options)


def packed(row, bits):
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype("u1").tobytes()
    text = "".join(format(int(value), f"0{bits}b") for value in row)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def some(most, channels=1):
    """A gradient with noise, [H,W,channels] from 0 to most."""
    y, x = np.mgrid[0:H, 0:W]
    smooth = np.stack([(x * most // W + y * (c + 1) * most // (3 * H)) % (most + 1) for c in range(channels)], -1)
    return np.where(random.random((H, W, channels)) < 0.2, random.integers(0, most + 1, (H, W, channels)), smooth)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, colour, bits, interlaced=False, chunks=()):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    pixels = some(2**bits - 1, channels)
    if colour in (4, 6):
        pixels[:, : W // 3, -1], pixels[:3, :, -1] = 2**bits - 1, 0
    lines = lambda part: b"".join(b"\0" + packed(row.reshape(-1), bits) for row in part)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [pixels[y::down, x::across] for x, y, across, down in passes] if interlaced else [pixels]
    data = zlib.compress(b"".join(lines(part) for part in parts if part.size))
    early = [chunk(*each) for each in chunks if each[0] in (b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"iCCP")]
    late = [chunk(*each) for each in chunks if each[0] not in (b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"iCCP")]
    palette = [chunk(b"PLTE", random.integers(0, 256, (2**bits, 3)).astype("u1").tobytes())] if colour == 3 else []
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, bits, colour, 0, 0, int(interlaced)))
    half = len(data) // 2
    body = [header, *early, *palette, *late, chunk(b"IDAT", data[:half]), chunk(b"IDAT", data[half:]), chunk(b"IEND", b"")]
    write(f"{name}.png", b"\x89PNG\r\n\x1a\n" + b"".join(body))


def pngs():
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for bits in depths:
            png(f"{colour}-{bits}", colour, bits)
            png(f"{colour}-{bits}-adam7", colour, bits, interlaced=True)
            middle = (2**bits - 1) // 2
            key = {0: struct.pack(">H", middle), 2: struct.pack(">HHH", middle, middle, middle), 3: bytes([0, 255, 128, 77][: 2**bits])}
            if colour in key:
                png(f"{colour}-{bits}-trns", colour, bits, chunks=[(b"tRNS", key[colour])])
    ancillary = {
        "gama": lambda colour: [(b"gAMA", struct.pack(">I", 100000)), (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))],
        "srgb": lambda colour: [(b"sRGB", b"\0")],
        "sbit": lambda colour: [(b"sBIT", {0: b"\5", 2: b"\5\6\5", 3: b"\5\6\5", 4: b"\5\5", 6: b"\5\6\5\4"}[colour])],
        "bkgd": lambda colour: [(b"bKGD", {0: b"\0\5", 2: b"\0\5\0\6\0\5", 3: b"\5", 4: b"\0\5", 6: b"\0\5\0\6\0\5"}[colour])],
        "iccp": lambda colour: [(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))],
        "text": lambda colour: [(b"tEXt", b"Comment\0x"), (b"zTXt", b"C\0\0" + zlib.compress(b"x")), (b"tIME", bytes(7)), (b"pHYs", struct.pack(">IIB", 3000, 1000, 1)), (b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"), (b"prVt", b"x")],
    }
    for name, chunks in ancillary.items():
        for colour in (0, 2, 3, 4, 6):
            png(f"{colour}-{name}", colour, 8, chunks=chunks(colour))


def jpegs(photo):
    rgb = np.asarray(photo)
    for name, factor in {"444": 0x111111, "422": 0x211111, "420": 0x221111, "411": 0x411111, "440": 0x121111}.items():
        for progressive in (0, 1):
            for restart in (0, 3):
                options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor, cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
                cv2.imwrite(os.path.join(folder, f"{name}-{progressive}-{restart}.jpg"), rgb[:, :, ::-1], options)
    for size in ((1, 1), (2, 3), (7, 9), (8, 8), (17, 33)):
        for sampling in (0, 1, 2):
            save(f"{size[0]}x{size[1]}-{sampling}.jpg", photo.resize(size), subsampling=sampling)
    save("grey.jpg", photo.convert("L"))
    save("grey-progressive.jpg", photo.convert("L"), progressive=True)
    save("keep-rgb.jpg", photo, keep_rgb=True)
    for sampling in (0, 1, 2):
        save(f"cmyk-{sampling}.jpg", photo.convert("CMYK"), subsampling=sampling)
    orientation = Image.Exif()
    orientation[0x112] = 6
    save("exif.jpg", photo, exif=orientation)
    plain = open(os.path.join(folder, "8x8-0.jpg"), "rb").read()
    for transform in (0, 1):
        write(f"adobe-{transform}.jpg", plain[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + plain[2:])
    ycck = bytearray(open(os.path.join(folder, "cmyk-0.jpg"), "rb").read())
    ycck[ycck.find(b"Adobe") + 11] = 2
    write("ycck.jpg", bytes(ycck))
    write("trailing.jpg", plain + b"junk")


def bmp(name, bits, rows=None, palette=b"", compression=0, masks=b"", header=40, top_down=False, colours=0, runs=None):
    if header == 12:
        dib = struct.pack("<IHHHH", 12, W, H, 1, bits)
    else:
        dib = struct.pack("<IiiHHIIiiII", header, W, -H if top_down else H, 1, bits, compression, 0, 2835, 2835, colours, 0)
        dib, masks = (dib + masks, b"") if header > 40 else (dib, masks)
        dib = dib.ljust(header, b"\0")
    body = runs if runs is not None else b"".join(row + b"\0" * (-len(row) % 4) for row in (rows if top_down else rows[::-1]))
    offset = 14 + len(dib) + len(masks) + len(palette)
    write(f"{name}.bmp", b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + dib + masks + palette + body)


def bmps():
    entries = lambda count, end=b"\0": b"".join(bytes(random.integers(0, 256, 3).tolist()) + end for _ in range(count))
    for bits in (1, 4, 8):
        rows = [packed(row, bits) for row in random.integers(0, 2**bits, (H, W))]
        bmp(f"{bits}", bits, rows, entries(2**bits))
        bmp(f"{bits}-top-down", bits, rows, entries(2**bits), top_down=True)
        bmp(f"{bits}-os2", bits, rows, entries(2**bits, b""), header=12)
    black_white = b"\0\0\0\0\xff\xff\xff\0"
    bmp("1-black-white", 1, [packed(row, 1) for row in random.integers(0, 2, (H, W))], black_white)
    bmp("8-grey", 8, [bytes(row.tolist()) for row in some(255)[:, :, 0]], b"".join(bytes([i, i, i, 0]) for i in range(256)))
    bmp("8-few", 8, [bytes((row % 5).tolist()) for row in some(255)[:, :, 0]], entries(5), colours=5)
    words = [row.astype("<u2").tobytes() for row in random.integers(0, 65536, (H, W))]
    bmp("16", 16, words)
    bmp("16-565", 16, words, compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    bmp("16-odd", 16, words, compression=3, masks=struct.pack("<III", 0xF00, 0xF0, 0xF))
    triples = [row.astype("u1").tobytes() for row in some(255, 3)]
    for header in (12, 40, 64, 108, 124):
        bmp(f"24-{header}", 24, triples, header=header)
    quads = [row.astype("u1").tobytes() for row in some(255, 4)]
    bmp("32", 32, quads)
    for name, masks in {"bgrx": (0xFF0000, 0xFF00, 0xFF), "xbgr": (0xFF000000, 0xFF0000, 0xFF00), "rgbx": (0xFF, 0xFF00, 0xFF0000)}.items():
        bmp(f"32-{name}", 32, quads, compression=3, masks=struct.pack("<III", *masks))
    for header in (56, 108, 124):
        for name, masks in {"bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000), "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000)}.items():
            bmp(f"32-{name}-{header}", 32, quads, compression=3, masks=struct.pack("<IIII", *masks), header=header)
    runs = b"".join(bytes([20, row % 7, 0, 5]) + bytes(range(5)) + b"\0" + bytes([12, 9]) + b"\0\0" for row in range(H))
    bmp("8-runs", 8, palette=entries(256), compression=1, runs=runs + b"\0\1")
    halves = b"".join(bytes([20, (row % 16) << 4 | 3, 0, 5, 0x12, 0x34, 0x50, 0, 12, 0x9A]) + b"\0\0" for row in range(H))
    bmp("4-runs", 4, palette=entries(16), compression=2, runs=halves + b"\0\1")
    bmp("8-runs-short", 8, palette=entries(256), compression=1, runs=b"\5\7\0\0\0\1")


def netpbms():
    size = b"%d %d\n" % (W, H)
    for most in (1, 15, 100, 255, 1000, 65535):
        kind = "u1" if most < 256 else ">u2"
        colour, grey = some(most, 3), some(most)
        write(f"p6-{most}.ppm", b"P6\n# a comment\n" + size + b"%d\n" % most + colour.astype(kind).tobytes())
        write(f"p5-{most}.ppm", b"P5 " + size + b"%d " % most + grey.astype(kind).tobytes())
        write(f"p3-{most}.ppm", b"P3\n" + size + b"%d\n# inner\n" % most + b" ".join(b"%d" % v for v in colour.reshape(-1)))
        write(f"p2-{most}.ppm", b"P2\n" + size + b"%d\n" % most + b"\n".join(b"%d" % v for v in grey.reshape(-1)))
    bits = some(1)[:, :, 0]
    write("p4.ppm", b"P4\n" + size + b"".join(packed(row, 1) for row in bits))
    write("p1.ppm", b"P1\n" + size + "".join(map(str, bits.reshape(-1))).encode())
    write("p6-short.ppm", b"P6\n" + size + b"255\n" + some(255, 3).astype("u1").tobytes()[:-5])
    write("p3-over.ppm", b"P3\n" + size + b"100\n" + b"200 " * (W * H * 3))
    write("p7.ppm", b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\nabcdef")


def others(photo):
    alpha = Image.fromarray(some(255)[:, :, 0].astype("u1"))
    image = photo.resize((W, H))
    for mode in ("RGB", "L", "CMYK", "1", "P"):
        save(f"{mode}.tif", image.convert(mode))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        save(f"{compression}.tif", image, compression=compression)
    for compression in ("group3", "group4"):
        save(f"{compression}.tif", image.convert("1"), compression=compression)
    for orientation in (3, 6, 8):
        save(f"turned-{orientation}.tif", image, tiffinfo={274: orientation})
    clear = image.copy()
    clear.putalpha(alpha)
    save("rgba.tif", clear)
    save("sixteen.tif", Image.fromarray((some(65535)[:, :, 0]).astype("u2")))
    save("p.gif", image.quantize(64))
    save("two.gif", image.convert("1"))
    save("moving.gif", image.quantize(16), save_all=True, append_images=[image.rotate(180).quantize(16)])


def reference(name):
    path = os.path.join(folder, name)
    try:
        image = Image.open(path)
        mode = image.mode
        image.load()
    except Exception:
        return None
    premultiplied = {"RGBA": "RGBa", "LA": "La"}.get(mode, mode)
    fit = image.convert(premultiplied).resize((FIT[0], image.height), Image.LANCZOS).resize(FIT, Image.LANCZOS).convert(mode)
    for end, each in (("", image), (".fit", fit)):
        np.asarray(each.convert("RGB")).tofile(f"{path}{end}.rgb")
        np.asarray(each.convert("L")).tofile(f"{path}{end}.l")
    return mode


photo = Image.fromarray(some(255, 3).astype("u1")).resize((101, 67), Image.BICUBIC)
pngs(), jpegs(photo), bmps(), netpbms(), others(photo)
print(json.dumps({name: reference(name) for name in sorted(os.listdir(folder))}))
