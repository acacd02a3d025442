#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trials of several ranks, on this machine and over agents: all start or none, one that ends ends all. usage: ranks_test.py TUNE [CASE…]"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gangs import all_checks, begun, gangs, ranks_of  # noqa: E402
from world import check, checks, expect  # noqa: E402


def all_ranks_run_on_this_machine():
    with gangs(3, executor={"type": "process", "parallel": 6}, stop={"trials": 4}) as world:
        world.finish(world.sweep())
        all_checks(world, 4, 3)
        for kind, body in world.facts("Launch"):
            expect("seats", len(body["ranks"]), 3)


def a_rank_that_fails_ends_the_others_at_once_and_is_named(how="exit"):
    with gangs(3, executor={"type": "process", "parallel": 3}, stop={"trials": 1}, retry={"max": 1, "backoff": "0s", "on": ["exit", "signal"]},
               env={"FAILS": "2", "HOW": how}) as world:
        world.finish(world.sweep())
        ends = [body for _, body in world.facts("Exited")]
        expect("attempts", len(ends), 2)
        expect("the first to end", ends[0].get("first_rank"), 2)
        expect("cause", ends[0]["cause"], "exit" if how == "exit" else "signal")
        expect("exit code", ends[0].get("exit_code"), 3 if how == "exit" else None)
        lives = world.lives()[("away/0", 1)]
        check("the others, which wait for it, ended with it", max(lives) - min(lives) < 10)
        all_checks(world, 1, 3)


def a_rank_that_is_killed_ends_the_others_too():
    a_rank_that_fails_ends_the_others_at_once_and_is_named("kill")


