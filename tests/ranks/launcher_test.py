#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The process that stands for the ranks of an attempt on one machine, with real processes. usage: launcher_test.py TUNE [CASE…]

Cases of mpirun and torchrun are left out, with the reason, where these are not installed."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from gang import PATIENCE, Gang, check, checks, expect, here, wait_for

tune = sys.argv[1]
sys.path.insert(0, os.path.join(here, "..", "pool"))

MPI = r"""
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char** arguments) {
  int rank, size, sum;
  MPI_Init(&count, &arguments);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  const int same = atoi(getenv("RANK")) == rank && atoi(getenv("WORLD_SIZE")) == size;
  printf("rank %d of %d, sum %d, %s\n", rank, size, sum, same ? "as told" : "otherwise than told");
  MPI_Finalize();
  return 0;
}
"""


def every_rank_knows_who_it_is_and_the_first_alone_reports():
    with Gang(tune, ranks=(1, 3), names=["one", "two"]) as gang:
        machines = [gang.start(node=1)]
        machines.insert(0, gang.start(node=0))
        said = [machine.communicate(timeout=PATIENCE) for machine in machines]
        expect("exit codes", [machine.returncode for machine in machines], [0, 0])
        gang.check_what_each_rank_sees()
        gang.check_outlets(*said[0])
        expect("the other machine is silent", said[1], ("", ""))
        workers = json.loads(gang.read("seen", 2)["env"]["TF_CONFIG"])["cluster"]["worker"]
        expect("workers", workers, [f"127.0.0.1:{gang.port}"] + [f"two:{gang.port + local}" for local in range(3)])
        expect("first rank", gang.first_rank(), None)


def a_rank_sees_its_devices_only():
    with Gang(tune, ranks=(2,), devices=[[1, 3], [6]]) as gang:
        granted = {"cpu": 4, "memory_bytes": 1000, "gpu_ids": [1, 3, 6], "gpu_share": 1}
        gang.start(env={"CUDA_VISIBLE_DEVICES": "GPU-b,GPU-d,GPU-g", "TUNE_RESOURCES": json.dumps(granted)}).communicate(timeout=PATIENCE)
        expect("devices", [gang.read("seen", rank)["env"]["CUDA_VISIBLE_DEVICES"] for rank in range(2)], ["GPU-b,GPU-d", "GPU-g"])
        expect("resources", json.loads(gang.read("seen", 1)["env"]["TUNE_RESOURCES"]), {**granted, "cpu": 2, "memory_bytes": 500, "gpu_ids": [6]})


def a_rank_that_fails_ends_the_others_and_is_named():
    with Gang(tune, ranks=(4,)) as gang:
        gang.check_first_failure(gang.start("fail", "2", "3"), 2, 3)
    with Gang(tune, ranks=(4,)) as gang:
        gang.check_first_failure(gang.start("die", "1"), 1)
    with Gang(tune, ranks=(2,)) as gang:
        process = gang.start("stay")
        gang.all_there()
        os.kill(gang.read("seen", 1)["pid"], signal.SIGSEGV)
        process.communicate(timeout=PATIENCE)
        expect("ends by the same signal", process.returncode, -signal.SIGSEGV)
        expect("first rank", gang.first_rank(), {"rank": 1, "signal": 11})
        gang.nothing_is_left()


def one_that_is_done_waits_for_the_others():
    with Gang(tune, ranks=(2,)) as gang:
        process = gang.start(program=["sh", "-c", "[ $RANK = 1 ] && sleep 0.5; exit 0"])
        began = time.monotonic()
        expect("exit code", process.wait(PATIENCE), 0)
        check("the second was waited for", time.monotonic() - began >= 0.5)


def a_signal_reaches_each_rank_once_and_its_end_is_waited_for(launch="env"):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        with Gang(tune, launch=launch, ranks=(3,)) as gang:
            process = gang.start("save")
            gang.all_there()
            os.killpg(process.pid, number)
            process.communicate(timeout=PATIENCE)
            expect(f"what ranks heard of signal {number}", [gang.read("heard", rank) for rank in range(3)], [[number]] * 3)
            expect("exit code", process.returncode, 0)
            gang.nothing_is_left()


def who_dies_of_the_signal_does_not_end_who_saves():
    with Gang(tune, ranks=(3,)) as gang:
        process = gang.start(program=["sh", "-c", f'[ $RANK = 0 ] || exec sleep 600; exec {sys.executable} {gang.program} {gang.folder} save'],
                             env={"WORLD": "3"}, plan=gang.plan())
        for rank in (1, 2):
            open(os.path.join(gang.folder, f"seen-{rank}"), "w").close()
        wait_for("rank 0 is there", lambda: gang.read("seen", 0), PATIENCE)
        time.sleep(0.2)  # It looks for the others, and then waits for a signal.
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        expect("what rank 0 heard", gang.read("heard", 0), [signal.SIGTERM])
        expect("ends as the first did", process.returncode, -signal.SIGTERM)


