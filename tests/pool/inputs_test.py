# SPDX-License-Identifier: Apache-2.0
"""Data and code on agents that do not see the coordinator's disk.

usage: inputs_test.py TUNE [CASE...]
"""
import json
import os
import signal
import stat
import sys

from network import Network
from world import World, check, checks, expect

tune = sys.argv[1]

PROGRAM = r"""
import json, os, sys, helper
data, folder = sys.argv[1], os.environ["TUNE_INPUT_IMAGES"]
print(json.dumps({"cwd": os.getcwd(), "data": data, "same": os.environ["TUNE_INPUT_DIGITS"], "mode": os.stat(data).st_mode, "code": helper.__file__}),
      file=open(sys.argv[2] + "/seen-" + os.environ["TUNE_TRIAL_NUMBER"], "w"))
text = open(data).read() + open(folder + "/deep/one").read()
print("::tune " + json.dumps({"step": 1, "loss": len(text), "final": True}), flush=True)
"""


class Inputs(World):
    def __init__(self, trials=4, **config):
        command = config.pop("command", [sys.executable, "train.py", "${inputs.digits}"])
        config.setdefault("code", {"root": "project", "include": ["**/*.py"]})
        config.setdefault("inputs", {"digits": "data/digits.txt", "images": {"path": "data/images"}})
        super().__init__(tune, stop={"trials": trials}, cwd="project/src", **config)
        self.config["command"] = [*command, self.folder]
        del self.config["checkpoint"]
        self.write("data/digits.txt", "12345"), self.write("data/images/deep/one", "1234567")
        self.write("project/src/train.py", PROGRAM), self.write("project/src/helper.py", "")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def own_disk(self, name, slots="cpu=2", **more):
        return self.agent(name, slots, flags=["--own-disk", "--folder", os.path.join(self.folder, "disk-" + name), *more.pop("flags", [])], **more)

    def seen(self):
        return [json.load(open(os.path.join(self.folder, name))) for name in sorted(os.listdir(self.folder)) if name.startswith("seen-")]

    def staged(self, name):
        folder = os.path.join(self.folder, "disk-" + name, "staged")
        return sorted(os.listdir(folder)) if os.path.exists(folder) else []


def the_same_config_runs_here_and_on_an_agent_with_another_disk():
    with Inputs(executor={"type": "process"}) as world:
        world.finish(world.sweep())
        expect("where the program started", {one["cwd"] for one in world.seen()}, {world.folder + "/project/src"})
        expect("where the data stands", {one["data"] for one in world.seen()}, {world.folder + "/data/digits.txt"})
        expect("what is recorded", world.facts("Supplied"), [])
    with Inputs() as world:
        sweep = world.sweep()
        world.join_file()
        world.own_disk("far")
        world.finish(sweep)
        disk = world.folder + "/disk-far/staged/"
        expect("states", world.states(), {"complete": 4})
        seen = world.seen()
        check(f"programs start in the copy: {seen}", all(one["cwd"].startswith(disk) and one["cwd"].endswith("/code/src") for one in seen))
        check("and import from it", all(one["code"].startswith(disk) for one in seen))
        check("the data is a copy, for reading", all(one["data"].startswith(disk) and stat.S_IMODE(one["mode"]) == 0o444 for one in seen))
        check("the variable says the same", all(one["data"] == one["same"] for one in seen))
        expect("what is recorded", sorted(body["name"] for _, body in world.facts("Supplied")), ["code", "inputs.digits", "inputs.images"])
        expect("each is brought once", len(world.staged("far")), 3)
        waits = [body for _, body in world.facts("Announced") if body["event"] == "waits"]
        check(f"the first trials say what they wait for: {waits}", waits and "inputs.digits" in waits[0]["text"] and len(waits) <= 2)


def what_was_brought_serves_the_next_experiment_and_a_new_code_its_own():
    with Inputs() as world:
        sweep = world.sweep()
        world.join_file()
        world.own_disk("far")
        world.finish(sweep)
        first = world.staged("far")
        world.config["name"] = "next"
        world.write("project/src/helper.py", "mended = True")
        world.finish(world.sweep())
        expect("what was there is used again", (set(first) <= set(world.staged("far")), len(world.staged("far"))), (True, 4))


def a_changed_input_does_not_go_on_and_changed_code_does():
    with Inputs(trials=2) as world:
        sweep = world.sweep()
        world.join_file()
        world.own_disk("far")
        world.finish(sweep)
        world.config["stop"] = {"trials": 4}
        world.write("data/digits.txt", "12346")
        world.finish(world.sweep(), code=5)
        log = open(world.folder + "/sweep.log").read()
        check("it is said what was changed", "inputs.digits" in log and "is not what this experiment began with" in log)
        world.write("data/digits.txt", "12345")
        world.write("project/src/helper.py", "mended = True")
        world.finish(world.sweep())
        expect("states", world.states(), {"complete": 4})
        expect("the new code is recorded", [body["name"] for _, body in world.facts("Supplied")].count("code"), 2)
        check("and warned of", any(body["subject"] == "code" for _, body in world.facts("Warned")))


