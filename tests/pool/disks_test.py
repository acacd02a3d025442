#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents with disks of their own: checkpoints travel, and uploads that are cut and disks that are full leave the older ones as
they are. usage: disks_test.py TUNE [--case NAME]…. Exit 77 where no file system can be mounted."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import acknowledged, begun_again, both_checks, elsewhere, quick, run, saved  # noqa: E402
from network import Network  # noqa: E402
from world import boot_time, check, expect  # noqa: E402


def whole(world, ballast):
    """What is among the coordinator's checkpoints is told of, and complete."""
    folder = world.store + ".d/checkpoints"
    kept = sorted(name for name in os.listdir(folder) if len(name) == 64)
    check("some are kept", kept)
    check("each is told of", set(kept) <= {body["checkpoint"] for _, body in world.facts("Checkpointed")})
    for name in kept:
        files = [json.load(open(os.path.join(folder, name, file))) for file in os.listdir(os.path.join(folder, name)) if file != "manifest.json"]
        expect("its size", [len(one["ballast"]) for one in files], [ballast])


class SmallDisk:
    """A file system of a few MiB that can be filled to the last byte."""

    def __init__(self, world, path, size="12m"):
        os.makedirs(path, mode=0o700, exist_ok=True)
        self.filler = os.path.join(path, "filler")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tune-test", path], check=True, capture_output=True)
        world.at_end.append(lambda: subprocess.run(["umount", "--lazy", path], check=True))

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        os.remove(self.filler)


def no_mounts():
    """Why no file system can be mounted; empty: it can."""
    with quick() as world:
        try:
            SmallDisk(world, os.path.join(world.folder, "probe"))
        except subprocess.CalledProcessError as refused:
            return refused.stderr.decode().strip()
    return ""


def a_checkpoint_travels_to_an_agent_with_another_disk_and_logs_come_home():
    with quick(steps=60, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first", flags=elsewhere(world, "disk-1"))
        saved(world, 5)
        world.agent("second", flags=elsewhere(world, "disk-2"))
        world.until("the second agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        first.kill()
        first.wait()
        shutil.rmtree(os.path.join(world.folder, "disk-1"))
        world.until("they began again", lambda: len(begun_again(world)) == 2)
        check("from their checkpoints", all(line[5] > 5 for line in begun_again(world)))
        world.finish(sweep)
        both_checks(world)
        for n in range(2):
            check(f"the log of trial {n} is here", f"away/{n} 2 began" in world.cli("logs", str(n)))
        check("each has its own disk", os.listdir(os.path.join(world.folder, "disk-2", "checkpoints")))


def half_an_upload_leaves_no_half_checkpoint():
    with quick(executor={"lease": "6s"}, steps=6, pause=0.2, env={"BALLAST": "3000000"}, stop={"trials": 1}) as world:
        sweep = world.sweep()
        network = Network(world)
        network.agent("far", flags=elsewhere(world, "disk"))
        for _ in range(3):
            acknowledged(world, len(world.ledger_lines("acknowledged")))
            network.most = network.passed + 1_000_000
            world.until("an upload broke", lambda: network.most is None)
        world.finish(sweep)
        expect("attempts", list(world.lives()), [("away/0", 1)])
        both_checks(world)
        whole(world, 3_000_000)


def while_a_disk_is_full(where, **more):
    """Trials save a MiB at a step. Ends once they went on, on another agent, from what they had saved before there was no room."""
    with quick(steps=16, pause=0.2, env={"BALLAST": "1000000"}, stop={"trials": 2}, **more) as world:
        os.makedirs(world.store + ".d", mode=0o700)
        disk = SmallDisk(world, os.path.join(world.folder, where))
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first", flags=elsewhere(world, "disk"))
        saved(world, 3)
        yield world, disk
        first.kill()
        died = boot_time()
        world.until("it is lost", lambda: world.facts("WorkerLost"))
        last = {trial: max(body["step"] for _, body in world.facts("Checkpointed") if body["trial"] == trial) for trial in (0, 1)}
        world.agent("second", flags=elsewhere(world, "another-disk"))
        again = lambda: {line[0]: line[5] for line in world.ledger_lines("begin") if line[3] > died}  # noqa: E731
        world.until("both began again", lambda: len(again()) == 2)
        expect("where they began", again(), {f"away/{trial}": step + 1 for trial, step in last.items()})
        disk.empty()
        world.finish(sweep)
        world.expect_states({"complete": 2})
        both_checks(world)
        whole(world, 1_000_000)


def while_the_coordinators_disk_is_full_no_checkpoint_counts_and_the_older_ones_do():
    for world, disk in while_a_disk_is_full("tune.db.d/checkpoints"):
        told = lambda: {body["subject"] for _, body in world.facts("Warned") if "disk is full" in body["text"]}  # noqa: E731
        world.until("both are told", lambda: disk.fill() or len(told()) == 2)


def while_the_agents_disk_is_full_no_checkpoint_counts_and_the_older_ones_do():
    for world, disk in while_a_disk_is_full("disk", retry={"max": 100, "backoff": "300ms", "on": ["exit"]}):
        failed = lambda: {body["trial"] for _, body in world.facts("Exited") if body["cause"] in ("exit", "disk")}  # noqa: E731
        world.until("both failed, by their own writes or by ours", lambda: disk.fill() or len(failed()) == 2)


cases = [a_checkpoint_travels_to_an_agent_with_another_disk_and_logs_come_home, half_an_upload_leaves_no_half_checkpoint]
refused = no_mounts()
if not refused:
    cases += [while_the_coordinators_disk_is_full_no_checkpoint_counts_and_the_older_ones_do, while_the_agents_disk_is_full_no_checkpoint_counts_and_the_older_ones_do]
run(cases, globals())
if refused:
    print(f"SKIP: full disks: {refused}")
    sys.exit(77)
