#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Softmax regression on handwritten digits, in plain Python. By hand: train.py --rate=0.1 --momentum=0.5 --decay=0.001

tune.py lies beside it; the build copies it here from ui/python.
"""
import argparse
import math
import os
import random

import tune


def read_images(path):
    """Pairs of a digit and its 64 pixels in [0, 1], with a 1 in front for the bias."""
    with open(path) as file:
        return [(int(line[0]), [1.0] + [(ord(c) - ord("A")) / 16 for c in line[2:66]]) for line in file if line[0] != "#"]


def scores(weights, pixels):
    return [sum(w * x for w, x in zip(row, pixels)) for row in weights]


def train(images, weights, speed, options):
    """One epoch of stochastic gradient descent with momentum, one image at a time."""
    for digit, pixels in images:
        s = scores(weights, pixels)
        top = max(s)
        exps = [math.exp(v - top) for v in s]
        total = sum(exps)
        for k, (row, speeds) in enumerate(zip(weights, speed)):
            error = exps[k] / total - (k == digit)
            for i, x in enumerate(pixels):
                if x:
                    speeds[i] = options.momentum * speeds[i] - options.rate / 10 * (error * x + options.decay * row[i])
                    row[i] += speeds[i]


def main():
    parser = argparse.ArgumentParser()
    for name in ("rate", "momentum", "decay"):
        parser.add_argument("--" + name, type=float, required=True)
    options = parser.parse_args()

    images = read_images(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits", "digits.txt"))
    images, test = images[:300], images[1200:1500]
    weights = [[0.0] * 65 for _ in range(10)]
    speed = [[0.0] * 65 for _ in range(10)]
    for epoch in range(1, 10):
        random.Random(epoch).shuffle(images)
        train(images, weights, speed, options)
        wrong = sum(max(range(10), key=scores(weights, pixels).__getitem__) != digit for digit, pixels in test)
        if not tune.connected():
            print(epoch, wrong / len(test))
        if tune.report(epoch, error=wrong / len(test)).stop:
            break


if __name__ == "__main__":
    main()