def an_input_that_changes_while_it_is_needed_fails_with_its_name():
    with Inputs(trials=1) as world:
        sweep = world.sweep()
        world.join_file()
        world.until("its inputs are recorded", lambda: len(world.facts("Supplied")) == 3)
        world.write("data/digits.txt", "1234x")
        world.own_disk("far")
        world.finish(sweep, code=3)
        exits = [body for _, body in world.facts("Exited")]
        check(f"the cause: {exits}", exits[-1]["cause"] == "exec" and "inputs.digits was changed" in exits[-1]["text"])


def a_cut_line_costs_one_part():
    with Inputs(trials=1) as world:
        world.write("data/images/big", "x" * (40 << 20))
        sweep = world.sweep()
        network = Network(world)
        world.join_file(address=network.address)
        world.own_disk("far")
        arriving = lambda: sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(world.folder + "/disk-far") for name in names)  # noqa: E731
        world.until("some of it is there", lambda: arriving() > 9 << 20)
        network.reset()
        world.finish(sweep)
        expect("states", world.states(), {"complete": 1})
        expect("attempts", len(world.facts("Exited")), 1)


def what_is_shared_is_looked_for_and_not_copied():
    with Inputs(trials=2, inputs={"digits": {"path": "data/digits.txt", "shared": True}, "images": {"path": "/nowhere/images", "shared": True}}) as world:
        sweep = world.sweep()
        world.join_file()
        world.own_disk("far")
        world.until("it is set aside", lambda: any(body["state"] == "quarantined" for _, body in world.facts("WorkerChanged")))
        check(f"it is said why: {world.cli('workers')}", "/nowhere/images" in world.cli("workers"))
        expect("no trial was begun", world.facts("Started"), [])
        sweep.send_signal(signal.SIGINT)
        sweep.wait(timeout=30)
    with Inputs(trials=2, code={"root": "project"}) as world:
        for input in ("digits", "images"):
            path = world.config["inputs"][input]
            world.config["inputs"][input] = {"path": path if isinstance(path, str) else path["path"], "shared": True}
        sweep = world.sweep()
        world.join_file()
        world.own_disk("far")
        world.finish(sweep)
        expect("where the data stands", {one["data"] for one in world.seen()}, {world.folder + "/data/digits.txt"})
        expect("only the code is brought", len(world.staged("far")), 1)


def checkpoints_lie_in_a_folder_that_all_machines_see():
    with World(tune, steps=20, pause=0.1, stop={"trials": 2}) as world:
        shared = os.path.join(world.folder, "shared")
        world.config["checkpoint"] = {"store": "shared:" + shared}
        sweep = world.sweep()
        world.join_file()
        agents = [world.agent(name, flags=["--own-disk", "--folder", os.path.join(world.folder, name)]) for name in ("one", "two")]
        world.until("both trials have saved", lambda: len({body["trial"] for _, body in world.facts("Checkpointed")}) == 2)
        agents[0].send_signal(signal.SIGTERM)
        world.finish(sweep)
        check("it went on from what it saved", all(line[5] > 1 for line in world.ledger_lines("begin") if line[1] > 1))
        check("they are there", any(len(name) == 64 for name in os.listdir(shared)))
        check("and nowhere else", not os.path.exists(world.store + ".d/checkpoints") and not os.path.exists(os.path.join(world.folder, "two", "checkpoints")))
        world.check_nothing_lost()


def a_link_out_of_the_root_is_refused():
    with Inputs() as world:
        os.symlink("/etc/passwd", world.folder + "/data/images/deep/out")
        world.finish(world.sweep(), code=2)
        check("it is said which", "data/images/deep/out is or contains a symbolic link" in open(world.folder + "/sweep.log").read())


for case in sys.argv[2:] or [the_same_config_runs_here_and_on_an_agent_with_another_disk, what_was_brought_serves_the_next_experiment_and_a_new_code_its_own,
                             a_changed_input_does_not_go_on_and_changed_code_does, an_input_that_changes_while_it_is_needed_fails_with_its_name,
                             a_cut_line_costs_one_part, what_is_shared_is_looked_for_and_not_copied,
                             checkpoints_lie_in_a_folder_that_all_machines_see, a_link_out_of_the_root_is_refused]:
    case = globals()[case] if isinstance(case, str) else case
    case()
    print("ok", case.__name__.replace("_", " "), flush=True)
print(checks.count, "checks")