def ranks_that_get_nowhere_are_ended_as_silent_wherever_they_are():
    with gangs(4, steps=40, pause=0.3, stop={"trials": 1, "trial_idle": "10s"}, retry={"max": 1, "backoff": "0s", "on": ["silence"]}, env={"HANGS": "2"}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.finish(sweep)
        expect("how they end", [body["cause"] for _, body in world.facts("Exited")], ["silence", "done"])
        all_checks(world, 1, 4)  # In more than ten seconds, in which ranks 2 and 3 say nothing.


def ranks_on_two_agents_meet_and_step_together():
    with gangs(4, stop={"trials": 3}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.finish(sweep)
        all_checks(world, 3, 4)
        nodes = {(line[6], line[8], line[9]) for line in begun(world)}
        expect("rank, local rank, node", nodes, {(0, "0", "0"), (1, "1", "0"), (2, "0", "1"), (3, "1", "1")})
        expect("Started", len(world.facts("Started")), 3)


def a_rank_that_fails_ends_the_ranks_of_other_agents():
    with gangs(4, stop={"trials": 1}, retry={"max": 1, "backoff": "0s", "on": ["exit"]}, env={"FAILS": "3"}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.finish(sweep)
        ends = [body for _, body in world.facts("Exited")]
        expect("the first to end", (ends[0].get("first_rank"), ends[0]["cause"]), (3, "exit"))
        lives = world.lives()[("away/0", 1)]
        check("the others, which wait for it, ended with it", max(lives) - min(lives) < 10)
        all_checks(world, 1, 4)


def a_gang_whose_agent_is_killed_goes_on_with_others_from_its_checkpoint():
    with gangs(4, steps=60, pause=0.1, stop={"trials": 1}) as world:
        sweep = world.sweep()
        world.join_file()
        first = world.agent("one")
        world.agent("two")
        world.until("it steps", lambda: len(world.ledger_lines("acknowledged")) > 5)
        world.agent("three")
        world.until("the third is here", lambda: len(world.facts("WorkerJoined")) == 3)
        first.kill()
        world.finish(sweep)
        again = begun(world, 2)
        check("it went on from its checkpoint", len(again) == 4 and all(line[5] > 5 for line in again))
        expect("cause", world.facts("Exited")[0][1]["cause"], "lost")
        all_checks(world, 1, 4)


def a_killed_coordinator_finds_the_gang_running():
    with gangs(4, steps=60, pause=0.1, stop={"trials": 1}, executor={"type": "pool", "lease": "30s"}) as world:  # Longer than a busy machine takes to start it again.
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.until("it steps", lambda: len(world.ledger_lines("acknowledged")) > 5)
        sweep.kill()
        sweep.wait()
        time.sleep(1)
        world.finish(world.sweep())
        expect("attempts", sorted(world.lives()), [("away/0", 1)])
        all_checks(world, 1, 4)


def a_coordinator_killed_at_any_moment_of_the_gathering_starts_no_gang_twice():
    with gangs(4, steps=10, pause=0.05, stop={"trials": 3}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.until("agents are here", lambda: len(world.facts("WorkerJoined")) >= 2)
        for delay in (0, 0.05, 0.1, 0.2, 0.4):
            time.sleep(delay)
            sweep.kill()
            sweep.wait()
            sweep = world.sweep()
            world.until("an agent is back", lambda: world.facts("Opened") and len(world.facts("WorkerJoined")) >= 2)
        world.finish(sweep)
        world.expect_states({"complete": 3})
        world.check_nothing_lost()
        world.check_never_two_at_once()


def what_a_scheduler_pauses_is_paused_and_resumed_as_a_whole():
    with gangs(2, steps=9, pause=0.02, stop={"trials": 6}, scheduler={"type": "asha", "mode": "promote", "min_step": 1, "max_step": 9, "eta": 3}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one", slots="cpu=1"), world.agent("two", slots="cpu=1")
        world.finish(sweep)
        check("some were paused", any(body["cause"] == "paused" for _, body in world.facts("Exited")))
        for key, found in ranks_of(begun(world)).items():
            expect(f"ranks of {key}", found, [0, 1])
        world.check_nothing_lost()
        world.check_never_two_at_once()


def each_rank_sees_a_device_of_its_own():
    with gangs(3, steps=4, stop={"trials": 3}, trial={"ranks": 3, "per_rank": {"cpu": 1, "gpu": 1}}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one", slots="cpu=4,gpu=2", env={"TUNE_FAKE_GPUS": "2"}.items()), world.agent("two", slots="cpu=4,gpu=2", env={"TUNE_FAKE_GPUS": "2"}.items())
        world.finish(sweep)
        all_checks(world, 3, 3)
        devices = {(line[9], line[10]) for line in begun(world)}
        check(f"a device each: {devices}", all(visible and "," not in visible for _, visible in devices))


def of_two_gangs_with_room_for_one_the_other_waits_and_none_holds_half():
    with gangs(3, steps=4, pause=0.02, stop={"trials": 6}, executor={"type": "pool", "lease": "3s", "parallel": 2}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one"), world.agent("two")
        world.finish(sweep)
        all_checks(world, 6, 3)
        lives = sorted((min(times), max(times)) for times in world.lives().values())
        for (_, end), (begin, _) in zip(lives, lives[1:]):
            check("one ran at a time", end <= begin)


def gangs_of_two_experiments_and_small_trials_of_a_third_share_agents_and_none_stands_still():
    with gangs(4, steps=3, pause=0.05, stop={"trials": 3}) as world:
        world.serve("--at-once", "3")
        world.submit(name="small", trial={}, command=["sh", "-c", "sleep 0.2; echo '::tune {\"loss\": 1}'"], stop={"trials": 80})
        world.submit(name="first")
        world.submit(name="second")
        world.join_file()
        world.agent("one"), world.agent("two")
        for name, trials in (("first", 3), ("second", 3), ("small", 80)):
            world.until(f"{name} is over", lambda: world.status(name)["state"] == "finished")
            expect(f"trials of {name}", world.status(name)["counts"]["complete"], trials)
        for key, found in ranks_of(begun(world)).items():
            expect(f"ranks of {key}", found, list(range(4)))
        world.check_never_two_at_once()


def what_waits_says_so():
    with gangs(4, stop={"trials": 1}) as world:
        sweep = world.sweep()
        world.join_file()
        world.agent("one", slots="cpu=3")
        world.until("it is said", lambda: "the 4 ranks of a trial start together, and there is room for 3" in world.cli("status"))
        world.agent("two", slots="cpu=1")
        world.finish(sweep)
        all_checks(world, 1, 4)


for case in sys.argv[2:] or [all_ranks_run_on_this_machine, a_rank_that_fails_ends_the_others_at_once_and_is_named,
                             a_rank_that_is_killed_ends_the_others_too, ranks_on_two_agents_meet_and_step_together,
                             ranks_that_get_nowhere_are_ended_as_silent_wherever_they_are, a_rank_that_fails_ends_the_ranks_of_other_agents,
                             a_gang_whose_agent_is_killed_goes_on_with_others_from_its_checkpoint, a_killed_coordinator_finds_the_gang_running,
                             a_coordinator_killed_at_any_moment_of_the_gathering_starts_no_gang_twice,
                             what_a_scheduler_pauses_is_paused_and_resumed_as_a_whole, each_rank_sees_a_device_of_its_own,
                             of_two_gangs_with_room_for_one_the_other_waits_and_none_holds_half,
                             gangs_of_two_experiments_and_small_trials_of_a_third_share_agents_and_none_stands_still, what_waits_says_so]:
    case = globals()[case] if isinstance(case, str) else case
    case()
    print("ok", case.__name__.replace("_", " "), flush=True)
print(checks.count, "checks")
