#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same experiment on a real Ray on this machine, nothing changed but `executor`, and one of trials with ranks. usage: ray_test.py TUNE. Exit 77 where there is none."""
import os
import sys
import tempfile
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "engines")]
import ray_cluster  # noqa: E402
from gangs import all_checks, begun, gangs  # noqa: E402
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


def executor(cluster, **more):
    return {"type": "ray", "address": f"http://127.0.0.1:{cluster.dashboard}", "token_file": cluster.token, "names": ["127.0.0.1"],
            "per_agent": {"cpu": 2}, "max_agents": 2, **more}


def the_same_config_runs_on_ray(cluster):
    with World(sys.argv[1], executor=executor(cluster), stop={"trials": 12}) as world:
        world.finish(world.sweep(), seconds=300)
        world.check_nothing_lost()
        world.check_never_two_at_once()
        expect("trials", len(world.lives()), 12)
        check("every agent is of an allocation", all(body["allocation"] for _, body in world.facts("WorkerJoined")))


def ranks_on_two_agents_of_a_placement_group_meet_and_step_together(cluster):
    with gangs(4, executor=executor(cluster, agents_each=2), stop={"trials": 3}) as world:
        world.finish(world.sweep(), seconds=300)
        all_checks(world, 3, 4)
        agents = {body["allocation"] for _, body in world.facts("WorkerJoined")}
        expect("allocations", len(agents), 1)
        expect("nodes of a trial", {line[9] for line in begun(world)}, {"0", "1"})


with tempfile.TemporaryDirectory() as folder:
    cluster = ray_cluster.Cluster(folder)
    try:
        cluster.start(lambda: answers(cluster))
        for test in (the_same_config_runs_on_ray, ranks_on_two_agents_of_a_placement_group_meet_and_step_together):
            test(cluster)
            print("ok", test.__name__.replace("_", " "), flush=True)
        print(checks.count, "checks")
    finally:
        cluster.kill()
