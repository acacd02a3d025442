# SPDX-License-Identifier: Apache-2.0
"""Trials of several ranks, for tests: a program whose ranks meet and step together, and what must hold of any of their runs."""
import sys

from world import World, check, expect  # noqa: F401

# Ranks that meet by MASTER_ADDR and MASTER_PORT and step together; the first one reports, saves and passes on what it is told.
RANKS = r"""
import json, os, signal, socket, sys, time
ledger, steps, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
name, attempt = os.environ["TUNE_TRIAL_ID"], int(os.environ["TUNE_ATTEMPT"])
def note(what, *more):
    with open(ledger, "a") as file:
        file.write(json.dumps([name, attempt, os.getpid(), time.clock_gettime(time.CLOCK_BOOTTIME), what, *more]) + "\n")
first = 1
if "TUNE_CHECKPOINT" in os.environ:
    first = json.load(open(os.environ["TUNE_CHECKPOINT"]))["step"] + 1
note("begin", first, rank, world, os.environ["LOCAL_RANK"], os.environ["NODE_RANK"], os.environ.get("CUDA_VISIBLE_DEVICES"), "TUNE_FD" in os.environ)
if os.environ.get("FAILS") == str(rank) and attempt == 1:
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL) if os.environ.get("HOW") == "kill" else sys.exit(3)
if os.environ.get("HANGS") == str(rank) and attempt == 1:
    time.sleep(600)
place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
if rank == 0:
    listener = socket.create_server(place, backlog=64)
    others = [listener.accept()[0].makefile("rw") for _ in range(world - 1)]
    line = os.fdopen(int(os.environ["TUNE_FD"]), "r+b", buffering=0)
else:
    for _ in range(300):
        try:
            others = [socket.create_connection(place).makefile("rw")]
            break
        except OSError:
            time.sleep(0.1)
x = json.load(open(os.environ["TUNE_PARAMS"]))["x"]
buffer = b""
for step in range(first, steps + 1):
    time.sleep(pause)
    note("alive", step, rank)
    if rank > 0:
        others[0].write("%d\n" % rank)
        others[0].flush()
        if others[0].readline() != "go\n":
            break
        continue
    total = sum(int(one.readline()) for one in others)
    assert total == world * (world - 1) // 2
    path = os.path.join(os.environ["TUNE_CHECKPOINT_DIR"], "step%d.json" % step)
    json.dump({"step": step}, open(path, "w"))
    line.write((json.dumps({"step": step, "loss": x + 1 / step, "checkpoint": path, "sync": True, "final": step == steps}) + "\n").encode())
    while b"\n" not in buffer:
        more = line.read(65536)
        if not more:
            sys.exit(0)
        buffer += more
    order, buffer = buffer.split(b"\n", 1)
    order = json.loads(order)
    if "seq" in order:
        note("acknowledged", step)
    for one in others:
        one.write("go\n" if order["cmd"] == "continue" else "stop\n")
        one.flush()
    if order["cmd"] != "continue":
        break
note("end")
"""


def gangs(ranks=4, **more):
    config = {"executor": {"type": "pool", "lease": "3s"}, "shutdown": {"grace": "1s"}, **more}
    config.setdefault("trial", {"ranks": ranks})
    return World(sys.argv[1], program=RANKS, **config)


def begun(world, attempt=None):
    return [line for line in world.ledger_lines("begin") if attempt in (None, line[1])]


def ranks_of(lines):
    """{(trial, attempt): sorted ranks}"""
    found = {}
    for name, attempt, _, _, _, _, rank, *_ in lines:
        found.setdefault((name, attempt), []).append(rank)
    return {key: sorted(ranks) for key, ranks in found.items()}


def all_checks(world, trials, ranks):
    world.expect_states({"complete": trials})
    for key, found in ranks_of(begun(world)).items():
        expect(f"ranks of {key}", found, list(range(ranks)))
    for line in begun(world):
        expect(f"rank {line[6]} may report", line[11], line[6] == 0)
    world.check_nothing_lost()
    world.check_never_two_at_once()
