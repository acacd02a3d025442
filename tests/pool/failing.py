# SPDX-License-Identifier: Apache-2.0
"""What the tests of failures have in common: short leases, what is waited for, what must hold whatever happened, and how
their cases are named and run."""
import argparse
import os
import sys
import time

from network import Namespaces, Network
from world import World, check, checks

LEASE, GRACE, SILENCE = 2, 0.5, 4.5  # Seconds; the last: after which trials are given away.

parser = argparse.ArgumentParser()
parser.add_argument("tune")
parser.add_argument("--rounds", type=int, default=6)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--case", action="append", dest="cases", default=[])
parser.add_argument("--wire", choices=("proxy", "namespaces"), default="proxy")
options = parser.parse_args()
Wire = Namespaces if options.wire == "namespaces" else Network
if options.wire == "namespaces" and Namespaces.missing():
    print(f"SKIP: cuts of a real wire: {Namespaces.missing()}")
    sys.exit(77)


def quick(executor=(), **more):
    return World(options.tune, **{"executor": {"lease": f"{LEASE}s", **dict(executor)}, "shutdown": {"grace": f"{int(GRACE * 1000)}ms"}, **more})


def acknowledged(world, more_than):
    world.until(f"{more_than} reports are acknowledged", lambda: len(world.ledger_lines("acknowledged")) > more_than)


def saved(world, step, trials=2):
    """Checkpoints are committed a while after their reports."""
    world.until(f"step {step} is saved", lambda: len({body["trial"] for _, body in world.facts("Checkpointed") if body["step"] >= step}) == trials)


def both_checks(world):
    world.check_never_two_at_once()
    world.check_nothing_lost()
    world.check_in_order()


def begun_again(world, attempt=2):
    return [line for line in world.ledger_lines("begin") if line[1] == attempt]


def elsewhere(world, name):
    return ["--own-disk", "--folder", os.path.join(world.folder, name)]


def run(cases, named):
    for case in [named[name] for name in options.cases] or cases:
        began = time.monotonic()
        case()
        print("ok", case.__name__.replace("_", " "), f"({time.monotonic() - began:.1f} s)", flush=True)
    print(checks.count, "checks")
