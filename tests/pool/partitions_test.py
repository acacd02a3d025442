#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network between agents and their coordinator is cut, both ways and one way, shorter and longer than a lease; then with
agents that freeze and die and a coordinator that is killed, at random. No trial ever lives twice, and nothing that was
acknowledged is lost, by the trials' own ledgers. usage: partitions_test.py TUNE [--wire namespaces] [--rounds N] [--seed N]
[--case NAME]…. Exit 77 where there are no network namespaces to be had."""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import GRACE, LEASE, SILENCE, Wire, acknowledged, begun_again, both_checks, options, quick, run  # noqa: E402
from network import Network  # noqa: E402
from world import boot_time, check, expect, guards_of  # noqa: E402


def a_cut_that_is_shorter_than_the_lease_restarts_nothing():
    with quick(executor={"lease": "6s"}, steps=120, stop={"trials": 2}) as world:
        network = Wire(world)
        sweep = world.sweep()
        world.join_file()
        network.agent("far")
        acknowledged(world, 12)
        for ways, length in ((("up", "down"), 1), (("up",), 1), (("down",), 1), ((), 3.5)):
            network.cut(*ways)
            time.sleep(length)
            before = len(world.ledger_lines("acknowledged"))
            network.heal()
            acknowledged(world, before)
        for _ in range(3):
            network.reset()
            time.sleep(0.3)
        if Wire is Network:
            network.delay = 0.2
            acknowledged(world, len(world.ledger_lines("acknowledged")) + 4)
            network.delay = 0
        world.finish(sweep)
        expect("attempts", sorted(world.lives()), [(f"away/{n}", 1) for n in range(2)])
        expect("what was fenced", world.facts("Fenced"), [])
        for n in range(2):
            expect(f"the steps of trial {n}", sorted(line[5] for line in world.ledger_lines("acknowledged") if line[0] == f"away/{n}"), list(range(1, 121)))
        both_checks(world)


def a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start(*ways):
    with quick(steps=150, env={"STUBBORN": "1"}, stop={"trials": 4}, executor={"parallel": 2}) as world:
        network = Wire(world)
        sweep = world.sweep()
        world.join_file()
        far = network.agent("far")
        world.until("both trials saved", lambda: len(world.facts("Checkpointed")) > 12)
        network.near("near")
        world.until("the other agent is here", lambda: len(world.facts("WorkerJoined")) == 2)
        network.cut(*ways)
        cut = boot_time()
        world.until("they began again", lambda: len(begun_again(world)) == 2)
        lives = world.lives()
        for line in begun_again(world):
            lived = max(lives[line[0], 1]) - cut
            check(f"it had its lease, and time to end: {lived}", LEASE - 0.5 < lived < LEASE + GRACE + 0.5)
            check("its copy waited for it", line[3] - cut > lived + 0.5)
        network.heal()
        world.until("the far agent is back", lambda: len(world.facts("WorkerJoined")) == 3)
        world.cli("workers", "drain", "near")
        world.until("it has trials again", lambda: sum(body["worker"] == 1 for _, body in world.facts("Started")) > 2)
        check("it is the same one", far.poll() is None)
        world.finish(sweep)
        world.expect_states({"complete": 4})
        both_checks(world)


def a_long_cut_of_what_agents_say_ends_them_too():
    a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start("up")


def a_long_cut_of_what_agents_are_told_ends_them_too():
    a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start("down")


def an_idle_agent_that_was_away_for_long_gets_trials_again():
    with quick(steps=20, stop={"trials": 24}) as world:
        network = Wire(world)
        sweep = world.sweep()
        world.join_file()
        network.agent("far", slots="cpu=1")
        world.until("it is here", lambda: world.facts("WorkerJoined"))
        network.near("near", slots="cpu=1")
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
        world.expect_states({"complete": 24})
        both_checks(world)


# --- all at random: protocol R6 ------------------------------------------------------------------------------------------


class Rounds:
    def __init__(self, world, draw):
        self.world, self.draw = world, draw
        self.network = Wire(world)
        self.sweep = world.sweep()
        world.join_file(uses=10_000)
        self.agents, self.frozen, self.told = [], [], []
        self.add()

    def add(self):
        """One that starts while the coordinator is away cannot join, and ends: as a site does, another is started in its place."""
        self.agents = [agent for agent in self.agents if agent.poll() is None]
        while len(self.agents) < 2:
            self.agents.append(self.network.agent(f"agent-{len(self.world.processes)}"))

    def cut(self):
        self.network.cut(*self.draw.choice(((), ("up", "down"), ("up",), ("down",))))
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
            self.add()

    def finish(self, seconds):
        end = time.monotonic() + seconds
        while self.sweep.poll() is None and time.monotonic() < end:
            self.add()
            time.sleep(1)
        self.world.finish(self.sweep, seconds=1)


def whatever_happens_the_sweep_completes():
    print("seed", options.seed, flush=True)
    trials = 6 + 3 * options.rounds
    with quick(steps=30, stop={"trials": trials}) as world:
        rounds = Rounds(world, random.Random(options.seed))
        rounds.play(options.rounds)
        print(" ".join(rounds.told), flush=True)
        rounds.finish(seconds=120 + 10 * options.rounds)
        expect("ends by faults of trials", [body for _, body in world.facts("Exited") if body["cause"] not in ("done", "lost", "preempted")], [])
        world.expect_states({"complete": trials})
        both_checks(world)


run([a_cut_that_is_shorter_than_the_lease_restarts_nothing,
     a_cut_that_is_longer_than_the_lease_ends_the_trials_before_their_copies_start,
     a_long_cut_of_what_agents_say_ends_them_too,
     a_long_cut_of_what_agents_are_told_ends_them_too,
     an_idle_agent_that_was_away_for_long_gets_trials_again,
     whatever_happens_the_sweep_completes], globals())
