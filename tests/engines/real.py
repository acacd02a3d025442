# SPDX-License-Identifier: Apache-2.0
"""What the tests of engines have in common: programs of somebody else's, started and ended without a trace, and an engine
driven by its probe."""
import json
import os
import signal
import socket
import subprocess
import time

AGENT = """#!/bin/sh
# What an engine starts in the place of `tune agent`: says how it was called, then lives until it is told to go.
echo "$TUNE_NODE $TUNE_ALLOCATION $TUNE_DEADLINE $*"
trap 'echo "$TUNE_NODE asked to go"; exit 0' TERM
case $4 in exit*) exit "${4#exit}" ;; esac
while :; do sleep 0.2; done
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for(what, condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.1)
    return answer


def processes_with(*words):
    """Those that have all these NAME=VALUE in the environment that they were started with."""
    wanted = [word.encode() for word in words]
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                environment = file.read().split(b"\0")
        except OSError:
            continue
        if entry.isdigit() and all(word in environment for word in wanted):
            yield int(entry)


def family(pids):
    """These and whatever descends from them."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                children.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            pass
    found, left = set(), list(pids)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, [])
    return found


def kill_all(pids, number=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Engine:
    """An engine by its probe. `folder` gets the agents' program and the engine's logs."""

    def __init__(self, probe, name, folder, environment, options=None):
        self.probe, self.name, self.folder, self.environment, self.options = os.path.abspath(probe), name, folder, environment, options or {}
        self.agent, self.logs = os.path.join(folder, "agent"), os.path.join(folder, "logs")
        with open(self.agent, "w") as file:
            file.write(AGENT)
        os.chmod(self.agent, 0o755)

    def spec(self, agents=1, cpu=1, walltime=600, argument="stay", **more):
        return json.dumps({"agents": agents, "per_agent": {"cpu": cpu, "gpu": 0, "memory": 64 << 20, "custom": {}}, "gang": False, "walltime": walltime, "margin": 120,
                           "join_file": "/shared/join.json", "program": self.agent, "arguments": [argument], "labels": {}, "site_args": [], **more})

    def call(self, *words, path=None, options=None):
        environment = dict(self.environment)
        if path:
            environment["PATH"] = path + ":" + environment["PATH"]
        done = subprocess.run([self.probe, self.name, self.logs, json.dumps({**self.options, **(options or {})}), *words], env=environment, capture_output=True, text=True,
                              timeout=120)
        return json.loads(done.stdout) if done.stdout else None

    def check(self, options=None, **spec):
        return self.call("check", self.spec(**spec), options=options)

    def submit(self, key, path=None, **spec):
        return self.call("submit", self.spec(**spec), key, path=path)

    def list(self, *names, path=None):
        return self.call("list", *names, path=path)

    def state(self, name):
        return self.list(name)[0]["state"]

    def cancel(self, name):
        return self.call("cancel", name)

    def log(self, key):
        answer = self.call("logs", key, "50")
        return answer if isinstance(answer, str) else ""


def run(*tests):
    for test in tests:
        began = time.monotonic()
        test()
        print(f"{time.monotonic() - began:5.1f} s  {test.__name__.replace('_', ' ')}", flush=True)
