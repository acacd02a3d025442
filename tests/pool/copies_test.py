# SPDX-License-Identifier: Apache-2.0
"""Copies of trials on a machine that has become slow (executor.speculate). usage: copies_test.py TUNE [CASE...]"""
import json
import sys
import time

from world import World, check, checks, expect

tune = sys.argv[1]


def two_agents(slower, **more):
    """Trials take half a second with `fast`, and so many times as long with `slow`."""
    world = World(tune, steps=5, pause=0.1, executor={"speculate": True, **more.pop("executor", {})}, **more)
    sweep = world.sweep()
    world.join_file()
    return world, sweep, world.agent("fast", "cpu=1"), world.agent("slow", "cpu=1", env={"SLOW": str(slower)})


def a_copy_on_another_machine_ends_first_and_counts():
    world, sweep, _, _ = two_agents(slower=100)
    with world:
        began = time.monotonic()
        world.finish(sweep)
        check("nobody waited for the slow one", time.monotonic() - began < 40)
        expect("states", world.states(), {"complete": 8})
        copies = world.facts("Speculate")
        check(f"the slow trial got a copy: {copies}", len(copies) == 1)
        trial, attempt = copies[0][1]["trial"], copies[0][1]["attempt"]
        expect("its attempt was overtaken", [(body["trial"], body["attempt"]) for _, body in world.facts("Exited") if body["cause"] == "overtaken"], [(trial, attempt - 1)])
        expect("the copy took its place", [body["attempt"] for _, body in world.facts("Launch") if body["trial"] == trial], [attempt - 1, attempt])
        check("the slow program did not come to its end", ("away/%d" % trial, attempt - 1) not in {(one[0], one[1]) for one in world.ledger_lines("end")})
        world.check_nothing_lost()
        world.cli("fsck")
        check("it is told why", "copy" in world.cli("explain", "away/%d" % trial))


def a_copy_goes_on_as_the_trial_when_the_machine_of_its_attempt_dies():
    world, sweep, fast, slow = two_agents(slower=1000)
    with world:
        world.until("the slow trial has a copy", lambda: world.facts("Speculate"))
        expect("what is taken of each worker", [one["used"] for one in json.loads(world.cli("workers", "-o", "json"))["workers"]], [1, 1])
        slow.kill()
        world.finish(sweep)
        expect("states", world.states(), {"complete": 8})
        world.check_nothing_lost()


for case in sys.argv[2:] or [a_copy_on_another_machine_ends_first_and_counts, a_copy_goes_on_as_the_trial_when_the_machine_of_its_attempt_dies]:
    case = globals()[case] if isinstance(case, str) else case
    case()
    print("ok", case.__name__.replace("_", " "), flush=True)
print(checks.count, "checks")
