# SPDX-License-Identifier: Apache-2.0
"""Real coordinators and agents on this machine, and trials that keep a ledger of their own lives."""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "server"))
import checks  # noqa: E402,F401
from checks import check, expect  # noqa: E402,F401

# A trial of STEPS steps that saves after each, resumes where it was, and writes down when it lived and what was acknowledged.
# A stubborn one waits for no answers and does not end when it is asked to.
TRIAL = r"""
import json, os, signal, sys, time
ledger, steps, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) * float(os.environ.get("SLOW", 1))
line = os.fdopen(int(os.environ["TUNE_FD"]), "r+b", buffering=0)
name, attempt = os.environ["TUNE_TRIAL_ID"], os.environ["TUNE_ATTEMPT"]
def note(what, *more):
    with open(ledger, "a") as file:
        file.write(json.dumps([name, int(attempt), os.getpid(), time.clock_gettime(time.CLOCK_BOOTTIME), what, *more]) + "\n")
first = 1
if "TUNE_CHECKPOINT" in os.environ:
    first = json.load(open(os.environ["TUNE_CHECKPOINT"]))["step"] + 1
x = json.load(open(os.environ["TUNE_PARAMS"]))["x"]
note("begin", first, os.environ.get("CUDA_VISIBLE_DEVICES"))
print(name, attempt, "began", flush=True)
stubborn = "STUBBORN" in os.environ
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
buffer = b""
for step in range(first, steps + 1):
    time.sleep(pause)
    note("alive", step)
    path = os.path.join(os.environ["TUNE_CHECKPOINT_DIR"], "step%d.json" % step)
    with open(path, "w") as file:
        json.dump({"step": step, "ballast": "x" * int(os.environ.get("BALLAST", 0))}, file)
    line.write((json.dumps({"step": step, "loss": x + 1 / step, "checkpoint": path, "sync": not stubborn, "final": step == steps}) + "\n").encode())
    if stubborn:
        continue
    while b"\n" not in buffer:
        more = line.read(65536)
        if not more:
            sys.exit(0)
        buffer += more
    order, buffer = buffer.split(b"\n", 1)
    order = json.loads(order)
    if "seq" in order:
        note("acknowledged", step)
    if order["cmd"] != "continue":
        break
note("end")
"""


