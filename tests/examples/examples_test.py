#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one example as a user would and looks at what it found. usage: examples_test.py NAME TUNE EXAMPLES

EXAMPLES is the folder of the built examples. Everything is written to a folder that goes away.
"""
import array
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

name, tune, examples = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=300, **more)
    if done.returncode != 0:
        sys.exit(f"FAILED: exit code {done.returncode} of {' '.join(command)}")
    return done.stdout


def sweep(store, *more):
    run(tune, "--store", store, "sweep", os.path.join(examples, name, "config.json"), *more)


def best(store):
    return json.loads(run(tune, "--store", store, "best", "-o", "json"))


def trials(store):
    return [json.loads(line) for line in run(tune, "--store", store, "--json", "trials", "--columns", "number,state,attempt,value,last_step").splitlines()]


def skip(reason):
    print(f"SKIP: example {name}: {reason}")
    sys.exit(77)


def ranks(size, *command):
    """Starts the command in this many ranks that find one another by their environment; what rank 0 printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)})
               for rank in range(size)]
    try:
        said = [process.communicate(timeout=300)[0] for process in started]
    except subprocess.TimeoutExpired:
        for process in started:
            process.kill()
        sys.exit(f"FAILED: not all of {size} ranks end")
    expect(f"exit codes of {size} ranks", not any(process.returncode for process in started), [process.returncode for process in started])
    return said[0]


def expect(what, holds, seen):
    print(f"{what}: {seen}")
    if not holds:
        sys.exit("FAILED")


def quick(folder):
    """The same trials end in the same states with the same values, one at a time and two at a time."""
    def table(store):
        return sorted((t["number"], t["state"], t["value"], t["last_step"]) for t in trials(store))

    sweep("one.db", "--parallel", "1")
    sweep("two.db", "--parallel", "2")
    expect("trials", len(table("one.db")) == 60, len(table("one.db")))
    expect("tables are equal", table("one.db") == table("two.db"), table("one.db") == table("two.db"))
    found = best("one.db")
    expect("its loss is below 0.01", found["value"] < 0.01, found["value"])
    stopped = sum(t["state"] == "stopped" for t in trials("one.db"))
    expect("most were stopped early", stopped > 40, stopped)
    program = os.path.join(examples, "quick", "two_spirals")
    arguments = run(tune, "--store", "one.db", "best", "-o", "args").split()
    out = run(program, *arguments)
    expect("the program by hand reaches the same", abs(float(out.split()[1]) - found["value"]) < 1e-4, out.strip())


def digits(folder):
    """Trials are paused at rungs and go on from their checkpoints."""
    program = os.path.join(examples, "digits", "digits")
    run(program, os.path.join(examples, "digits", "config.json"), os.path.join(examples, "digits", "digits.txt"), "digits.db")
    found = best("digits.db")
    expect("best loss", found["value"] < 0.2, found["value"])
    all_trials = trials("digits.db")
    resumed = [t for t in all_trials if t["attempt"] > 1]
    expect("trials that went on from a checkpoint", len(resumed) >= 3, len(resumed))
    expect("trials that ended after their first epoch", sum(t["last_step"] == 1 for t in all_trials) >= 20,
           sum(t["last_step"] == 1 for t in all_trials))
    expect("failures", not any(t["state"] == "failed" for t in all_trials), sum(t["state"] == "failed" for t in all_trials))


def data_parallel(folder):
    """Four workers learn what one learns: their shares of a gradient add up to the whole, but for rounding."""
    program = os.path.join(examples, "data_parallel", "data_parallel")
    learned = {}
    for size in (1, 4):
        ranks(size, program, os.path.join(examples, "digits", "digits.txt"), f"learned-{size}")
        with open(f"learned-{size}", "rb") as file:
            learned[size] = array.array("d", file.read())
    expect("numbers that the network has", len(learned[1]) == len(learned[4]) > 4000, len(learned[1]))
    apart = max(abs(a - b) for a, b in zip(learned[1], learned[4]))
    expect("most that one differs after 27 epochs with 1 and with 4 ranks", apart < 1e-9, apart)


def ddp(folder):
    """Two ranks under DistributedDataParallel; outside tune rank 0 prints."""
    if subprocess.run(["/usr/bin/python3", "-c", "import torch.distributed"], stderr=subprocess.DEVNULL).returncode != 0:
        skip("there is no PyTorch for /usr/bin/python3 (Debian package python3-torch)")
    out = ranks(2, "/usr/bin/python3", os.path.join(examples, "ddp", "train.py"), "--lr=0.1", "--width=32", "--epochs=2")
    losses = [float(line.split()[1]) for line in out.splitlines()]
    expect("loss of two epochs", len(losses) == 2 and losses[1] < losses[0] < 1, losses)


