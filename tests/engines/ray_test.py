#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ray engine against a real Ray on this machine, with its token. usage: ray_test.py PROBE

`ray` is that of TUNE_TEST_RAY or of PATH (in a virtual environment: pip install "ray[default]"). Exit 77 where there is none."""
import os
import subprocess
import sys
import tempfile

import ray_cluster
import real
from real import wait_for

if not ray_cluster.program:
    print("SKIP: the ray engine: " + ray_cluster.MISSING)
    sys.exit(77)


class Test(real.Engine):
    def __init__(self, folder, cluster):
        super().__init__(sys.argv[1], "ray", folder, dict(os.environ), {"address": f"http://127.0.0.1:{cluster.dashboard}", "token_file": cluster.token})
        self.cluster = cluster

    def agents(self, key):
        return set(real.processes_with(self.cluster.mark, "TUNE_ALLOCATION=" + key))

    def what_is_no_ray_is_refused_and_so_is_a_wrong_token(self):
        wrong = os.path.join(self.folder, "wrong")
        with open(wrong, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("0" * 64)
        refused = self.check({"token_file": wrong})
        assert refused["error"] == "invalid" and "(40" in refused["message"] and "token" in refused["message"], refused
        refused = self.check({"token_file": ""})
        assert "(401): Unauthorized: Missing authentication token" in refused["message"], refused
        assert self.check({"address": f"http://127.0.0.1:{real.free_ports(1)[0]}"})["error"] == "unreachable"

    def an_agent_runs_and_knows_its_allocation_and_its_end(self):
        def submitted():  # Not at once: the cluster has just started.
            answer = self.submit("alone")
            assert answer == "alone" or answer["error"] == "unreachable", answer
            return answer == "alone"
        wait_for("Ray takes a job", submitted)
        wait_for("it runs", lambda: self.state("alone") == "running", 60)
        wait_for("it speaks", lambda: " alone " in self.log("alone"))
        line = next(line for line in self.log("alone").splitlines() if line.startswith(" alone "))
        deadline = line.split()[1]
        assert deadline.isdigit() and line.endswith(" agent --join /shared/join.json stay"), line
        seen = self.list("alone")[0]
        assert seen["id"] == "alone" and len(seen["nodes"]) == 1 and not seen["missing"], seen

    def the_same_key_is_submitted_once(self):
        assert self.submit("alone") == "alone"
        assert self.state("alone") == "running"

    def one_that_finds_no_room_waits_and_says_so(self):
        self.submit("waits", cpu=4)
        seen = wait_for("it waits", lambda: [a for a in self.list("waits") if a["state"] == "queued"])[0]
        assert "waiting for resources" in seen["reason"], seen

    def what_waits_is_ended_no_sooner_than_there_is_room(self):
        assert self.cancel("waits") == "done"
        assert self.state("waits") == "queued"  # Ray takes note, and does nothing yet.

    def what_is_cancelled_ends_and_its_agents_are_asked_to_go(self):
        assert self.cancel("alone") == "done" and self.cancel("never-was") == "done"
        wait_for("its end", lambda: self.state("alone") == "ended")
        wait_for("it was asked", lambda: "asked to go" in self.log("alone"))
        wait_for("it is gone", lambda: self.agents("alone") == set())
        assert self.submit("alone") == "alone" and self.state("alone") == "ended", "one that is over is submitted again"
        wait_for("the end of what waited", lambda: self.state("waits") == "ended", 60)

    def an_agent_that_fails_is_told_apart(self):
        self.submit("bad", argument="exit3"), self.submit("good", argument="exit0")
        wait_for("both ends", lambda: [a["state"] for a in self.list("bad", "good")] == ["failed", "ended"], 60)
        assert "3" in self.list("bad")[0]["reason"], self.list("bad")

    def several_agents_are_placed_together_and_end_together(self):
        self.submit("three", agents=3)
        wait_for("three agents", lambda: sum(" three " in line for line in self.log("three").splitlines()) == 3, 90)
        assert self.cancel("three") == "done"
        wait_for("its end", lambda: self.state("three") == "ended")
        wait_for("no agent is left", lambda: self.agents("three") == set())

    def a_cluster_that_is_away_says_nothing_and_a_new_one_knows_nothing(self):
        self.submit("lost")
        wait_for("it runs", lambda: self.state("lost") == "running", 60)
        self.cluster.kill()
        seen = self.list("lost:lost")[0]
        assert (seen["state"], seen["missing"]) == ("unknown", False) and "connecting to" in seen["reason"], seen
        assert self.submit("new")["error"] == "unreachable"
        self.cluster.start(lambda: self.check() == "done")
        seen = self.list("lost:lost", "new")
        assert [(a["state"], a["missing"]) for a in seen] == [("unknown", True)] * 2, seen


with tempfile.TemporaryDirectory(prefix="tune-ray-", ignore_cleanup_errors=True) as folder:
    cluster = ray_cluster.Cluster(folder)
    test = Test(folder, cluster)
    try:
        cluster.start(lambda: test.check() == "done")
        real.run(test.what_is_no_ray_is_refused_and_so_is_a_wrong_token,
                 test.an_agent_runs_and_knows_its_allocation_and_its_end,
                 test.the_same_key_is_submitted_once,
                 test.one_that_finds_no_room_waits_and_says_so,
                 test.what_waits_is_ended_no_sooner_than_there_is_room,
                 test.what_is_cancelled_ends_and_its_agents_are_asked_to_go,
                 test.an_agent_that_fails_is_told_apart,
                 test.several_agents_are_placed_together_and_end_together,
                 test.a_cluster_that_is_away_says_nothing_and_a_new_one_knows_nothing)
    finally:
        cluster.kill()
