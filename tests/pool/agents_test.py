#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents of a pool, real ones on this machine: what they run, how they are lost, how they come back. usage: agents_test.py TUNE"""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import World, check, checks, expect  # noqa: E402

tune = sys.argv[1]


def kill(process, number=signal.SIGKILL):
    process.send_signal(number)


def two_agents_share_the_trials():
    with World(tune) as world:
        sweep = world.sweep()
        world.join_file()
        agents = [world.agent("one"), world.agent("two")]
        world.finish(sweep)
        joined = world.facts("WorkerJoined")
        expect("workers", sorted(body["name"] for _, body in joined), ["one", "two"])
        used = {body["worker"] for _, body in world.facts("Started")}
        expect("workers that had trials", used, {1, 2})
        world.check_nothing_lost()
        world.check_never_two_at_once()
        expect("attempts", len(world.facts("Exited")), 8)
        check("workers are listed", "one" in world.cli("workers"))
        for agent in agents:
            check("an agent outlives the experiment", agent.poll() is None)
            agent.send_signal(signal.SIGTERM)
            expect("exit code of an agent that was asked to go", agent.wait(timeout=20), 0)


def a_killed_coordinator_finds_its_trials_running():
    with World(tune, steps=40, pause=0.1, stop={"trials": 4}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one", "cpu=4")
        world.until("all trials run", lambda: len(world.ledger_lines("acknowledged")) > 12)
        kill(sweep)
        sweep.wait()
        time.sleep(1.5)
        again = world.sweep()
        world.finish(again)
        expect("attempts of each trial", sorted(world.lives()), [(f"away/{n}", 1) for n in range(4)])
        world.check_nothing_lost()
        expect("what was fenced", world.facts("Fenced"), [])


def a_killed_agents_trials_go_on_elsewhere_from_their_checkpoint():
    with World(tune, steps=40, pause=0.1, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        world.until("both trials are well under way", lambda: len(world.ledger_lines("acknowledged")) > 12)
        world.agent("second")
        world.until("the second agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        kill(first)
        died = time.clock_gettime(time.CLOCK_BOOTTIME)
        world.until("they began again", lambda: {(f"away/{n}", 2) for n in range(2)} <= set(world.lives()))
        begun = [line for line in world.ledger_lines("begin") if line[1] == 2]
        check(f"within two seconds: {[round(line[3] - died, 2) for line in begun]}", all(line[3] - died < 2 for line in begun))
        check("from their checkpoints", all(line[5] > 3 for line in begun))
        world.finish(sweep)
        world.check_nothing_lost()
        world.check_never_two_at_once()


def a_drained_worker_saves_and_leaves_a_cordoned_one_gets_nothing_new():
    with World(tune, steps=20, pause=0.1, stop={"trials": 4}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        world.until("trials run", lambda: len(world.ledger_lines("acknowledged")) > 6)
        world.agent("second")
        world.until("the second agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        world.cli("workers", "cordon", "second")
        world.until("the second is cordoned", lambda: any(body["state"] == "cordoned" for _, body in world.facts("WorkerChanged")))
        told = json.loads(world.cli("workers", "-o", "json"))
        expect("how they are", [(w["name"], w["state"]) for w in told["workers"]], [("first", "ready"), ("second", "cordoned")])
        check(f"trials hold what is used: {told}", all(w["trials"] == w["used"] <= w["cpus"] == 2 for w in told["workers"]))
        expect("allocations", told["allocations"], [])
        world.cli("workers", "uncordon", "second")
        world.cli("workers", "drain", "first")
        expect("exit code of the drained agent", first.wait(timeout=20), 0)
        world.finish(sweep)
        again = [line for line in world.ledger_lines("begin") if line[1] == 2]
        check("its trials went on where they were", again and all(line[5] > 2 for line in again))
        world.check_nothing_lost()
        world.check_never_two_at_once()
        error = subprocess.run([world.tune, "workers", "drain", "nobody", "--store", world.store], capture_output=True, text=True)
        expect("exit code for a worker that is not there", error.returncode, 4)


def a_pool_starts_agents_of_its_own_which_go_with_it_and_outlive_its_death():
    with World(tune, steps=30, pause=0.1, stop={"trials": 4}, executor={"agents": 2, "parallel": 4}) as world:
        sweep = world.sweep()
        world.until("trials run", lambda: len(world.ledger_lines("acknowledged")) > 12)
        expect("workers", sorted(body["name"] for _, body in world.facts("WorkerJoined")), ["local-1", "local-2"])
        kill(sweep)
        sweep.wait()
        again = world.sweep()
        world.finish(again)
        expect("attempts of each trial", sorted(world.lives()), [(f"away/{n}", 1) for n in range(4)])
        world.check_nothing_lost()
        pids = [int(open(f"{world.store}.d/agents/{n}.pid").read().split()[0]) for n in (1, 2)]
        world.until("its agents are gone", lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids), 10)


def it_is_said_why_trials_wait():
    with World(tune, steps=5, pause=0.1, stop={"trials": 12}, resources={"cpu": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        check("nobody is here", "trials wait: no agent is here" in world.cli("status"))
        world.agent("one")
        world.until("a trial runs", lambda: world.ledger_lines("begin"))
        check("nothing waits any more", "wait" not in world.cli("status"))
        world.cli("workers", "cordon", "one")
        world.until("it has no trial", lambda: json.loads(world.cli("status", "--json"))["counts"]["running"] == 0)
        check(f"it takes none: {world.cli('status')}", "no worker takes trials: 1 cordoned" in world.cli("status"))
        world.cli("workers", "uncordon", "one")
        world.finish(sweep)


def trials_run_where_the_labels_are_that_they_require():
    with World(tune, steps=3, stop={"trials": 4}, requires=["gpu=a100", "os"]) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("plain")
        world.until("the plain agent is here", lambda: world.facts("WorkerJoined"))
        check(f"it is said why: {world.cli('status')}", "trials wait: no worker bears the label `gpu=a100`" in world.cli("status"))
        world.agent("fast", flags=["--label", "gpu=a100"])
        world.finish(sweep)
        fast = [body["worker"] for _, body in world.facts("WorkerJoined") if "gpu=a100" in body["labels"]]
        expect("workers that had trials", {body["worker"] for _, body in world.facts("Started")}, set(fast))
        check("labels are listed", "gpu=a100" in world.cli("workers"))
        wrong = subprocess.run([world.tune, "agent", "--join", world.folder + "/join.json", "--label", "a b"], capture_output=True, text=True)
        check(f"a label has no blanks: {wrong.stderr}", wrong.returncode == 2)
    with World(tune, requires=["gpu=a100"], executor={"type": "process"}) as world:
        sweep = world.sweep()
        world.finish(sweep, code=2)
        check("this machine is said to lack it", "this machine lacks `gpu=a100`" in open(world.folder + "/sweep.log").read())


def experiments_of_one_server_share_its_port_and_agents():
    with World(tune, steps=4, pause=0.05, stop={"trials": 4}) as world:
        server = world.serve()
        for name in ("first", "second"):
            world.submit(name=name)
        world.join_file()
        world.agent("one")
        world.agent("two")
        for name in ("first", "second"):
            world.until(f"{name} is over", lambda: world.status(name)["state"] == "finished")
            expect(f"trials of {name}", world.status(name)["counts"]["complete"], 4)
            told = json.loads(world.cli("workers", name, "-o", "json"))["workers"]
            expect(f"agents of {name}", sorted(w["name"] for w in told), ["one", "two"])
        agents = {body["agent"] for _, body in world.facts("WorkerJoined")}
        expect("agents of both", len(agents), 2)
        server.send_signal(signal.SIGINT)
        expect("exit code of the server", server.wait(timeout=60), 0)


def who_may_not_join_is_told_why():
    with World(tune) as world:
        sweep = world.sweep()
        path = world.join_file("once.json", uses=1)
        world.agent("one", join=path)
        world.until("it joined", lambda: world.facts("WorkerJoined"))
        again = subprocess.run([world.tune, "agent", "--join", path], capture_output=True, text=True, timeout=60)
        expect("exit code of one too many", again.returncode, 2)
        check(f"it is told: {again.stderr}", "used up" in again.stderr or "used" in again.stderr)
        ui = subprocess.Popen([world.tune, "ui", world.store, "--viewers", "--addr", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        world.processes.append(ui)
        ui.stdout.readline(), ui.stdout.readline(), ui.stdout.close()
        with open(path) as file:
            invitation = json.load(file)
        for secret in ("token", "viewer-token"):
            with open(world.store + ".d/" + secret) as file:
                invitation["token"] = file.read().strip()
            forged = world.join_file("forged.json")
            with open(forged, "w") as file:
                json.dump(invitation, file)
            told = subprocess.run([world.tune, "agent", "--join", forged], capture_output=True, text=True, timeout=60)
            expect(f"exit code of one with the dashboard's {secret}", told.returncode, 2)
            check(f"it is told: {told.stderr}", "no such join token" in told.stderr)
        world.finish(sweep)


for case in sys.argv[2:] or [two_agents_share_the_trials, a_killed_coordinator_finds_its_trials_running,
                             a_killed_agents_trials_go_on_elsewhere_from_their_checkpoint,
                             a_drained_worker_saves_and_leaves_a_cordoned_one_gets_nothing_new,
                             a_pool_starts_agents_of_its_own_which_go_with_it_and_outlive_its_death, it_is_said_why_trials_wait,
                             trials_run_where_the_labels_are_that_they_require, experiments_of_one_server_share_its_port_and_agents, who_may_not_join_is_told_why]:
    case = globals()[case] if isinstance(case, str) else case
    case()
    print("ok", case.__name__.replace("_", " "), flush=True)
print(checks.count, "checks")