def mpi(folder):
    """The best factor is where theory has it."""
    if not shutil.which("mpirun") or not os.path.exists(os.path.join(examples, "mpi", "relaxation")):
        skip("there is no MPI, or was none when this was built (Debian packages openmpi-bin, libopenmpi-dev)")
    if os.geteuid() == 0:
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    sweep("tune.db")
    all_trials = trials("tune.db")
    expect("complete trials", len(all_trials) == 12 and all(t["state"] == "complete" for t in all_trials), len(all_trials))
    found = best("tune.db")
    expect("sweeps with the best factor; theory allows 177", 170 <= found["value"] < 400, found["value"])
    program = os.path.join(examples, "mpi", "relaxation")
    counts = {run("mpirun", "-np", str(size), "--oversubscribe", program, "1.9").split(",")[0] for size in (1, 2, 3)}
    expect("as many sweeps with 1, 2 and 3 ranks", len(counts) == 1, counts)


def compress(folder):
    """zstd's own numbers, by regular expressions."""
    if not shutil.which("zstd"):
        skip("there is no zstd (Debian package zstd)")
    sweep("tune.db", "--trials", "8")
    all_trials = trials("tune.db")
    expect("complete trials", sum(t["state"] == "complete" for t in all_trials) == 8, len(all_trials))
    ratio = json.loads(run(tune, "--store", "tune.db", "best", "--objective", "ratio", "-o", "json"))["value"]
    expect("best ratio", ratio > 2.9, ratio)


def python(folder):
    sweep("tune.db")
    all_trials = trials("tune.db")
    expect("trials", len(all_trials) == 18, len(all_trials))
    expect("stopped early", sum(t["state"] == "stopped" for t in all_trials) >= 6, sum(t["state"] == "stopped" for t in all_trials))
    expect("best error", best("tune.db")["value"] < 0.2, best("tune.db")["value"])


def bash(folder):
    sweep("tune.db")
    all_trials = trials("tune.db")
    expect("trials", len(all_trials) == 20, len(all_trials))
    expect("stopped early", sum(t["state"] == "stopped" for t in all_trials) >= 6, sum(t["state"] == "stopped" for t in all_trials))
    expect("best loss", best("tune.db")["value"] < 1, best("tune.db")["value"])


def hyperband(folder):
    """One round of all brackets: as many trials get as far as the paper's table says, and paused ones go on from their weights."""
    sweep("tune.db")
    all_trials = trials("tune.db")
    reached = [sum(t["last_step"] >= step for t in all_trials) for step in (1, 3, 9, 27)]
    expect("trials that came to epoch 1, 3, 9, 27", reached == [49, 9 + 12 + 6 + 4, 3 + 4 + 6 + 4, 1 + 1 + 2 + 4], reached)
    expect("resumed from a checkpoint", sum(t["attempt"] > 1 for t in all_trials) >= 9, sum(t["attempt"] > 1 for t in all_trials))
    expect("failures", not any(t["state"] == "failed" for t in all_trials), sum(t["state"] == "failed" for t in all_trials))
    steps = sum(t["last_step"] for t in all_trials)
    expect("epochs, of the 1323 that all trials to the end would take", steps == 357, steps)
    expect("best loss", best("tune.db")["value"] < 0.15, best("tune.db")["value"])


def pbt(folder):
    """The schedule that a population found beats every constant setting, also when a single trial follows it afterwards."""
    program = os.path.join(examples, "pbt", "echo")
    for config in ("config", "constant"):
        run(program, os.path.join(examples, "pbt", config + ".json"), "tune.db")
    best_of = lambda experiment: json.loads(run(tune, "--store", "tune.db", "best", experiment, "-o", "json"))
    constant, found = best_of("constant"), best_of("population")
    expect("echo left by the best of 16 constant step sizes, dB", -31 < constant["value"] < -22, constant["value"])
    expect("by the population", found["value"] < constant["value"] - 1, found["value"])
    winner = "population/" + str(found["trial"])
    with open("schedule.json", "w") as file:
        file.write(run(tune, "--store", "tune.db", "lineage", winner, "--config"))
    run(program, "schedule.json", "tune.db")
    again = best_of("population-lineage-" + str(found["trial"]))
    expect("by one trial that follows the winner's schedule", again["value"] < constant["value"] - 0.5, again["value"])
    exploits = run(tune, "--store", "tune.db", "lineage", winner, "--json").count("from_step")
    expect("stretches of that schedule", exploits >= 5, exploits)



def racing(folder):
    """Most settings are dropped after a few files, and the best is better than what the program does by default."""
    sweep("tune.db")
    all_trials = trials("tune.db")
    complete = [t for t in all_trials if t["state"] == "complete"]
    expect("complete on all 20 files", complete and all(t["last_step"] == 20 for t in complete), len(complete))
    runs = sum(t["last_step"] for t in all_trials)
    expect("runs, of the 600 that all settings on all files would take", runs < 400, runs)
    program = os.path.join(examples, "racing", "squeeze.py")
    with open(os.path.join(examples, "racing", "config.json")) as file:
        files = re.findall(r'"([a-z]+-[0-9])"', file.read())
    ratios = [float(run("python3", program, name).split()[-1].rstrip("}")) for name in files]
    expect("ratio by default", len(ratios) == 20, sum(ratios) / len(ratios))
    expect("best ratio", best("tune.db")["value"] < sum(ratios) / len(ratios) - 0.002, best("tune.db")["value"])


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    globals()[name](folder)
