#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a real Slurm does to an experiment: nodes that die and freeze, a controller that is away, jobs that end, wait and
never call home. usage: slurm_failures_test.py TUNE [nodes|controller|jobs|CASE…]. Exit 77 where Slurm is not installed."""
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "engines")]
import slurm_cluster  # noqa: E402
from world import World, alive, check, checks, expect  # noqa: E402

if slurm_cluster.missing():
    print(f"SKIP: failures on Slurm: there is no Slurm (Debian packages {slurm_cluster.missing()})")
    sys.exit(77)

tune = sys.argv[1]
SLURM = {"type": "slurm", "names": ["127.0.0.1"], "per_agent": {"cpu": 3, "memory": "512MiB"}, "min_agents": 1, "max_agents": 3, "lease": "2s"}


def on_slurm(executor=(), **more):
    config = {"steps": 40, "pause": 0.1, "stop": {"trials": 2}, "shutdown": {"grace": "500ms"}, **more}
    world = World(tune, executor={**SLURM, **dict(executor)}, **config)
    world.patience = 120
    return world


def slurm(cluster, *words):
    done = subprocess.run(words, env=cluster.environment, capture_output=True, text=True)
    expect(f"exit code of {' '.join(words)}: {done.stderr}", done.returncode, 0)
    return done.stdout.strip()


def jobs(cluster):
    return slurm(cluster, "squeue", "-h", "-o", "%i").split()


def acknowledged(world, more_than):
    world.until(f"{more_than} reports are acknowledged", lambda: len(world.ledger_lines("acknowledged")) > more_than)


def saved(world, step):
    world.until(f"step {step} is saved", lambda: any(body["step"] >= step for _, body in world.facts("Checkpointed")))


def changes(world, *states):
    return [body for _, body in world.facts("AllocationChanged") if body["state"] in states]


def begun_again(world):
    return [line for line in world.ledger_lines("begin") if line[1] > 1]


def stop_all(world, trials):
    for trial in range(trials):
        world.cli("stop", str(trial))


def end_checks(world, cluster, **states):
    world.expect_states(states or {"complete": 2})
    world.check_never_two_at_once()
    world.check_nothing_lost()
    world.until("no job is left", lambda: not jobs(cluster), 20)


def node_of_the_first(world):
    world.until("an agent is here", lambda: world.facts("WorkerJoined"))
    return world.facts("WorkerJoined")[0][1]["name"]


# --- nodes ---------------------------------------------------------------------------------------------------------------


def when_a_node_dies_trials_go_on_elsewhere_before_slurm_says_a_word(cluster):
    with on_slurm() as world:
        sweep = world.sweep(env=cluster.environment)
        saved(world, 5)
        cluster.kill_node(node_of_the_first(world))
        world.until("both began again", lambda: len({line[0] for line in begun_again(world)}) == 2)
        check("from their checkpoints", all(line[5] > 1 for line in begun_again(world)))
        said = [kind for kind, body in world.facts("Allocate", "AllocationChanged") if kind == "Allocate" or body["state"] == "lost"]
        expect("what came first: a new allocation, or Slurm's word", said[:2], ["Allocate", "Allocate"])
        world.finish(sweep, seconds=300)
        end_checks(world, cluster)


def an_agent_whose_slurmd_dies_is_believed_and_not_slurm(cluster):
    with on_slurm(steps=100_000) as world:
        sweep = world.sweep(env=cluster.environment)
        acknowledged(world, 5)
        node = node_of_the_first(world)
        cluster.orphan_node(node)
        world.until("Slurm gave the job up", lambda: changes(world, "lost"))
        acknowledged(world, len(world.ledger_lines("acknowledged")) + 20)
        stop_all(world, 2)
        world.finish(sweep, seconds=300)
        expect("attempts", sorted(world.lives()), [("away/0", 1), ("away/1", 1)])
        end_checks(world, cluster, stopped=2)


def what_a_thawed_node_says_counts_for_nothing(cluster):
    with on_slurm(steps=60) as world:
        sweep = world.sweep(env=cluster.environment)
        saved(world, 5)
        pids = {line[2] for line in world.ledger_lines("begin")}
        node = node_of_the_first(world)
        cluster.freeze_node(node)
        world.until("both began again", lambda: len({line[0] for line in begun_again(world)}) == 2)
        cluster.thaw_node(node)
        world.until("the old copies are gone", lambda: not any(alive(pid) for pid in pids), 10)
        world.finish(sweep, seconds=300)
        world.expect_states({"complete": 2})
        world.check_nothing_lost()
        world.check_in_order()
        newest = {}
        for kind, body in world.facts("Launch", "Checkpointed", "Exited"):  # A host that is frozen is judged by what is accepted.
            newest[body["trial"]] = body["attempt"] if kind == "Launch" else newest[body["trial"]]
            expect(f"the attempt of a {kind}", body["attempt"], newest[body["trial"]])


# --- the controller ------------------------------------------------------------------------------------------------------


def a_job_that_a_restarted_controller_forgot_or_runs_twice_runs_no_trial_twice(cluster):
    with on_slurm(steps=80) as world:
        sweep = world.sweep(env=cluster.environment)
        world.until("an agent is here", lambda: world.facts("WorkerJoined"))
        cluster.restart_controller()
        world.finish(sweep, seconds=300)
        agents = [body["agent"] for _, body in world.facts("WorkerJoined") if body["name"]]
        held = {(body["trial"], body["attempt"]): body["worker"] for _, body in world.facts("Started")}
        check(f"none took over what another was given: {agents} {held}", len(held) == len(world.facts("Started")))
        end_checks(world, cluster)


def while_the_controller_is_away_the_experiment_goes_on_and_nothing_is_asked_for_twice(cluster):
    with on_slurm(steps=100_000) as world:
        sweep = world.sweep(env=cluster.environment)
        acknowledged(world, 5)
        slurm(cluster, "scontrol", "update", "JobId=" + jobs(cluster)[0], "Comment=changed")  # So that there is something to save.
        cluster.kill_controller()
        world.until("nothing is known of the job", lambda: changes(world, "unknown"))
        acknowledged(world, len(world.ledger_lines("acknowledged")) + 20)
        expect("allocations that are over", changes(world, "lost", "failed", "ended"), [])
        cluster.start_controller()
        world.until("it is seen to run again", lambda: changes(world, "unknown", "running")[-1]["state"] == "running")
        stop_all(world, 2)
        world.finish(sweep, seconds=300)
        expect("allocations", len(world.facts("Allocate")), 1)
        expect("attempts", sorted(world.lives()), [("away/0", 1), ("away/1", 1)])
        end_checks(world, cluster, stopped=2)


def a_coordinator_killed_before_it_noted_the_job_finds_it_again(cluster):
    with on_slurm(steps=10) as world:
        path = os.path.join(world.folder, "path")
        os.mkdir(path)
        with open(os.path.join(path, "sbatch"), "w") as file:
            file.write(f'#!/bin/sh\n{shutil.which("sbatch", path=cluster.environment["PATH"])} "$@" || exit\ncase "$*" in *--test-only*) ;; *) kill -9 $PPID ;; esac\n')
        os.chmod(os.path.join(path, "sbatch"), 0o755)
        killed = world.sweep(env={**cluster.environment, "PATH": path + ":" + cluster.environment["PATH"]})
        expect("how it ended", killed.wait(timeout=60), -signal.SIGKILL)
        submitted = jobs(cluster)
        expect("jobs", len(submitted), 1)
        expect("what was noted of it", [body["engine_id"] for body in changes(world, "submitted")], [])
        world.finish(world.sweep(env=cluster.environment), seconds=300)
        key = world.facts("Allocate")[0][1]["key"]
        expect("jobs of its name, over or not", slurm(cluster, "squeue", "-h", "-t", "all", "-o", "%i", "--name=" + key).split(), submitted)
        end_checks(world, cluster)


# --- jobs ----------------------------------------------------------------------------------------------------------------


def what_ends_a_job_is_a_drain(cluster, end, executor=(), **more):
    """Trials save and leave, and go on in the next allocation where they were."""
    with on_slurm(executor, **more) as world:
        sweep = world.sweep(env=cluster.environment)
        saved(world, 5)
        end(jobs(cluster)[0])
        world.until("both began again", lambda: len({line[0] for line in begun_again(world)}) == 2)
        world.finish(sweep, seconds=300)
        expect("why the first attempts ended", {body["cause"] for _, body in world.facts("Exited") if body["attempt"] == 1}, {"preempted"})
        with sqlite3.connect(f"file:{world.store}?mode=ro", uri=True) as db:
            for trial in range(2):
                # What came after the last checkpoint is done again.
                steps = list(dict.fromkeys(step for step, in db.execute("SELECT step FROM reports WHERE trial & 0xffffff = ? ORDER BY id", [trial])))
                expect(f"the curve of trial {trial}", steps, list(range(1, len(steps) + 1)))
        end_checks(world, cluster)


def a_job_that_is_sent_sigterm_is_left(cluster):
    what_ends_a_job_is_a_drain(cluster, lambda job: slurm(cluster, "scancel", "--signal=TERM", job))


def a_job_that_is_cancelled_is_left_in_the_time_that_slurm_gives(cluster):
    what_ends_a_job_is_a_drain(cluster, lambda job: slurm(cluster, "scancel", job))


def trials_leave_before_the_walltime_and_resume_in_the_next_allocation(cluster):
    what_ends_a_job_is_a_drain(cluster, lambda job: None, {"walltime": "60s", "margin": "50s"}, steps=130)


def an_allocation_that_waits_says_why(cluster):
    with on_slurm(steps=5) as world:
        blocker = slurm(cluster, "sbatch", "--parsable", "--nodes=3", "--exclusive", "--output=/dev/null", "--wrap=sleep 600")
        sweep = world.sweep(env=cluster.environment)
        world.until("Slurm's reason is told", lambda: any("(Resources)" in body["reason"] or "(Priority)" in body["reason"] for body in changes(world, "queued")))
        told = world.cli("workers")
        check(f"and shown: {told}", "PENDING (" in told)
        slurm(cluster, "scancel", blocker)
        world.finish(sweep, seconds=300)
        end_checks(world, cluster)


def agents_that_cannot_call_home_are_failed_allocations_with_their_log(cluster):
    with on_slurm({"listen": "127.0.0.1:0", "names": ["127.0.0.99"]}) as world:
        sweep = world.sweep(env=cluster.environment)
        world.until("two allocations failed", lambda: len(changes(world, "failed")) == 2)
        check("with what the agents said", all("cannot reach 127.0.0.99" in body["reason"] for body in changes(world, "failed")))
        check("also where workers are listed", world.cli("workers").count("cannot reach 127.0.0.99") >= 2)  # And once more where it is said why trials wait.
        time.sleep(3)
        expect("allocations that were asked for, until a minute is over", len(world.facts("Allocate")), 2)
        sweep.send_signal(signal.SIGINT)
        sweep.wait(timeout=30)


THEMES = {
    "nodes": [when_a_node_dies_trials_go_on_elsewhere_before_slurm_says_a_word, an_agent_whose_slurmd_dies_is_believed_and_not_slurm,
              what_a_thawed_node_says_counts_for_nothing],
    "controller": [a_job_that_a_restarted_controller_forgot_or_runs_twice_runs_no_trial_twice,
                   while_the_controller_is_away_the_experiment_goes_on_and_nothing_is_asked_for_twice,
                   a_coordinator_killed_before_it_noted_the_job_finds_it_again],
    "jobs": [a_job_that_is_sent_sigterm_is_left, a_job_that_is_cancelled_is_left_in_the_time_that_slurm_gives,
             trials_leave_before_the_walltime_and_resume_in_the_next_allocation, an_allocation_that_waits_says_why,
             agents_that_cannot_call_home_are_failed_allocations_with_their_log],
}
for case in [case for name in sys.argv[2:] or THEMES for case in THEMES.get(name) or [globals()[name]]]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, slurm_cluster.Cluster(folder, nodes=3, cpus=4) as slurm_of_ours:
        case(slurm_of_ours)
    print("ok", case.__name__.replace("_", " "), f"({time.monotonic() - began:.1f} s)", flush=True)
print(checks.count, "checks")
