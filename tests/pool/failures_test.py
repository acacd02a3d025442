#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Agents that die and freeze: no trial ever lives twice, and nothing that was acknowledged is lost, by the trials' own ledgers.
usage: failures_test.py TUNE [--case NAME]…"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import GRACE, LEASE, acknowledged, begun_again, both_checks, quick, run, saved  # noqa: E402
from network import Network  # noqa: E402
from world import alive, boot_time, check, expect, guards_of  # noqa: E402


# --- agents that die and freeze ------------------------------------------------------------------------------------------


def a_dead_agent_without_its_guard_costs_the_lease_and_nothing_else():
    with quick(steps=60, stop={"trials": 2}) as world:
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
    with quick(steps=80, stop={"trials": 2}) as world:
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
        world.expect_states({"complete": 2})
        expect("attempts", sorted(world.lives()), [(f"away/{n}", attempt) for n in range(2) for attempt in (1, 2)])
        both_checks(world)


def a_freeze_that_the_coordinator_hardly_noticed_fails_no_trial():
    with quick(steps=80, stop={"trials": 2}) as world:
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
        world.expect_states({"complete": 2})
        both_checks(world)


def answers_that_an_agent_reads_after_its_guard_has_acted_fail_no_trial():
    """They renew its lease, but came too late for the guard, which went by an older one."""
    with quick(steps=80, stop={"trials": 2}) as world:
        sweep = world.sweep()
        network = Network(world)
        agent = network.agent("only")
        acknowledged(world, 12)
        pids = {line[2] for line in world.ledger_lines("begin")}
        network.cut("down")
        time.sleep(0.9)
        agent.send_signal(signal.SIGSTOP)
        network.heal()
        world.until("the guard ended them", lambda: not any(alive(pid) for pid in pids))
        agent.send_signal(signal.SIGCONT)
        world.finish(sweep)
        expect("why the first attempts ended", {body["cause"] for _, body in world.facts("Exited") if body["attempt"] == 1}, {"lost"})
        world.expect_states({"complete": 2})
        both_checks(world)


def what_was_ordered_while_an_agent_was_frozen_starts_nothing_when_it_thaws():
    """Its line held the order; by then another may have the trial."""
    with quick(steps=60, stop={"trials": 3}, executor={"parallel": 2}) as world:
        sweep = world.sweep()
        network = Network(world)
        agent = network.agent("only")
        world.until("it is here", lambda: world.facts("WorkerJoined"))
        acknowledged(world, 4)
        world.cli("workers", "cordon", "only")
        world.until("it is cordoned", lambda: any(body["state"] == "cordoned" for _, body in world.facts("WorkerChanged")))
        world.cli("stop", "1")
        world.until("it has one trial", lambda: world.facts("Exited"))
        agent.send_signal(signal.SIGSTOP)
        frozen = boot_time()
        world.cli("workers", "uncordon", "only")
        world.until("it was ordered another", lambda: len(world.facts("Launch")) > 2)
        network.cut()
        time.sleep(max(0, frozen + LEASE + GRACE + 0.5 - boot_time()))
        begun = len(world.ledger_lines("begin"))
        agent.send_signal(signal.SIGCONT)
        time.sleep(1)
        expect("trials that began", len(world.ledger_lines("begin")), begun)
        network.heal()
        world.finish(sweep)
        both_checks(world)


