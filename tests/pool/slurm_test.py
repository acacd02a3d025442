#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same experiment on a real Slurm on this machine, nothing changed but `executor`. usage: slurm_test.py TUNE. Exit 77 where Slurm is not installed."""
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "engines")]
import slurm_cluster  # noqa: E402
from gangs import all_checks, begun, gangs  # noqa: E402
from world import World, check, checks, expect  # noqa: E402

if slurm_cluster.missing():
    print(f"SKIP: trials on Slurm: there is no Slurm (Debian packages {slurm_cluster.missing()})")
    sys.exit(77)

tune = sys.argv[1]
SLURM = {"type": "slurm", "names": ["127.0.0.1"], "per_agent": {"cpu": 3, "memory": "512MiB"}, "max_agents": 2, "lease": "3s"}


def jobs(cluster):
    return subprocess.run(["squeue", "-h", "-o", "%i %T"], env=cluster.environment, capture_output=True, text=True).stdout.split("\n")[:-1]


def the_same_config_runs_on_slurm(cluster):
    with World(tune, executor=SLURM, stop={"trials": 12}, env_inherit="none") as world:
        world.finish(world.sweep(env=cluster.environment))
        world.check_nothing_lost()
        world.check_never_two_at_once()
        expect("trials", len(world.lives()), 12)
        nodes = {body["name"] for _, body in world.facts("WorkerJoined")}
        check(f"agents are called as their nodes: {nodes}", nodes and nodes <= {"n1", "n2"})
        asked = [body for _, body in world.facts("Allocate")]
        check("every allocation was decided before", asked and {body["allocation"] for _, body in world.facts("AllocationChanged")} <= {a["allocation"] for a in asked})
        world.until("no job is left", lambda: not [job for job in jobs(cluster) if "COMPLETING" not in job], 20)


def a_dead_node_costs_a_lease_and_no_result(cluster):
    with World(tune, executor={**SLURM, "min_agents": 2}, steps=30, pause=0.2, stop={"trials": 4}, shutdown={"grace": "1s"}, env_inherit="none") as world:
        sweep = world.sweep(env=cluster.environment)
        world.until("trials run on both nodes", lambda: len({body["worker"] for _, body in world.facts("Started")}) == 2 and len(world.ledger_lines("acknowledged")) > 16)
        cluster.kill_node("n1")
        world.finish(sweep, seconds=180)
        world.check_nothing_lost()
        world.check_never_two_at_once()
        lost = [body for _, body in world.facts("Exited") if body["cause"] == "lost"]
        check("its trials were given away", len(lost) > 0)


def ranks_on_two_nodes_of_one_job_meet_and_step_together(cluster):
    executor = {**SLURM, "per_agent": {"cpu": 2, "memory": "512MiB"}, "agents_each": 2}
    with gangs(4, executor=executor, stop={"trials": 3}, resources={"memory": "64MiB"}, env_inherit="none") as world:
        world.finish(world.sweep(env=cluster.environment))
        all_checks(world, 3, 4)
        expect("jobs", len(world.facts("Allocate")), 1)
        expect("ranks of each node", {line[9] for line in begun(world)}, {"0", "1"})
        world.until("no job is left", lambda: not [job for job in jobs(cluster) if "COMPLETING" not in job], 20)


def what_slurm_can_never_give_is_told_in_its_own_words(cluster):
    with World(tune, executor={**SLURM, "per_agent": {"cpu": 99}}, stop={"trials": 2}) as world:
        sweep = world.sweep(env=cluster.environment)
        world.until("the refusal is recorded", lambda: any("not available" in body.get("reason", "") for _, body in world.facts("AllocationChanged")))
        world.until("status says so, too", lambda: "no agent is here, and the last allocation that was asked for failed: " in world.cli("status"))
        sweep.send_signal(2)
        sweep.wait(timeout=30)


world_folder = __import__("tempfile").TemporaryDirectory()
with slurm_cluster.Cluster(world_folder.name, nodes=2, cpus=4) as slurm:
    for case in sys.argv[2:] or [the_same_config_runs_on_slurm, ranks_on_two_nodes_of_one_job_meet_and_step_together, a_dead_node_costs_a_lease_and_no_result, what_slurm_can_never_give_is_told_in_its_own_words]:
        case = globals()[case] if isinstance(case, str) else case
        case(slurm)
        print("ok", case.__name__.replace("_", " "), flush=True)
print(checks.count, "checks")