def a_killed_launcher_takes_its_ranks_along(launch="env"):
    with Gang(tune, launch=launch, ranks=(3,)) as gang:
        process = gang.start("stay")
        gang.all_there()
        pids = [gang.read("seen", rank)["pid"] for rank in range(3)]
        process.kill()
        process.wait()
        wait_for("its ranks are gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 2)


def what_cannot_be_run_is_said_in_a_line():
    with Gang(tune) as gang:
        process = gang.start(plan=gang.plan(count=7))
        out, err = process.communicate(timeout=PATIENCE)
        expect("a wrong plan", (process.returncode, out, err.count("\n")), (2, "", 1))
        check(f"says what is wrong: {err}", "`first` and `count`" in err)
        process = gang.start(program=["no-such-program"])
        out, err = process.communicate(timeout=PATIENCE)
        expect("no program", (process.returncode, out, err), (127, "", "error: No such file or directory: no-such-program\n"))
        expect("first rank", gang.first_rank(), {"rank": 0, "exit": 127})
        process = gang.start(program=[gang.program])
        out, err = process.communicate(timeout=PATIENCE)
        expect("no executable", (process.returncode, out, err), (126, "", f"error: Permission denied: {gang.program}\n"))
        process = subprocess.run([tune, "ranks", "--plan", gang.plan()], capture_output=True, text=True)
        expect("nothing to run", (process.returncode, process.stderr.count("\n")), (2, 1))


def a_sweep_sees_one_process_a_trial():
    with Gang(tune, ranks=(3,)) as gang:
        config = {"name": "gang", "command": [gang.tune, "ranks", "--plan", gang.plan(), "--", sys.executable, gang.program, gang.folder],
                  "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss"}, "search": {"type": "random"}, "stop": {"trials": 2},
                  "executor": {"parallel": 1}}
        with open(os.path.join(gang.folder, "config.json"), "w") as file:
            json.dump(config, file)
        store = os.path.join(gang.folder, "tune.db")
        done = subprocess.run([gang.tune, "sweep", file.name, "--store", store], capture_output=True, text=True, timeout=PATIENCE)
        expect(f"exit code: {done.stderr}", done.returncode, 0)
        rows = subprocess.run([gang.tune, "trials", "gang", "--store", store, "-o", "csv", "--columns", "state,value"], capture_output=True, text=True).stdout
        expect("trials", rows.split("\n")[1:3], ["complete,0", "complete,0"])


def missing(program, package):
    if shutil.which(program):
        return False
    print(f"SKIP: {launching(program)}: there is no {program} (Debian package {package})", flush=True)
    return True


def launching(program):
    return f"ranks started by {program}"


def mpirun_starts_ranks_that_are_like_others():
    if missing("mpirun", "openmpi-bin"):
        return
    ranks_of_a_framework("mpirun")
    if missing("mpicc", "libopenmpi-dev"):
        return
    with Gang(tune, launch="mpirun", ranks=(2,)) as gang:
        program = os.path.join(gang.folder, "mpi")
        with open(program + ".c", "w") as file:
            file.write(MPI)
        subprocess.run(["mpicc", "-o", program, program + ".c"], check=True)
        process = gang.start(program=[program])
        out, err = process.communicate(timeout=PATIENCE)
        expect(f"exit code: {err}", process.returncode, 0)
        expect("rank 0", out, "rank 0 of 2, sum 1, as told\n")
        expect("rank 1", gang.log(1), "rank 1 of 2, sum 1, as told\n")


def torchrun_starts_ranks_that_are_like_others():
    if not missing("torchrun", "python3-torch"):
        ranks_of_a_framework("torchrun")


def ranks_of_a_framework(launch):
    with Gang(tune, launch=launch, ranks=(3,)) as gang:
        process = gang.start()
        said = process.communicate(timeout=PATIENCE)
        expect(f"exit code: {said}", process.returncode, 0)
        gang.check_what_each_rank_sees()
        gang.check_outlets(*said)
    with Gang(tune, launch=launch, ranks=(3,)) as gang:
        gang.check_first_failure(gang.start("fail", "2", "3"), 2, 3)
    with Gang(tune, launch=launch, ranks=(3,)) as gang:
        gang.check_first_failure(gang.start("die", "1"), 1)
    a_signal_reaches_each_rank_once_and_its_end_is_waited_for(launch)
    a_killed_launcher_takes_its_ranks_along(launch)
    with Gang(tune, launch=launch, ranks=(2,)) as gang:
        process = gang.start(program=["no-such-program"])
        err = process.communicate(timeout=PATIENCE)[1]
        first = gang.first_rank()["rank"]
        said = gang.log(first, "stderr") if first else err
        check(f"said by rank {first}, which saw it first: {said}", "error: No such file or directory: no-such-program\n" in said)
        expect("no program", (process.returncode, gang.first_rank()["exit"]), (127, 127))


CASES = [every_rank_knows_who_it_is_and_the_first_alone_reports, a_rank_sees_its_devices_only, a_rank_that_fails_ends_the_others_and_is_named,
         one_that_is_done_waits_for_the_others, a_signal_reaches_each_rank_once_and_its_end_is_waited_for, who_dies_of_the_signal_does_not_end_who_saves,
         a_killed_launcher_takes_its_ranks_along, what_cannot_be_run_is_said_in_a_line, a_sweep_sees_one_process_a_trial,
         mpirun_starts_ranks_that_are_like_others, torchrun_starts_ranks_that_are_like_others]
for case in [globals()[name] for name in sys.argv[2:]] or CASES:
    began = time.monotonic()
    case()
    print(f"{time.monotonic() - began:5.1f} s  {case.__name__.replace('_', ' ')}", flush=True)
print(checks.count, "checks")
