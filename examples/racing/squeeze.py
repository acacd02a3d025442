#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compresses one made-up file with LZMA and says how small it became. By hand: squeeze.py words-1 --lc=3 --pb=2 --match=bt4 --nice=64

What settings are good depends on the data: texts, tables, and numbers of two, four or eight bytes want others each.
"""
import argparse
import lzma
import random
import struct

SIZE = 24000


def words(dice):
    vocabulary = ["".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 9))) for _ in range(400)]
    return " ".join(dice.choices(vocabulary, weights=range(400, 0, -1), k=SIZE // 5)).encode()


def table(dice):
    return "".join(f"{row},{dice.gauss(20, 3):.2f},{dice.choice('NESW')},{dice.randint(0, 9999)}\n" for row in range(SIZE // 20)).encode()


def numbers(dice, form, step):
    value, out = dice.randint(0, 1000), []
    for _ in range(SIZE // struct.calcsize(form)):
        value = (value + dice.randint(-step, step)) % 30000
        out.append(struct.pack(form, value))
    return b"".join(out)


KINDS = {"words": words, "table": table, "short": lambda d: numbers(d, "<h", 40), "int": lambda d: numbers(d, "<i", 300),
         "long": lambda d: numbers(d, "<q", 300)}

parser = argparse.ArgumentParser()
parser.add_argument("instance")
parser.add_argument("--lc", type=int, default=3)
parser.add_argument("--lp", type=int, default=0)
parser.add_argument("--pb", type=int, default=2)
parser.add_argument("--match", default="bt4")
parser.add_argument("--nice", type=int, default=64)
given = parser.parse_args()

data = KINDS[given.instance.split("-")[0]](random.Random(given.instance))
settings = {"id": lzma.FILTER_LZMA2, "lc": given.lc, "lp": given.lp, "pb": given.pb, "nice_len": given.nice,
            "mf": {"hc3": lzma.MF_HC3, "hc4": lzma.MF_HC4, "bt2": lzma.MF_BT2, "bt4": lzma.MF_BT4}[given.match]}
small = lzma.compress(data, format=lzma.FORMAT_RAW, filters=[settings])
print(f'::tune {{"ratio": {len(small) / len(data):.6f}}}')
