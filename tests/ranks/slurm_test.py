#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ranks on two machines that srun and mpirun start, on a real Slurm on this machine. usage: slurm_test.py TUNE [CASE…]

Exit 77 where Slurm is not installed."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from gang import PATIENCE, Gang, check, checks, expect, wait_for

import slurm_cluster  # gang.py says where it is.

if slurm_cluster.missing():
    print(f"SKIP: ranks on Slurm: there is no Slurm (Debian packages {slurm_cluster.missing()})")
    sys.exit(77)

tune = sys.argv[1]


class Allocation:
    """A job of both nodes, in which nothing of its own runs."""

    def __init__(self, cluster):
        self.environment = cluster.environment
        out = subprocess.run(["salloc", "--no-shell", "-N2", "--ntasks-per-node=3", "--time=5"], env=self.environment, capture_output=True, text=True)
        self.id = out.stderr.split("Granted job allocation ")[1].split()[0]

    def __enter__(self):
        return {**{name: self.environment[name] for name in ("PATH", "SLURM_CONF")}, "SLURM_JOB_ID": self.id, "SLURM_JOBID": self.id, "SLURM_NNODES": "2",
                "SLURM_JOB_NUM_NODES": "2", "SLURM_NODELIST": "n[1-2]", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_TASKS_PER_NODE": "3(x2)"}

    def __exit__(self, *_):
        subprocess.run(["scancel", self.id], env=self.environment)


class Both(Gang):
    """A gang of one rank on n2 and two on n1: not in Slurm's own order."""

    def __init__(self, launch, env):
        super().__init__(tune, launch=launch, ranks=(1, 2), names=["n2", "n1"])
        self.env = env

    def both(self, *what, **more):
        there = self.start(*what, node=1, env=self.env, **more)
        return self.start(*what, node=0, env=self.env, **more), there


def ranks_on_two_machines(env, launch):
    with Both(launch, env) as gang:
        here, there = gang.both()
        said = here.communicate(timeout=PATIENCE)
        expect(f"exit code: {said}", here.returncode, 0)
        expect("the other machine", (there.wait(PATIENCE), *there.communicate()), (0, "", ""))
        gang.check_what_each_rank_sees()
        gang.channel.close()
        for rank, node in ((0, "n2"), (1, "n1"), (2, "n1")) if launch == "srun" else ():
            expect(f"node of rank {rank}", gang.read("seen", rank)["env"]["SLURMD_NODENAME"], node)
    with Both(launch, env) as gang:
        here, there = gang.both("fail", "2", "3")
        there.communicate(timeout=PATIENCE)
        expect("exit code where it failed", there.returncode, 3)
        expect("first rank", gang.first_rank(1), {"rank": 2, "exit": 3})
        # As whoever placed them does. Of a gang that mpirun started Slurm knows its daemons: they fail with it.
        os.killpg(here.pid, signal.SIGTERM)
        here.communicate(timeout=PATIENCE)
        gang.nothing_is_left()
    with Both(launch, env) as gang:
        here, there = gang.both("save")
        gang.all_there()
        for process in (here, there):
            os.killpg(process.pid, signal.SIGTERM)
        expect("exit codes", [process.wait(PATIENCE) for process in (here, there)], [0, 0])
        expect("what ranks heard", [gang.read("heard", rank) for rank in range(3)], [[signal.SIGTERM]] * 3)
    with Both(launch, env) as gang:
        here, there = gang.both("stay")
        gang.all_there()
        there.kill()
        pids = [gang.read("seen", rank)["pid"] for rank in (1, 2)]
        wait_for("the ranks of a machine go with its launcher", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 2)
        here.kill()
    with Gang(tune, launch=launch, ranks=(1, 1), names=["n2", "n1"]) as gang:
        place = gang.start(node=1, env=env)
        time.sleep(0.3)
        os.killpg(place.pid, signal.SIGTERM)
        expect("a place without ranks ends when it is asked to", place.wait(PATIENCE), 0)


def srun_starts_ranks_on_two_machines(env):
    ranks_on_two_machines(env, "srun")


def mpirun_starts_ranks_on_two_machines(env):
    if shutil.which("mpirun"):
        ranks_on_two_machines(env, "mpirun")
    else:
        print("SKIP: ranks started by mpirun in a Slurm allocation: there is no mpirun (Debian package openmpi-bin)")


CASES = [srun_starts_ranks_on_two_machines, mpirun_starts_ranks_on_two_machines]
with tempfile.TemporaryDirectory() as folder, slurm_cluster.Cluster(folder, nodes=2, cpus=4) as cluster:
    for case in [globals()[name] for name in sys.argv[2:]] or CASES:
        began = time.monotonic()
        with Allocation(cluster) as env:
            case(env)
        print(f"{time.monotonic() - began:5.1f} s  {case.__name__.replace('_', ' ')}", flush=True)
print(checks.count, "checks")
