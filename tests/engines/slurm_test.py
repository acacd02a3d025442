#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The slurm engine against a real Slurm on this machine. usage: slurm_test.py PROBE. Exit 77 where Slurm is not installed."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import real
import slurm_cluster
from real import wait_for

if slurm_cluster.missing():
    print(f"SKIP: the slurm engine: there is no Slurm (Debian packages {slurm_cluster.missing()})")
    sys.exit(77)


class Test(real.Engine):
    def __init__(self, folder, cluster):
        super().__init__(sys.argv[1], "slurm", folder, cluster.environment)
        self.cluster = cluster

    def jobs(self, key):
        return subprocess.run(["squeue", "-h", "-t", "all", "-o", "%i", "--name=" + key], env=self.cluster.environment, capture_output=True, text=True).stdout.split()

    def instead_of(self, program, script):
        """A folder for the front of PATH where `program` is this script; the real one is $REAL in it."""
        folder = os.path.join(self.folder, "path-" + program)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, program), "w") as file:
            file.write(f"#!/bin/sh\nREAL={shutil.which(program, path=self.cluster.environment['PATH'])}\n{script}\n")
        os.chmod(os.path.join(folder, program), 0o755)
        return folder

    # Each test is a sentence. They share the cluster, which has two nodes of four CPUs, and leave it idle.

    def a_request_that_fits_is_granted_by_a_dry_run_that_leaves_nothing(self):
        assert self.check(agents=2, cpu=4) == "done"
        assert self.jobs("tune-check") == []

    def an_impossible_request_is_refused_in_slurms_own_words(self):
        refused = self.check(cpu=99)
        assert refused["error"] == "invalid" and "Requested node configuration is not available" in refused["message"], refused
        refused = self.check(site_args=["--partition=nope"])
        assert "invalid partition specified: nope" in refused["message"], refused

    def one_agent_runs_on_each_node_and_knows_where_it_is(self):
        job = self.submit("both", path=self.cluster.with_logins(), agents=2, cpu=4, argument="two words")
        wait_for("both agents speak", lambda: len(self.log("both").splitlines()) == 2)
        seen = self.list("both")[0]
        assert seen == {"key": "both", "id": job, "state": "running", "missing": False, "reason": "RUNNING", "nodes": ["n1", "n2"], "end": seen["end"]}, seen
        assert 0 < seen["end"] - time.time() <= 600, seen
        assert sorted(self.log("both").splitlines()) == [f"{node} both {int(seen['end'])} agent --join /shared/join.json two words" for node in ("n1", "n2")], self.log("both")

    def an_allocation_without_room_waits_and_says_why(self):
        self.submit("waits", cpu=4)
        seen = self.list("waits", "both")
        assert [a["state"] for a in seen] == ["queued", "running"], seen
        wait_for("the reason", lambda: self.list("waits")[0]["reason"] in ("PENDING (Resources)", "PENDING (Priority)"))
        assert seen[0]["nodes"] == [], seen

    def what_is_cancelled_ends_and_its_agents_are_asked_to_go(self):
        assert self.cancel("waits") == "done"
        assert self.cancel("both:" + self.jobs("both")[0]) == "done"
        wait_for("the ends", lambda: [a["state"] for a in self.list("both", "waits")] == ["ended", "ended"])
        wait_for("agents were asked", lambda: sorted(self.log("both").splitlines()[-2:]) == ["n1 asked to go", "n2 asked to go"] or "n1 asked to go" in self.log("both"))
        assert "CANCELLED" in self.list("waits")[0]["reason"]
        assert self.cancel("both") == "done" and self.cancel("never-was") == "done"

    def ends_are_told_apart(self):
        self.submit("good", argument="exit0"), self.submit("bad", argument="exit3")
        wait_for("both ends", lambda: [a["state"] for a in self.list("good", "bad")] == ["ended", "failed"])

    def the_same_key_is_submitted_once(self):
        first, second = self.submit("once"), self.submit("once")
        assert first == second and self.jobs("once") == [first]
        self.cancel("once")
        wait_for("its end", lambda: self.state("once") == "ended")
        assert self.submit("once") == first, "one that is over is submitted again"

    def a_crash_before_the_id_was_noted_submits_nothing_twice(self):
        path = self.instead_of("sbatch", '"$REAL" "$@" >/dev/null; kill -9 $PPID')
        assert self.submit("crash", path=path) is None  # Killed.
        assert len(self.jobs("crash")) == 1
        wait_for("it is seen by its key", lambda: self.state("crash") == "running")
        assert self.submit("crash") == self.jobs("crash")[0] and len(self.jobs("crash")) == 1
        self.cancel("crash")

    def one_that_was_never_submitted_is_missing(self):
        seen = self.list("never-was")[0]
        assert seen["state"] == "unknown" and seen["missing"], seen

    def what_squeue_has_forgotten_is_known_from_the_file_of_ended_jobs(self):
        path = self.instead_of("squeue", "exit 0")
        job = self.jobs("bad")[0]
        seen = self.list("bad:" + job, "bad", path=path)
        assert seen[0]["state"] == "failed" and seen[0]["reason"].startswith("FAILED"), seen
        assert self.list("gone:999999", path=path)[0]["missing"]

    def while_the_controller_is_away_nothing_is_known_and_nothing_submitted(self):
        job = self.submit("outlives")
        wait_for("it runs", lambda: self.state("outlives") == "running")
        self.cluster.kill_controller()
        seen = self.list("outlives:" + job, "other")
        assert [(a["state"], a["missing"]) for a in seen] == [("unknown", False)] * 2, seen
        assert "Unable to contact" in seen[0]["reason"], seen
        assert self.submit("outlives")["error"] == "unreachable"
        assert self.submit("new")["error"] == "unreachable"
        self.cluster.start_controller()
        wait_for("it is seen to run", lambda: self.state("outlives") == "running")
        assert self.submit("outlives") == job and self.jobs("outlives") == [job] and self.jobs("new") == []
        self.cancel("outlives")

    def when_a_node_dies_the_other_agents_go_on(self):
        self.submit("half", agents=2)
        wait_for("both agents speak", lambda: len(self.log("half").splitlines()) == 2, 90)  # The nodes may not be known to be up yet.
        self.submit("whole", site_args=["--nodelist=n2"])
        wait_for("it runs", lambda: self.state("whole") == "running")
        self.cluster.kill_node("n2")
        wait_for("one is lost, one goes on", lambda: [(a["state"], a["nodes"]) for a in self.list("half", "whole")] == [("running", ["n1"]), ("lost", ["n2"])], 90)
        assert "NODE_FAIL" in self.list("whole")[0]["reason"]

    def run(self):
        real.run(self.a_request_that_fits_is_granted_by_a_dry_run_that_leaves_nothing,
                 self.an_impossible_request_is_refused_in_slurms_own_words,
                 self.one_agent_runs_on_each_node_and_knows_where_it_is,
                 self.an_allocation_without_room_waits_and_says_why,
                 self.what_is_cancelled_ends_and_its_agents_are_asked_to_go,
                 self.ends_are_told_apart,
                 self.the_same_key_is_submitted_once,
                 self.a_crash_before_the_id_was_noted_submits_nothing_twice,
                 self.one_that_was_never_submitted_is_missing,
                 self.what_squeue_has_forgotten_is_known_from_the_file_of_ended_jobs,
                 self.while_the_controller_is_away_nothing_is_known_and_nothing_submitted,
                 self.when_a_node_dies_the_other_agents_go_on)


with tempfile.TemporaryDirectory(prefix="tune-slurm-") as folder:
    with slurm_cluster.Cluster(os.path.join(folder, "cluster")) as cluster:
        Test(folder, cluster).run()