def a_signal_that_reaches_trials_before_their_agent_is_no_failure_of_theirs():
    """As engines send it, to all that they started."""
    with quick(steps=60, stop={"trials": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        saved(world, 5)
        for pid in {line[2] for line in world.ledger_lines("begin")}:
            os.kill(pid, signal.SIGTERM)
        first.send_signal(signal.SIGTERM)
        expect("its exit code", first.wait(timeout=30), 0)
        world.agent("second")
        world.finish(sweep)
        expect("why the first attempts ended", {body["cause"] for _, body in world.facts("Exited") if body["attempt"] == 1}, {"preempted"})
        check("they went on from their checkpoints", all(line[5] > 5 for line in begun_again(world)))
        both_checks(world)


def a_kill_that_reaches_trials_before_their_agent_is_no_failure_of_theirs():
    """As an engine kills all that it started, in an order of its own; one that comes alone is."""
    with quick(steps=60, stop={"trials": 3}, executor={"parallel": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("first")
        saved(world, 5)
        os.kill(world.ledger_lines("begin")[0][2], signal.SIGKILL)
        world.until("the next trial is saved", lambda: any(body["trial"] == 2 for _, body in world.facts("Checkpointed")))
        for pid in {line[2] for line in world.ledger_lines("begin") if alive(line[2])}:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        first.kill()
        world.agent("second")
        world.finish(sweep)
        expect("how the first attempts ended", sorted(body["cause"] for _, body in world.facts("Exited") if body["attempt"] == 1), ["lost", "lost", "signal"])
        world.expect_states({"complete": 2, "failed": 1})
        check("they went on from their checkpoints", len(begun_again(world)) == 2 and all(line[5] > 1 for line in begun_again(world)))
        both_checks(world)


def an_agent_that_is_asked_to_go_while_nobody_is_there_goes():
    with quick(steps=400, stop={"trials": 2}) as world:
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


def the_checks_see_a_second_life_and_a_lost_report():
    """What the other cases rest on."""
    def refused(what):
        try:
            what()
        except SystemExit:
            return True
        return False

    with quick(stop={"trials": 2}) as world:
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


# --- accelerators --------------------------------------------------------------------------------------------------------


def each_device_was_one_trials(world, devices):
    """At a time, by the trials' own ledger; `devices`: each agent's."""
    had, lives = {}, world.lives()
    agents = {(f"away/{body['trial']}", body["attempt"]): body["worker"] for _, body in world.facts("Started")}
    for name, attempt, _, _, _, _, device in world.ledger_lines("begin"):
        had.setdefault((agents[name, attempt], device), []).append((min(lives[name, attempt]), max(lives[name, attempt]), name))
    expect("the GPUs", sorted(had), devices)
    for device, spans in had.items():
        spans.sort()
        for (_, end, one), (begin, _, other) in zip(spans, spans[1:]):
            check(f"agent and GPU {device} are {one}'s and then {other}'s", end <= begin)


def no_gpu_is_had_twice_across_reconnections():
    with quick(executor={"lease": "6s"}, steps=30, stop={"trials": 12}, resources={"gpu": 1}) as world:
        sweep = world.sweep()
        network = Network(world)
        world.join_file()
        network.agent("far", slots="cpu=4,gpu=4", env={"TUNE_FAKE_GPUS": "4"}.items())
        while sweep.poll() is None and len(world.ledger_lines("begin")) < 10:
            network.reset()
            time.sleep(0.7)
        world.finish(sweep)
        each_device_was_one_trials(world, [(1, "0"), (1, "1"), (1, "2"), (1, "3")])
        both_checks(world)


def no_gpu_is_had_twice_while_an_agent_is_frozen():
    with quick(steps=40, stop={"trials": 12}, resources={"gpu": 1}) as world:
        sweep = world.sweep()
        world.join_file()
        frozen = world.agent("frozen", slots="cpu=4,gpu=2", env={"TUNE_FAKE_GPUS": "2"}.items())
        acknowledged(world, 12)
        world.agent("other", slots="cpu=4,gpu=2", env={"TUNE_FAKE_GPUS": "2"}.items())
        world.until("the other one is here", lambda: len(world.facts("WorkerJoined")) == 2)
        frozen.send_signal(signal.SIGSTOP)
        world.until("its trials were given away", lambda: len([body for _, body in world.facts("Exited") if body["cause"] == "lost"]) == 2)
        frozen.send_signal(signal.SIGCONT)
        world.finish(sweep)
        world.expect_states({"complete": 12})
        each_device_was_one_trials(world, [(1, "0"), (1, "1"), (2, "0"), (2, "1")])
        both_checks(world)


run([a_dead_agent_without_its_guard_costs_the_lease_and_nothing_else,
     the_guard_of_a_frozen_agent_ends_its_trials_and_what_it_says_when_it_thaws_is_fenced,
     a_freeze_that_the_coordinator_hardly_noticed_fails_no_trial,
     answers_that_an_agent_reads_after_its_guard_has_acted_fail_no_trial,
     what_was_ordered_while_an_agent_was_frozen_starts_nothing_when_it_thaws,
     a_signal_that_reaches_trials_before_their_agent_is_no_failure_of_theirs,
     a_kill_that_reaches_trials_before_their_agent_is_no_failure_of_theirs,
     an_agent_that_is_asked_to_go_while_nobody_is_there_goes,
     the_checks_see_a_second_life_and_a_lost_report,
     no_gpu_is_had_twice_across_reconnections,
     no_gpu_is_had_twice_while_an_agent_is_frozen], globals())
