#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A perceptron on handwritten digits with PyTorch's DistributedDataParallel, over Gloo. By hand: train.py --lr=0.1 --width=32

The ranks find one another by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as tune, torchrun and others set them; without
these it is one rank. tune.py lies beside it; the build copies it here from ui/python.
"""
import argparse
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import tune


def read_images(path):
    with open(path) as file:
        lines = [line for line in file if line[0] != "#"]
    pixels = torch.tensor([[(ord(c) - ord("A")) / 16 for c in line[2:66]] for line in lines])
    return pixels, torch.tensor([int(line[0]) for line in lines])


def answer_for_all(answer):
    """What rank 0 was answered, in all ranks: if they did not stop together, some would wait for the others for ever."""
    stop = torch.tensor([int(answer.stop)])
    dist.broadcast(stop, src=0)
    return bool(stop)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    options = parser.parse_args()

    torch.set_num_threads(1)
    for name, alone in (("RANK", "0"), ("WORLD_SIZE", "1"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "0")):
        os.environ.setdefault(name, alone)
    dist.init_process_group("gloo", init_method="env://")
    rank, size = dist.get_rank(), dist.get_world_size()

    torch.manual_seed(tune.seed(1))
    pixels, digits = read_images(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "digits", "digits.txt"))
    train, test = slice(0, 1440), slice(1440, None)
    network = DistributedDataParallel(torch.nn.Sequential(torch.nn.Linear(64, options.width), torch.nn.ReLU(), torch.nn.Linear(options.width, 10)))
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=options.lr, momentum=0.9)
    for epoch in range(1, options.epochs + 1):
        # The same order in every rank, of which each takes its share of every batch.
        for batch in torch.randperm(1440, generator=torch.Generator().manual_seed(epoch)).split(32):
            share = batch[rank::size]
            optimizer.zero_grad()
            loss_of(network(pixels[train][share]), digits[train][share]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = loss_of(network.module(pixels[test]), digits[test])
        if rank == 0 and not tune.connected():
            print(epoch, float(loss))
        if answer_for_all(tune.report(epoch, loss=loss)):
            break
    # First, or it would be the last to hold the group, and may then wait for ever for a thread that waits for the interpreter's lock.
    del network
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
