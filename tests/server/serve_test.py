#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real `tune serve`: experiments submitted, ended, gone on with and asked for over HTTP. usage: serve_test.py TUNE"""
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import checks
from checks import expect

# A trial that knows HTTP and nothing else of ours; its ledger has what was acknowledged to it.
TRIAL = r"""
import http.client, json, os, sys, time, urllib.parse
url, token = urllib.parse.urlsplit(os.environ["TUNE_URL"]), os.environ["TUNE_TOKEN"]
x = json.load(open(os.environ["TUNE_PARAMS"]))["x"]
for step in range(1, 7):
    server = http.client.HTTPConnection(url.netloc, timeout=60)
    server.request("POST", url.path, json.dumps({"step": step, "loss": x / step, "seq": step}),
                   {"Content-Type": "application/json", "Authorization": "Bearer " + token})
    answer = server.getresponse()
    order = json.loads(answer.read().splitlines()[-1])
    assert answer.status == 200, order
    with open(sys.argv[1], "a") as ledger:
        ledger.write(" ".join([os.environ["TUNE_TRIAL_ID"], os.environ["TUNE_ATTEMPT"], str(step)]) + "\n")
    if order["cmd"] != "continue":
        break
    time.sleep(float(sys.argv[2]))
"""


class Serve:
    """`tune serve` on a free port."""

    def __init__(self, tune, store, *options):
        self.log = open(store + ".log", "a")
        self.process = subprocess.Popen([tune, "serve", store, "--addr", "127.0.0.1:0", *options], stdout=subprocess.PIPE,
                                        stderr=self.log, stdin=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline().split("/")[2].split(":")[1])
        with open(store + ".d/token") as file:
            self.token = file.read().strip()

    def ask(self, method, target, body=None, token=None):
        server = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": "Bearer " + (token or self.token), "Content-Type": "application/json"}
        server.request(method, target, None if body is None else body if isinstance(body, str) else json.dumps(body), headers)
        answer = server.getresponse()
        data = answer.read()
        server.close()
        return answer.status, [json.loads(line) for line in data.splitlines()] if b"\n" in data else json.loads(data or b"null")

    def done(self, method, target, body=None, status=200):
        got, answer = self.ask(method, target, body)
        expect(f"status of {method} {target}: {answer}", got, status)
        return answer

    def states(self):
        return {one["name"]: one["state"] for one in self.done("GET", "/api/v1/served")["experiments"]}

    def until(self, what, holds):
        for _ in range(600):
            if holds():
                return
            time.sleep(0.1)
        sys.exit(f"FAILED: it never came that {what}: {self.ask('GET', '/api/v1/served')}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        expect("exit code after Ctrl-C", self.process.wait(timeout=60), 0)


tune = os.path.abspath(sys.argv[1])
folder = tempfile.TemporaryDirectory()
store = os.path.join(folder.name, "lab.db")
ledger = os.path.join(folder.name, "ledger")
with open(os.path.join(folder.name, "trial.py"), "w") as file:
    file.write(TRIAL)


def config(name, trials=4, pause="0", **more):
    return {"name": name, "command": [sys.executable, os.path.join(folder.name, "trial.py"), ledger, pause],
            "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss", "goal": "minimize"},
            "stop": {"trials": trials}, "seed": 7, **more}


