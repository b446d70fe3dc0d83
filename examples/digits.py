#!/usr/bin/env python3
"""Draws digits: 5 x 7 glyphs, shifted, blurred and noisy, on 8 x 8 pixels. Writes x.npy (float32
[2000, 64]) and label.npy (int32 [2000]) into the folder given. Standard library only."""
import os, random, struct, sys

GLYPHS = """
01110 10001 10011 10101 11001 10001 01110 / 00100 01100 00100 00100 00100 00100 01110 /
01110 10001 00001 00010 00100 01000 11111 / 11111 00010 00100 00010 00001 10001 01110 /
00010 00110 01010 10010 11111 00010 00010 / 11111 10000 11110 00001 00001 10001 01110 /
00110 01000 10000 11110 10001 10001 01110 / 11111 00001 00010 00100 01000 01000 01000 /
01110 10001 10001 01110 10001 10001 01110 / 01110 10001 10001 01111 00001 00010 01100
"""


def draw(glyph, rng):
    left, top = rng.randint(0, 3), rng.randint(0, 1)
    page = [[0.0] * 8 for _ in range(8)]
    for y, row in enumerate(glyph):
        for x, dot in enumerate(row):
            if dot == "1":
                page[top + y][left + x] = 1.0
    blur = rng.uniform(0.0, 0.3)
    out = []
    for y in range(8):
        for x in range(8):
            near = [page[j][i] for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
                    if 0 <= j < 8 and 0 <= i < 8]
            out.append((1 - blur) * page[y][x] + blur * sum(near) / 4 + rng.gauss(0, 0.35))
    return out


def npy(path, kind, shape, data):
    """The .npy format, version 1.0: magic, header length, a literal dictionary padded to 64 bytes."""
    header = "{'descr': '<%s', 'fortran_order': False, 'shape': (%s), }" % (kind, "".join("%d, " % n for n in shape))
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def main():
    folder = sys.argv[1] if len(sys.argv) == 2 else sys.exit("usage: digits.py FOLDER")
    glyphs = [g.split() for g in GLYPHS.split("/")]
    rng, count = random.Random(7), 2000
    labels = [i % 10 for i in range(count)]
    pixels = [p for label in labels for p in draw(glyphs[label], rng)]
    os.makedirs(folder, exist_ok=True)
    npy(os.path.join(folder, "x.npy"), "f4", (count, 64), struct.pack("<%df" % len(pixels), *pixels))
    npy(os.path.join(folder, "label.npy"), "i4", (count,), struct.pack("<%di" % count, *labels))


main()
