#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""200 trials that sleep a second, on a real Slurm of 3 nodes with 16 slots each, from the first agent's hello to the end.
The ideal is 200 / 48 rounds of a second: 5 s. usage: slurm.py TUNE"""
import os
import sqlite3
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "..", "tests", part) for part in ("pool", "engines")]
import slurm_cluster  # noqa: E402
from world import World  # noqa: E402

if slurm_cluster.missing():
    sys.exit(f"there is no Slurm (Debian packages {slurm_cluster.missing()})")

EXECUTOR = {"type": "slurm", "names": ["127.0.0.1"], "per_agent": {"cpu": 16, "memory": "2GiB"}, "agents_each": 3, "max_agents": 3, "min_agents": 3}
with tempfile.TemporaryDirectory() as folder, slurm_cluster.Cluster(folder, nodes=3, cpus=16, memory=4096, logins=True) as cluster:
    with World(sys.argv[1], executor=EXECUTOR, stop={"trials": 200}) as world:
        del world.config["checkpoint"]
        world.config["command"] = ["sh", "-c", "sleep 1; echo '::tune {\"step\":1,\"loss\":1}'"]
        world.config["report"] = {"channel": "stdout"}
        world.finish(world.sweep(env=cluster.environment))
        with sqlite3.connect(world.store) as db:
            first = db.execute("SELECT min(at) FROM facts WHERE kind = 'WorkerJoined'").fetchone()[0]
            last = db.execute("SELECT max(at) FROM facts WHERE kind = 'Exited'").fetchone()[0]
            done = db.execute("SELECT count(*) FROM facts WHERE kind = 'Exited'").fetchone()[0]
        load = os.getloadavg()[0]
        print(f"slurm {done} trials of 1 s on 3 x 16 slots: {last - first:.2f} s, ideal 5.00 s, ratio {(last - first) / 5:.2f} (load {load:.1f})")