def cli(*arguments):
    return subprocess.run([tune, *arguments, "--store", store], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def recorded(name):
    """(trial, attempt, step) of every report that the store has."""
    rows = cli("export", name, "--format", "journal").stdout.splitlines()
    facts = [json.loads(row) for row in rows]
    return [(f["trial"], f["attempt"], f["step"]) for f in facts if f.get("kind") == "Reported"]


def missing(acknowledged, name):
    """What a trial was told is safe and the store does not have exactly once."""
    known = recorded(name)
    lines = [line.split() for line in acknowledged.splitlines() if line.startswith(name + "/")]
    wanted = [(int(trial.split("/")[1]), int(attempt), int(step)) for trial, attempt, step in lines]
    return [one for one in wanted if known.count(one) != 1]


# --- submitted, in line, run to the end
server = Serve(tune, store, "--at-once", "2")
expect("nothing is served at first", server.states(), {})
expect("no experiments are no error", server.done("GET", "/api/v1/experiments")["experiments"], [])
for name in ("a", "b", "c"):
    answer = server.done("POST", "/api/v1/experiments", {"config": config(name, pause="0.02")}, 201)
    expect("name of what was submitted", answer["name"], name)
expect("the third waits for its turn", server.states()["c"], "waiting")
status, answer = server.ask("POST", "/api/v1/experiments", {"config": config("a")})
expect("what is being run cannot be submitted again", status, 409)
server.until("all are over", lambda: set(server.states().values()) == {"over"})
for name in ("a", "b", "c"):
    one = server.done("GET", f"/api/v1/experiments/{name}")
    expect(f"{name}", (one["state"], one["counts"]["complete"]), ("finished", 4))
    expect(f"reports of {name}", len(recorded(name)), 24)
expect("what is over is not run again", server.ask("POST", "/api/v1/experiments/a/run", {})[0], 409)
more = server.done("POST", "/api/v1/experiments", {"config": config("a"), "settings": ["stop.trials=6"]}, 201)
server.until("the larger budget is used up", lambda: server.states()["a"] == "over")
expect("more trials for a larger budget", server.done("GET", "/api/v1/experiments/a")["counts"]["complete"], 6)
other = server.done("POST", "/api/v1/experiments", {"config": config("a"), "resume": "never"}, 201)
expect("another of that name", other["name"], "a-2")

# --- what is refused
for what, body in {"no object": "[]", "no JSON": "{", "no config": {}, "no name": {"config": {**config("z"), "name": None}},
                   "an unknown member": {"config": config("z"), "x": 1}, "a bad setting": {"config": config("z"), "settings": [1]},
                   "a bad config": {"config": {**config("z"), "params": {"x": {"type": "unifrom"}}}},
                   "a resume of a third kind": {"config": config("z"), "resume": "maybe"}}.items():
    expect(f"{what} is refused", server.ask("POST", "/api/v1/experiments", body)[0], 400)
for what in ("run", "end"):
    expect(f"{what} of what there is not", server.ask("POST", f"/api/v1/experiments/nobody/{what}", {})[0], 404)

# --- ended, and gone on with
server.done("POST", "/api/v1/experiments", {"config": config("long", 40, "0.05")}, 201)
server.until("some of it is done", lambda: server.ask("GET", "/api/v1/experiments/long")[1].get("counts", {}).get("complete", 0) > 2)
report = "/api/v1/experiments/long/trials/{}/attempts/{}/reports"
for trial, token, wanted in ((0, "0" * 32, 401), (0, "", 401)):
    expect(f"a report with {token!r}", server.ask("POST", report.format(trial, 1), {"loss": 1}, token or "x")[0], wanted)
expect("a line that is no report", server.ask("POST", report.format(0, 1), '{"loss":')[0], 400)
expect("nothing to report", server.ask("POST", report.format(0, 1), "\n")[0], 400)
expect("an attempt that is over is told to stop", server.ask("POST", report.format(0, 1), {"loss": 1})[1][0]["cmd"], "stop")
server.done("POST", "/api/v1/experiments/long/end", {})
server.until("its run has ended", lambda: server.states()["long"] == "over")
expect("it is not the next owner's", server.done("GET", "/api/v1/experiments/long")["tags"], [])
expect("it cannot be ended twice", server.ask("POST", "/api/v1/experiments/long/end", {})[0], 404)
server.done("POST", "/api/v1/experiments/long/run", {})
server.until("it runs again", lambda: server.states()["long"] == "running")

# Also in the moment in which it is being opened.
for n in range(8):
    name = f"short{n}"
    server.done("POST", "/api/v1/experiments", {"config": config(name, 40, "0.05")}, 201)
    time.sleep(n * 0.004)
    server.done("POST", f"/api/v1/experiments/{name}/end", {})
    server.until("its run has ended", lambda: server.states()[name] == "over")
    expect("what was ended at once is not the next owner's", server.done("GET", f"/api/v1/experiments/{name}")["tags"], [])

# --- killed: the next one goes on, and nothing that was acknowledged is lost
before = server.done("GET", "/api/v1/experiments/long")["counts"]["complete"]
server.until("it is further", lambda: server.done("GET", "/api/v1/experiments/long")["counts"]["complete"] > before + 2)
server.process.kill()
server.process.wait()
server = Serve(tune, store)
expect("it is taken up", server.states(), {"long": "running"})
server.until("it is over", lambda: server.states() == {"long": "over"})
expect("all of its trials", server.done("GET", "/api/v1/experiments/long")["counts"]["complete"], 40)
with open(ledger) as file:
    acknowledged = file.read()
for name in ("a", "b", "c", "long"):
    expect(f"acknowledged reports that {name} does not have", missing(acknowledged, name), [])
expect("a report that nobody made would be missed", missing(acknowledged + "long/0 1 77\n", "long"), [(0, 1, 77)])
expect("replay", cli("replay", "long", "--verify").returncode, 0)

# --- asked for
space = {"name": "space", "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "stop": {"trials": 5},
         "objective": {"metric": "loss", "goal": "minimize"}}
expect("state of what is asked for", server.done("POST", "/api/v1/experiments", {"config": space, "run": False}, 201)["state"], "asked")
ask = "/api/v1/experiments/space/ask"
for n in range(5):
    asked = server.done("POST", ask, {"ask": {}})
    expect("trial", asked["trial"], n)
    expect("order", server.done("POST", ask, {"report": n, "step": 1, "metrics": {"loss": 2}})["order"], "continue")
    expect("state", server.done("POST", ask, {"tell": n, "metrics": {"loss": asked["params"]["x"]}})["state"], "complete")
expect("no more", server.done("POST", ask, {"ask": {}})["nothing"]["over"], True)
expect("a trial that is told of twice", server.ask("POST", ask, {"tell": 0, "metrics": {"loss": 1}})[0], 409)
expect("a trial that there is not", server.ask("POST", ask, {"tell": 9, "metrics": {"loss": 1}})[0], 404)
expect("no request", server.ask("POST", ask, {"tel": 9})[0], 400)
expect("nobody's experiment", server.ask("POST", "/api/v1/experiments/nobody/ask", {"ask": {}})[0], 404)
expect("it has no program", server.ask("POST", "/api/v1/experiments/space/run", {})[0], 409)
expect("others have their turn", cli("ask", "space").returncode, 4)  # Over: there is nothing to ask for.

# --- how it ends
server.done("POST", "/api/v1/experiments", {"config": config("rest", 40, "0.05")}, 201)
server.until("it runs", lambda: server.states()["rest"] == "running")
server.end()
expect("it is nobody's now", cli("status", "rest", "--json").stdout.count('"interrupted"'), 1)
server = Serve(tune, store)
expect("and the next one's", server.states(), {"rest": "running"})
server.process.send_signal(signal.SIGTERM)
expect("exit code after SIGTERM", server.process.wait(timeout=60), 143)

# --- a server that only shows
with subprocess.Popen([tune, "ui", store, "--addr", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ui:
    server.port = int(ui.stdout.readline().split("/")[2].split(":")[1])
    expect("it runs nothing", server.ask("POST", "/api/v1/experiments", {"config": config("z")})[0], 409)
    expect("and says so", server.done("GET", "/api/v1/served")["serves"], False)
    ui.send_signal(signal.SIGINT)
print(f"{checks.count} checks")
