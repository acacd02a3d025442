#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network that tells two rings apart, in plain Python, and that can be paused: it saves its weights when asked and goes on
from them. By hand: train.py --rate=0.3 --hidden=8 --decay=0.0001

tune.py lies beside it; the build copies it here from ui/python.
"""
import argparse
import json
import math
import os
import random

import tune

EPOCHS = 27


def rings(count, seed):
    """Points of an inner and an outer ring, blurred so that they touch: (x, y, which)."""
    dice = random.Random(seed)
    points = []
    for i in range(count):
        which = i % 2
        angle, radius = dice.uniform(0, 2 * math.pi), dice.gauss(0.5 + 0.5 * which, 0.15)
        points.append((radius * math.cos(angle), radius * math.sin(angle), which))
    return points


class Network:
    def __init__(self, hidden, seed):
        dice = random.Random(seed)
        self.inner = [[dice.gauss(0, 1) for _ in range(3)] for _ in range(hidden)]
        self.outer = [0.0] * (hidden + 1)

    def layers(self, x, y):
        hidden = [math.tanh(a * x + b * y + c) for a, b, c in self.inner] + [1.0]
        score = sum(w * h for w, h in zip(self.outer, hidden))
        return hidden, 1 / (1 + math.exp(-max(-30, min(30, score))))

    def train(self, points, rate, decay):
        for x, y, which in points:
            hidden, p = self.layers(x, y)
            error = p - which
            for k, row in enumerate(self.inner):
                slope = error * self.outer[k] * (1 - hidden[k] ** 2)
                for i, value in enumerate((x, y, 1.0)):
                    row[i] -= rate * (slope * value + decay * row[i])
            self.outer = [w - rate * (error * h + decay * w) for w, h in zip(self.outer, hidden)]

    def loss(self, points):
        chances = ((self.layers(x, y)[1], which) for x, y, which in points)
        return -sum(math.log(max(p if which else 1 - p, 1e-9)) for p, which in chances) / len(points)


def save(network, epoch):
    """Each checkpoint under a new name; handed over, it is not ours any more."""
    folder = tune.checkpoint_folder()
    if folder is None:
        return
    name = f"epoch-{epoch}.json"
    with open(os.path.join(folder, name), "w") as file:
        json.dump({"epoch": epoch, "inner": network.inner, "outer": network.outer}, file)
    tune.saved(epoch, name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--decay", type=float, required=True)
    options = parser.parse_args()

    network, done = Network(options.hidden, tune.seed(1)), 0
    if tune.restore():
        with open(tune.restore()) as file:
            saved = json.load(file)
        network.inner, network.outer, done = saved["inner"], saved["outer"], saved["epoch"]

    points, test = rings(200, seed=1), rings(200, seed=2)
    for epoch in range(done + 1, EPOCHS + 1):
        network.train(points, options.rate, options.decay)
        loss = network.loss(test)
        if not tune.connected():
            print(epoch, loss)
        answer = tune.report(epoch, loss=loss)
        if answer.save:
            save(network, epoch)
        if answer.stop:
            break


if __name__ == "__main__":
    main()
