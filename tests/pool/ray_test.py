#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same experiment on a real Ray on this machine, nothing changed but `executor`. usage: ray_test.py TUNE. Exit 77 where there is none."""
import os
import sys
import tempfile
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "engines")]
import ray_cluster  # noqa: E402
from world import World, check, checks, expect  # noqa: E402

if not ray_cluster.program:
    print("SKIP: trials on Ray: " + ray_cluster.MISSING)
    sys.exit(77)


def answers(cluster):
    request = urllib.request.Request(f"http://127.0.0.1:{cluster.dashboard}/api/version", headers={"Authorization": "Bearer " + open(cluster.token).read()})
    try:
        return urllib.request.urlopen(request, timeout=2).status == 200
    except OSError:
        return False


def the_same_config_runs_on_ray(cluster):
    ray = {"type": "ray", "address": f"http://127.0.0.1:{cluster.dashboard}", "token_file": cluster.token, "names": ["127.0.0.1"],
           "per_agent": {"cpu": 2}, "max_agents": 2}
    with World(sys.argv[1], executor=ray, stop={"trials": 12}) as world:
        world.finish(world.sweep(), seconds=300)
        world.check_nothing_lost()
        world.check_never_two_at_once()
        expect("trials", len(world.lives()), 12)
        check("every agent is of an allocation", all(body["allocation"] for _, body in world.facts("WorkerJoined")))


with tempfile.TemporaryDirectory() as folder:
    cluster = ray_cluster.Cluster(folder)
    try:
        cluster.start(lambda: answers(cluster))
        the_same_config_runs_on_ray(cluster)
        print("ok the same config runs on ray", checks.count, "checks")
    finally:
        cluster.kill()
