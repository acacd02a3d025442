#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ask and tell under kill -9: what was answered is in the store, nothing is there twice, and every decision replays.

usage: ask_kill.py TUNE KILLS SEED
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import threading

tune, kills, chance = os.path.abspath(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
CONFIG = {"params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss", "goal": "minimize"},
          "search": {"type": "random"}}


def run(*words):
    done = subprocess.run([tune, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def main():
    given, told = [], {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("space.json", "w") as file:
            json.dump(CONFIG, file)
        run("create", "space.json")
        for _ in range(kills):
            process = subprocess.Popen([tune, "ask", "space", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            timer = threading.Timer(chance.uniform(0.02, 0.3), process.kill)

            def call(request):
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())

            try:
                trial = call({"ask": {}})["trial"]  # At least one, however slow the machine.
                timer.start()
                while True:
                    assert trial not in given, f"trial {trial} was given out twice"
                    given.append(trial)
                    loss = chance.random()
                    call({"report": trial, "step": 1, "metrics": {"loss": loss / 2}})
                    assert call({"tell": trial, "metrics": {"loss": loss}})["state"] == "complete"
                    told[trial] = loss
                    trial = call({"ask": {}})["trial"]
            except (BrokenPipeError, json.JSONDecodeError):
                pass
            timer.join()
            process.wait()
        rows = {row["number"]: row for row in map(json.loads, run("trials", "space", "--json").splitlines())}
        lost = [t for t, loss in told.items() if rows[t]["state"] != "complete" or rows[t]["value"] != loss]
        missing = [t for t in given if t not in rows]
        verified = json.loads(run("replay", "space", "--verify", "-o", "json"))
        run("fsck")
        print(f"{kills} kills, {len(given)} trials given out, {len(told)} told, {len(lost)} lost, {len(missing)} unknown, "
              f"{verified['decisions']} decisions, {verified['mismatches']} mismatches")
        os.chdir("/")
        return 1 if lost or missing or verified["mismatches"] or not told else 0


if __name__ == "__main__":
    sys.exit(main())
