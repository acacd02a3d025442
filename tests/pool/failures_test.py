#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents that die, freeze and lose the network: no trial ever lives twice, and nothing that was acknowledged is lost, by the
trials' own ledgers. usage: failures_test.py TUNE [--rounds N] [--seed N] [--case NAME]…"""
import argparse
import json
import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import Network, World, check, checks, expect, guards_of  # noqa: E402

LEASE, GRACE, SILENCE = 2, 0.5, 4.5  # Seconds; the last: after which trials are given away.


def quick(tune, executor=(), **more):
    return World(tune, **{"executor": {"lease": f"{LEASE}s", **dict(executor)}, "shutdown": {"grace": f"{int(GRACE * 1000)}ms"}, **more})


def boot_time():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


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


# --- agents that die and freeze ------------------------------------------------------------------------------------------


def a_dead_agent_without_its_guard_costs_the_lease_and_nothing_else():
    with quick(tune, steps=60, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        saved(world, 5)
        world.agent("second")
        world.until("the second agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        guards = guards_of(first)
        expect("how many guards it has", len(guards), 1)
        os.kill(guards[0], signal.SIGKILL)
        first.kill()
        died = boot_time()
        world.until("they began again", lambda: len(begun_again(world)) == 2)
        waited = [line[3] - died for line in begun_again(world)]
        check(f"not before the lease can have ended: {waited}", min(waited) > LEASE + GRACE)
        check("from their checkpoints", all(line[5] > 5 for line in begun_again(world)))
        lost = world.facts("WorkerLost")
        expect("why the first one was given up", [body["proof"] for _, body in lost], ["its lease ended"])
        world.finish(sweep)
        both_checks(world)


def the_guard_of_a_frozen_agent_ends_its_trials_and_what_it_says_when_it_thaws_is_fenced():
    with quick(tune, steps=80, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        acknowledged(world, 12)
        pids = {line[2] for line in world.ledger_lines("begin")}
        world.agent("second")
        world.until("the second agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        first.send_signal(signal.SIGSTOP)
        frozen = boot_time()
        world.until("the guard ended them", lambda: not any(alive(pid) for pid in pids))
        check("not before their time to end was over", boot_time() - frozen > LEASE - 0.5)
        check("while nobody had them", not begun_again(world))
        world.until("they began again", lambda: len(begun_again(world)) == 2)
        first.send_signal(signal.SIGCONT)
        world.until("what it says is fenced", lambda: {(body["trial"], body["attempt"]) for _, body in world.facts("Fenced")} >= {(0, 1), (1, 1)})
        world.finish(sweep)
        expect("the trials", world.states(), {"complete": 2})
        expect("attempts", sorted(world.lives()), [(f"away/{n}", attempt) for n in range(2) for attempt in (1, 2)])
        both_checks(world)


def a_freeze_that_the_coordinator_hardly_noticed_fails_no_trial():
    with quick(tune, steps=80, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        only = world.agent("only")
        acknowledged(world, 12)
        pids = {line[2] for line in world.ledger_lines("begin")}
        only.send_signal(signal.SIGSTOP)
        world.until("the guard ended them", lambda: not any(alive(pid) for pid in pids))
        only.send_signal(signal.SIGCONT)
        world.finish(sweep)
        expect("why the first attempts ended", {body["cause"] for _, body in world.facts("Exited") if body["attempt"] == 1}, {"lost"})
        expect("the trials", world.states(), {"complete": 2})
        both_checks(world)


def an_agent_that_is_asked_to_go_while_nobody_is_there_goes():
    with quick(tune, steps=400, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        agents = [world.agent("asked"), world.agent("impatient", flags=["--patience", "1s"])]
        acknowledged(world, 12)
        sweep.kill()
        sweep.wait()
        agents[0].send_signal(signal.SIGTERM)
        for agent in agents:
            expect("its exit code", agent.wait(timeout=30), 0)
        check("its trials went before it", not any(alive(line[2]) for line in world.ledger_lines("begin")))


# --- the network ---------------------------------------------------------------------------------------------------------


def through(network, world, name, **more):
    path = os.path.join(world.folder, "far.json")
    if not os.path.exists(path):
        world.join_file("far.json", address=network.address)
    return world.agent(name, join=path, **more)


def a_cut_that_is_shorter_than_the_lease_restarts_nothing():
    with quick(tune, executor={"lease": "6s"}, steps=120, stop={"trials": 2}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        through(network, world, "far")
        acknowledged(world, 12)
        for ways, length in ((("up", "down"), 1), (("up",), 1), (("down",), 1), (("up", "down"), 3.5)):
            network.cut(*ways)
            time.sleep(length)
            before = len(world.ledger_lines("acknowledged"))
            network.heal()
            acknowledged(world, before)
        for _ in range(3):
            network.reset()
            time.sleep(0.3)
        network.delay = 0.2
        acknowledged(world, len(world.ledger_lines("acknowledged")) + 4)
        network.delay = 0
        world.finish(sweep)
        expect("attempts", sorted(world.lives()), [(f"away/{n}", 1) for n in range(2)])
        expect("what was fenced", world.facts("Fenced"), [])
        for n in range(2):
            expect(f"the steps of trial {n}", sorted(line[5] for line in world.ledger_lines("acknowledged") if line[0] == f"away/{n}"), list(range(1, 121)))
        both_checks(world)


def a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start():
    with quick(tune, steps=150, env={"STUBBORN": "1"}, stop={"trials": 4}, executor={"parallel": 2}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        far = through(network, world, "far")
        world.until("both trials saved", lambda: len(world.facts("Checkpointed")) > 12)
        world.agent("near")
        world.until("the other agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        network.cut()
        cut = boot_time()
        world.until("they began again", lambda: len(begun_again(world)) == 2)
        lives = world.lives()
        for line in begun_again(world):
            lived = max(lives[line[0], 1]) - cut
            check(f"it had its lease, and time to end: {lived}", LEASE < lived < LEASE + GRACE + 0.5)
            check("its copy waited for it", line[3] - cut > lived + 0.5)
        network.heal()
        world.until("the far agent is back", lambda: len(world.facts("WorkerJoined")) == 3)
        world.cli("workers", "drain", "near")
        world.until("it has trials again", lambda: sum(body["worker"] == 1 for _, body in world.facts("Started")) > 2)
        check("it is the same one", far.poll() is None)
        world.finish(sweep)
        expect("the trials", world.states(), {"complete": 4})
        both_checks(world)


def an_idle_agent_that_was_away_for_long_gets_trials_again():
    with quick(tune, steps=20, stop={"trials": 24}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        through(network, world, "far", slots="cpu=1")
        world.until("it is here", lambda: world.facts("WorkerJoined"))
        world.agent("near", slots="cpu=1")
        started = lambda: sum(body["worker"] == 1 for _, body in world.facts("Started"))  # noqa: E731
        world.until("it had a trial", started)
        world.cli("workers", "cordon", "far")
        time.sleep(2.5)
        had = started()
        network.cut()
        time.sleep(SILENCE + 1)
        network.heal()
        world.until("it is back", lambda: len(world.facts("WorkerJoined")) == 3)
        world.cli("workers", "uncordon", "far")
        world.until("it has trials", lambda: started() > had)
        world.finish(sweep)
        expect("the trials", world.states(), {"complete": 24})
        both_checks(world)


# --- all at random: protocol R6 ------------------------------------------------------------------------------------------


class Rounds:
    def __init__(self, world, draw):
        self.world, self.draw = world, draw
        self.sweep = world.sweep()
        self.network = Network(world)
        world.join_file()
        self.agents, self.frozen, self.told = [], [], []
        for _ in range(2):
            self.add()

    def add(self):
        self.agents.append(through(self.network, self.world, f"agent-{len(self.world.processes)}"))

    def cut(self):
        self.network.cut(*self.draw.choice((("up", "down"), ("up",), ("down",))))
        time.sleep(self.draw.uniform(0.1, 3) * LEASE)
        self.network.heal()

    def flap(self):
        for _ in range(5):
            self.network.reset()
            time.sleep(self.draw.uniform(0, 0.3))

    def freeze(self):
        agent = self.draw.choice(self.agents)
        agent.send_signal(signal.SIGSTOP)
        time.sleep(self.draw.uniform(0.1, 3) * LEASE)
        agent.send_signal(signal.SIGCONT)

    def kill(self):
        agent = self.agents.pop(self.draw.randrange(len(self.agents)))
        if self.draw.random() < 0.5:
            for guard in guards_of(agent):
                os.kill(guard, signal.SIGKILL)
        agent.kill()
        agent.wait()
        self.add()

    def restart(self):
        self.sweep.kill()
        self.sweep.wait()
        time.sleep(self.draw.uniform(0, 2) * LEASE)
        self.sweep = self.world.sweep()

    def both(self):
        """The network is cut while the coordinator is killed."""
        self.network.cut()
        self.restart()
        time.sleep(self.draw.uniform(0, 1) * LEASE)
        self.network.heal()

    def play(self, count):
        for _ in range(count):
            if self.sweep.poll() is not None:
                return
            what = self.draw.choice((self.cut, self.flap, self.freeze, self.kill, self.restart, self.both))
            self.told.append(what.__name__)
            what()
            time.sleep(self.draw.uniform(0, 1.5))


def whatever_happens_the_sweep_completes():
    print("seed", options.seed, flush=True)
    trials = 6 + 3 * options.rounds
    with quick(tune, steps=30, stop={"trials": trials}) as world:
        rounds = Rounds(world, random.Random(options.seed))
        rounds.play(options.rounds)
        print(" ".join(rounds.told), flush=True)
        world.finish(rounds.sweep, seconds=120 + 10 * options.rounds)
        expect("the trials", world.states(), {"complete": trials})
        both_checks(world)


def the_checks_see_a_second_life_and_a_lost_report():
    """What the other cases rest on."""
    def refused(what):
        try:
            what()
        except SystemExit:
            return True
        return False

    with quick(tune, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one")
        world.finish(sweep)
        both_checks(world)
        ledger = open(world.ledger).read()
        begin = world.ledger_lines("begin")[0]
        with open(world.ledger, "a") as file:
            file.write(json.dumps([begin[0], 2, 1, begin[3] + 0.01, "begin", 1, None]) + "\n")
        check("a second life is seen", refused(world.check_never_two_at_once))
        with open(world.ledger, "w") as file:
            file.write(ledger + json.dumps([begin[0], 1, 1, boot_time(), "acknowledged", 99]) + "\n")
        check("a lost report is seen", refused(world.check_nothing_lost))


# --- disks of their own --------------------------------------------------------------------------------------------------


def elsewhere(world, name):
    return ["--own-disk", "--folder", os.path.join(world.folder, name)]


def a_checkpoint_travels_to_an_agent_with_another_disk_and_logs_come_home():
    with quick(tune, steps=60, stop={"trials": 2}) as world:
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
    with quick(tune, executor={"lease": "6s"}, steps=6, pause=0.2, env={"BALLAST": "3000000"}, stop={"trials": 1}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        through(network, world, "far", flags=elsewhere(world, "disk"))
        for _ in range(3):
            acknowledged(world, len(world.ledger_lines("acknowledged")))
            network.most = network.passed + 1_000_000
            world.until("an upload broke", lambda: network.most is None)
        world.finish(sweep)
        expect("attempts", list(world.lives()), [("away/0", 1)])
        both_checks(world)
        folder = world.store + ".d/checkpoints"
        kept = [name for name in os.listdir(folder) if len(name) == 64]
        expect("checkpoints that are told of and here", sorted(body["checkpoint"] for _, body in world.facts("Checkpointed") if body["checkpoint"] in kept), sorted(kept))
        for name in kept:
            steps = [json.load(open(os.path.join(folder, name, file))) for file in os.listdir(os.path.join(folder, name)) if file != "manifest.json"]
            expect("its size", [len(one["ballast"]) for one in steps], [3000000])


# --- accelerators --------------------------------------------------------------------------------------------------------


def no_gpu_is_had_twice_across_reconnections():
    with quick(tune, executor={"lease": "6s"}, steps=30, stop={"trials": 12}, resources={"gpu": 1}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        through(network, world, "far", slots="cpu=4,gpu=4", env={"TUNE_FAKE_GPUS": "4"}.items())
        while sweep.poll() is None and len(world.ledger_lines("begin")) < 10:
            network.reset()
            time.sleep(0.7)
        world.finish(sweep)
        had = {}
        lives = world.lives()
        for name, attempt, _, _, _, _, devices in world.ledger_lines("begin"):
            had.setdefault(devices, []).append((min(lives[name, attempt]), max(lives[name, attempt]), name))
        expect("the GPUs", sorted(had), ["0", "1", "2", "3"])
        for device, spans in had.items():
            spans.sort()
            for (_, end, one), (begin, _, other) in zip(spans, spans[1:]):
                check(f"GPU {device} is {one}'s and then {other}'s", end <= begin)
        both_checks(world)


parser = argparse.ArgumentParser()
parser.add_argument("tune")
parser.add_argument("--rounds", type=int, default=6)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--case", action="append", dest="cases", default=[])
options = parser.parse_args()
tune = options.tune
for case in options.cases or [a_dead_agent_without_its_guard_costs_the_lease_and_nothing_else,
                              the_guard_of_a_frozen_agent_ends_its_trials_and_what_it_says_when_it_thaws_is_fenced,
                              a_freeze_that_the_coordinator_hardly_noticed_fails_no_trial,
                              an_agent_that_is_asked_to_go_while_nobody_is_there_goes,
                              a_cut_that_is_shorter_than_the_lease_restarts_nothing,
                              a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start,
                              an_idle_agent_that_was_away_for_long_gets_trials_again,
                              the_checks_see_a_second_life_and_a_lost_report,
                              a_checkpoint_travels_to_an_agent_with_another_disk_and_logs_come_home,
                              half_an_upload_leaves_no_half_checkpoint,
                              no_gpu_is_had_twice_across_reconnections,
                              whatever_happens_the_sweep_completes]:
    case = globals()[case] if isinstance(case, str) else case
    began = time.monotonic()
    case()
    print("ok", case.__name__.replace("_", " "), f"({time.monotonic() - began:.1f} s)", flush=True)
print(checks.count, "checks")