class World:
    def __init__(self, tune, steps=5, pause=0.05, program=TRIAL, **config):
        self.tune = os.path.abspath(tune)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.store, self.ledger = os.path.join(self.folder, "tune.db"), os.path.join(self.folder, "ledger")
        open(self.ledger, "w").close()
        with open(os.path.join(self.folder, "trial.py"), "w") as file:
            file.write(program)
        executor = {"type": "pool", **config.pop("executor", {})}
        if executor["type"] == "pool":
            executor.setdefault("agents", 0)
        self.config = {"name": "away", "command": [sys.executable, "trial.py", self.ledger, str(steps), str(pause)],
                       "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss", "goal": "minimize"},
                       "search": {"type": "random"}, "stop": {"trials": 8}, "seed": 7, "checkpoint": {}, "executor": executor, **config}
        self.processes = []
        self.patience = 60  # Seconds for what must come.
        self.around = ()  # Words before the coordinator's command.
        self.at_end = []  # To be done when all is over.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            if process.poll() is None:
                process.kill()
                process.wait()
        for undo in reversed(self.at_end):
            undo()
        self.temporary.cleanup()

    def cli(self, *arguments, code=0):
        done = subprocess.run([self.tune, *arguments, "--store", self.store], capture_output=True, text=True, timeout=120, cwd=self.folder)
        expect(f"exit code of tune {' '.join(arguments)}: {done.stderr}", done.returncode, code)
        return done.stdout

    def sweep(self, *more, env=None):
        path = os.path.join(self.folder, "config.json")
        with open(path, "w") as file:
            json.dump(self.config, file)
        log = open(os.path.join(self.folder, "sweep.log"), "a")
        process = subprocess.Popen([*self.around, self.tune, "sweep", path, "--store", self.store, *more], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, cwd=self.folder, env=env)
        self.processes.append(process)
        return process

    def serve(self, *more):
        """A server of the store, which takes experiments by `submit`."""
        said, log = os.path.join(self.folder, "served"), open(os.path.join(self.folder, "serve.log"), "a")
        process = subprocess.Popen([self.tune, "serve", self.store, "--addr", "127.0.0.1:0", *more], stdout=open(said, "w"), stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        self.until("it serves", lambda: "/?token" in open(said).read())
        self.served = open(said).read().split("/?")[0]
        return process

    def submit(self, **other):
        token = open(self.store + ".d/token").read().strip()
        ask = urllib.request.Request(self.served + "/api/v1/experiments", json.dumps({"config": {**self.config, "cwd": self.folder, **other}}).encode(),
                                     {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
        expect("status of a submission", urllib.request.urlopen(ask, timeout=60).status, 201)

    def status(self, name):
        return json.loads(self.cli("status", name, "--json"))

    def join_file(self, name="join.json", uses=100, address=None):
        path = os.path.join(self.folder, name)
        self.until("the coordinator listens", lambda: os.path.exists(self.store + ".d/agents.address"))
        self.cli("join-token", "--out", path, "--uses", str(uses), *(["--address", address] if address else []))
        return path

    def address(self):
        return open(self.store + ".d/agents.address").read().split()[0]

    def agent(self, name, slots="cpu=2", join=None, flags=(), env=(), around=()):
        """Its processes, and its trials', bear its name in their environment."""
        log = open(os.path.join(self.folder, name + ".log"), "a")
        process = subprocess.Popen([*around, self.tune, "agent", "--join", join or os.path.join(self.folder, "join.json"), "--slots", slots, "--name", name, *flags],
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                   env={**os.environ, "WORLD": f"{self.folder}/{name}", **dict(env)})
        process.mark = f"WORLD={self.folder}/{name}"
        self.processes.append(process)
        return process

    def until(self, what, holds, seconds=None):
        end = time.monotonic() + (seconds or self.patience)
        while time.monotonic() < end:
            if holds():
                return
            time.sleep(0.02)
        sys.exit(f"FAILED: it never came that {what}\n{self.logs()}")

    def logs(self):
        """What became of attempts, and what everybody said."""
        facts = self.facts("Launch", "Started", "Exited", "Fenced", "WorkerJoined", "WorkerLost")
        out = "--- facts\n" + "".join(f"{kind} {json.dumps(body)}\n" for kind, body in facts[-40:])
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                out += f"--- {name}\n" + open(os.path.join(self.folder, name)).read()[-3000:]
        return out + "--- the trials' ledger\n" + "".join(open(self.ledger).readlines()[-20:])

    def facts(self, *kinds):
        if not os.path.exists(self.store):
            return []
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30) as db:
            marks = ",".join("?" * len(kinds))
            return [(kind, json.loads(body)) for kind, body in
                    db.execute(f"SELECT kind, body FROM facts WHERE kind IN ({marks}) ORDER BY id", kinds)]

    def lives(self):
        """Each attempt's times of life by its own word: {(trial, attempt): [times]}."""
        lives = {}
        for line in open(self.ledger):
            if line.endswith("\n"):
                name, attempt, _, at, *_ = json.loads(line)
                lives.setdefault((name, attempt), []).append(at)
        return lives

    def ledger_lines(self, what):
        return [one for one in (json.loads(line) for line in open(self.ledger) if line.endswith("\n")) if one[4] == what]

    def check_never_two_at_once(self):
        spans = {}
        for (name, attempt), times in self.lives().items():
            spans.setdefault(name, []).append((attempt, min(times), max(times)))
        for name, attempts in spans.items():
            attempts.sort()
            for (_, _, end), (_, begin, _) in zip(attempts, attempts[1:]):
                check(f"no two attempts of {name} lived at once", end <= begin)

    def check_nothing_lost(self):
        """Every report that a trial was told is safe is in the store, once."""
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30) as db:
            kept = db.execute("SELECT t.number, r.attempt, r.step, count(*) FROM reports r JOIN trials t ON t.id = r.trial GROUP BY 1, 2, 3").fetchall()
        counts = {(number, attempt, step): count for number, attempt, step, count in kept}
        for name, attempt, _, _, _, step in self.ledger_lines("acknowledged"):
            found = counts.get((int(name.split("/")[1]), attempt, step))
            if found != 1:
                print(self.logs(), flush=True)
            expect(f"reports of {name} attempt {attempt} step {step}", found, 1)

    def check_in_order(self):
        """Reports of an attempt are recorded in the order in which it made them."""
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30) as db:
            rows = db.execute("SELECT trial, attempt, step FROM reports ORDER BY id").fetchall()
        newest = {}
        for trial, attempt, step in rows:
            check(f"step {step} of trial {trial & 0xffffff} attempt {attempt} came after {newest.get((trial, attempt), 0)}", step > newest.get((trial, attempt), 0))
            newest[trial, attempt] = step

    def states(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30) as db:
            return dict(db.execute("SELECT state, count(*) FROM trials GROUP BY 1").fetchall())

    def expect_states(self, wanted):
        """How many trials are in each state."""
        if self.states() != wanted:
            print(self.logs(), flush=True)
        expect("the trials", self.states(), wanted)

    def finish(self, sweep, code=0, seconds=120):
        try:
            got = sweep.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            sys.exit(f"FAILED: the sweep does not end\n{self.logs()}")
        if got != code:
            sys.exit(f"FAILED: the sweep ended with {got}, not {code}\n{self.logs()}")


def boot_time():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def guards_of(agent):
    """Its guard, by the name that it gives itself, whoever its parent became. An agent that was started a moment ago has none yet."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/comm").read() == "tune-guard\n" and agent.mark in open(f"/proc/{pid}/environ", errors="replace").read().split("\0"):
                found.append(int(pid))
        except OSError:
            pass
    return found
