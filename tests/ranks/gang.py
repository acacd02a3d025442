# SPDX-License-Identifier: Apache-2.0
"""Ranks of one attempt as `tune ranks` runs them, and what they wrote down of themselves."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "server"), os.path.join(here, "..", "engines")]
import checks  # noqa: E402,F401
from checks import check, expect  # noqa: E402,F401
from real import free_ports, kill_all, processes_with, wait_for  # noqa: E402

PATIENCE = 300  # Seconds, of a machine that has much else to do.

# A rank that writes down what it sees, and does what its arguments say: `fail RANK CODE` and `die RANK` do so once all are
# there, `save` counts signals and ends well a while after the first, `stay` lives on with a child that left the group.
RANK = r"""
import json, os, signal, socket, stat, subprocess, sys, time
folder, what = sys.argv[1], sys.argv[2:]
rank = int(os.environ["RANK"])
heard = []
if what[:1] == ["save"]:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: heard.append(number))
def is_socket(fd):
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False
def note(name, value):
    with open(f"{folder}/{name}-{rank}.new", "w") as file:
        json.dump(value, file)
    os.rename(f"{folder}/{name}-{rank}.new", f"{folder}/{name}-{rank}")
print("rank", rank, "speaks", flush=True)
print("rank", rank, "complains", file=sys.stderr, flush=True)
if "TUNE_FD" in os.environ:
    os.write(int(os.environ["TUNE_FD"]), b'{"loss": %d}\n' % rank)
if what:
    subprocess.Popen(["sleep", "600"], start_new_session=True)
note("seen", {"env": dict(os.environ), "channel": is_socket(3), "pid": os.getpid(), "group": os.getpgrp()})
while what and len([name for name in os.listdir(folder) if name.startswith("seen-") and not name.endswith(".new")]) < int(os.environ["WORLD_SIZE"]):
    time.sleep(0.01)
if what[:1] == ["fail"] and rank == int(what[1]):
    note("failed", time.time())
    sys.exit(int(what[2]))
if what[:1] == ["die"] and rank == int(what[1]):
    note("failed", time.time())
    os.kill(os.getpid(), signal.SIGKILL)
while what and not heard:
    time.sleep(0.01)
if heard:
    time.sleep(0.3 + 0.2 * rank)
    note("heard", heard)
