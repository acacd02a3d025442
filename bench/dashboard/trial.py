# SPDX-License-Identifier: Apache-2.0
"""A trial that reports at a rate. usage: trial.py RATE STEPS [LEDGER]

With a folder for ledgers each report is a `sync` one, and a line of the ledger is written only after its answer came:
step, value, seconds from the report to the answer. Without one, nothing is waited for.
"""
import json
import os
import sys
import time

rate, steps, ledger = float(sys.argv[1]), int(sys.argv[2]), (sys.argv[3:] or [None])[0]
fd = int(os.environ["TUNE_FD"])
x = float(os.environ["TUNE_P_X"])
answers = open(fd, closefd=False)
out = open(os.path.join(ledger, f"{os.environ['TUNE_TRIAL_NUMBER']}-{os.environ['TUNE_ATTEMPT']}"), "w", 1) if ledger else None
began = time.monotonic()
piece = 1 if ledger else max(1, int(rate / 50))
for step in range(1, steps + 1, piece):
    time.sleep(max(0.0, began + step / rate - time.monotonic()))
    lines = [{"step": s, "loss": x + 1 / s} for s in range(step, min(step + piece, steps + 1))]
    if not out:
        os.write(fd, "".join(json.dumps(line) + "\n" for line in lines).encode())
        continue
    sent = time.monotonic()
    os.write(fd, (json.dumps({**lines[0], "sync": True}) + "\n").encode())
    if "continue" not in answers.readline():
        sys.exit("no answer")
    print(step, repr(lines[0]["loss"]), time.monotonic() - sent, file=out)