"""


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Gang:
    """`ranks` says how many there are on each machine; all of them are this one."""

    def __init__(self, tune, launch="env", ranks=(3,), names=None, address="127.0.0.1", devices=None):
        self.tune, self.launch, self.ranks, self.address = os.path.abspath(tune), launch, list(ranks), address
        self.names = names or ["localhost"] * len(ranks)
        self.devices = devices
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.port = free_ports(1)[0]
        self.processes = []
        self.program = os.path.join(self.folder, "rank.py")
        with open(self.program, "w") as file:
            file.write(RANK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        kill_all(self.processes_of_ranks())
        self.temporary.cleanup()

    def token(self, node):
        """Each machine's tune makes its own."""
        return f"{self.folder}#{node}"

    def processes_of_ranks(self):
        return [pid for node in range(len(self.ranks)) for pid in processes_with(f"TUNE_ATTEMPT_TOKEN={self.token(node)}")]

    @property
    def world(self):
        return sum(self.ranks)

    def logs(self, node=0):
        return os.path.join(self.folder, f"logs-{node}")

    def plan(self, node=0, **changes):
        first = sum(self.ranks[:node])
        devices = self.devices[first:first + self.ranks[node]] if self.devices else []
        return json.dumps({"first": first, "count": self.ranks[node], "world": self.world, "node": node, "nodes": len(self.ranks), "address": self.address,
                           "port": self.port, "hosts": [{"name": name, "ranks": count} for name, count in zip(self.names, self.ranks)], "devices": devices,
                           "launch": self.launch, "folder": self.logs(node), **changes})

    def start(self, *what, node=0, program=None, plan=None, env=None):
        """As the Supervisor does: a group of its own, pipes for what it prints, a socket at 3."""
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(20)
        variables = {name: value for name, value in os.environ.items() if not name.startswith("TUNE_")}
        variables.update({"TUNE_FD": "3", "TUNE_SOCK": "/nowhere", "TUNE_TOKEN": "secret", "TUNE_TRIAL_ID": "gang/7", "TUNE_ATTEMPT": "1",
                          "TUNE_MACHINE": str(node), "TUNE_ATTEMPT_TOKEN": self.token(node), **(env or {})})
        process = subprocess.Popen([self.tune, "ranks", "--plan", plan or self.plan(node), "--",
                                    *(program or [sys.executable, self.program, self.folder, *what])],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, start_new_session=True,
                                   pass_fds=(3,), preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.processes.append(process)
        return process

    def read(self, what, rank):
        path = os.path.join(self.folder, f"{what}-{rank}")
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return json.load(file)

    def all_there(self):
        return wait_for("every rank is there", lambda: all(self.read("seen", rank) for rank in range(self.world)), PATIENCE)

    def first_rank(self, node=0):
        path = os.path.join(self.logs(node), "first_rank.json")
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return json.load(file)

    def log(self, rank, which="stdout", node=0):
        with open(os.path.join(self.logs(node), f"rank-{rank}.{which}.log")) as file:
            return file.read()

    def nothing_is_left(self):
        """Once the kernel has let go of what was killed."""
        end = time.monotonic() + 5
        while left := self.processes_of_ranks():
            if time.monotonic() > end:
                expect("what is left", [command_of(pid) for pid in left], [])
            time.sleep(0.01)

    # --- what holds for every way of starting ranks ------------------------------------------------------------------

    def check_what_each_rank_sees(self):
        for rank in range(self.world):
            node = next(n for n in range(len(self.ranks)) if rank < sum(self.ranks[:n + 1]))
            seen, local = self.read("seen", rank), rank - sum(self.ranks[:node])
            env = seen["env"]
            for name, wanted in {"RANK": rank, "WORLD_SIZE": self.world, "LOCAL_RANK": local, "LOCAL_WORLD_SIZE": self.ranks[node], "NODE_RANK": node,
                                 "GROUP_RANK": node, "MASTER_ADDR": self.address, "MASTER_PORT": self.port, "TUNE_TRIAL_ID": "gang/7", "TUNE_ATTEMPT": 1,
                                 "TUNE_MACHINE": node, "TUNE_ATTEMPT_TOKEN": self.token(node)}.items():
                expect(f"{name} of rank {rank}", env.get(name), str(wanted))
            expect(f"TF_CONFIG's index of rank {rank}", json.loads(env["TF_CONFIG"])["task"]["index"], rank)
            for name in ("TUNE_FD", "TUNE_SOCK", "TUNE_TOKEN"):
                expect(f"{name} is known to rank {rank}", name in env, rank == 0)
            expect(f"rank {rank} holds the report channel", seen["channel"], rank == 0)

    def check_outlets(self, out, err):
        """What rank 0 says is ours; the others' is in files of their machine's."""
        check(f"rank 0 alone is heard: {out!r}", "rank 0 speaks" in out and "rank 1" not in out)
        check(f"so are its complaints: {err!r}", "rank 0 complains" in err and "rank 1" not in err)
        expect("report", self.channel.recv(100), b'{"loss": 0}\n')
        for rank in range(1, self.world):
            node = next(n for n in range(len(self.ranks)) if rank < sum(self.ranks[:n + 1]))
            expect(f"log of rank {rank}", self.log(rank, node=node), f"rank {rank} speaks\n")
            expect(f"stderr of rank {rank}", self.log(rank, "stderr", node), f"rank {rank} complains\n")

    def check_first_failure(self, process, rank, code=None):
        """It is named, and nobody outlives it for more than a second."""
        process.communicate(timeout=PATIENCE)
        took = time.time() - self.read("failed", rank)
        expect("exit code", process.returncode, -signal.SIGKILL if code is None else code)
        expect("first rank", self.first_rank(), {"rank": rank, "signal": 9} if code is None else {"rank": rank, "exit": code})
        self.nothing_is_left()
        check(f"within a second: {took:.3f} s", took < 1)
