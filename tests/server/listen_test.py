#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `tune` listens on, as the kernel sees it: nothing on a network unless it is asked to, and then this machine's own
address only. usage: listen_test.py TUNE. Exit 77 where strace is missing or may not trace."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

tune = os.path.abspath(sys.argv[1])
if not shutil.which("strace"):
    print("SKIP: what tune listens on: there is no strace (Debian package strace)")
    sys.exit(77)
if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode != 0:
    print("SKIP: what tune listens on: strace may not trace here")
    sys.exit(77)
findings = []


def bound(folder, *command):
    """What a program and all that it starts bind, as strace writes it, and its exit code."""
    log = os.path.join(folder, "trace")
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # Leaks cannot be looked for under strace.
    done = subprocess.run(["strace", "-f", "-qq", "-s", "256", "-e", "trace=bind,listen", "-e", "signal=none", "-o", log, *command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300)
    with open(log, errors="replace") as file:
        return [line for line in file if re.search(r"\b(bind|listen)\(", line)], done


def of_network(calls):
    return [call for call in calls if "AF_INET" in call]


with tempfile.TemporaryDirectory() as folder:
    calls, _ = bound(folder, sys.executable, "-c", "import socket; s = socket.socket(); s.bind(('', 0)); s.listen()")
    if not any("0.0.0.0" in call for call in of_network(calls)) or not any("listen(" in call for call in calls):
        sys.exit(f"FAILED: a program that listens to everybody was not seen to: {calls}")

    config = os.path.join(folder, "c.json")
    with open(config, "w") as file:
        json.dump({"name": "quiet", "command": ["sh", "-c", 'echo "::tune {\\"loss\\": $TUNE_P_X}"'], "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
                   "objective": {"metric": "loss"}, "search": {"type": "random"}, "stop": {"trials": 4}, "executor": {"parallel": 2}}, file)
    store = os.path.join(folder, "s.db")
    for words, wanted in ((("--ui=0.0.0.0:0",), 0), (("--ui=[::]:0",), 0), (("--metrics-addr", "0.0.0.0:0"), 0), ((), 0), (("--ui=127.0.0.1:0",), 1),
                          (("--ui=127.0.0.1:0", "--metrics-addr", "localhost:0"), 2), (("--ui=[::1]:0",), None)):
        shutil.rmtree(store + ".d", ignore_errors=True)
        if os.path.exists(store):
            os.remove(store)
        calls, done = bound(folder, tune, "--store", store, "sweep", config, "-q", *words)
        refused = any(everybody in word for word in words for everybody in ("0.0.0.0", "[::]"))
        if done.returncode != (2 if refused else 0):
            findings.append(f"sweep {' '.join(words)} ended with {done.returncode}: {done.stderr[-300:]}")
        if refused != (not os.path.exists(store)):
            findings.append(f"sweep {' '.join(words)}: {'a store was made' if refused else 'there is no store'}")
        network = of_network(calls)
        if wanted is not None and len(network) != wanted:
            findings.append(f"sweep {' '.join(words)} binds {len(network)} addresses and not {wanted}: {network}")
        for call in network:
            if not re.search(r'inet_addr\("127\.0\.0\.1"\)|inet_pton\(AF_INET6, "::1"', call):
                findings.append(f"sweep {' '.join(words)} binds another address: {call}")
        if words == ():
            # The command line speaks to it through a file that nobody else may open.
            if not any("AF_UNIX" in call for call in calls):
                findings.append("a sweep binds no socket for the command line; what is this test looking at?")
    bound(folder, tune, "--store", store, "sweep", config, "-q")
    for path in (store, store + ".d"):
        if (mode := stat.S_IMODE(os.stat(path).st_mode)) & 0o077:
            findings.append(f"{os.path.basename(path)} is open to others: {mode:o}")

for finding in findings:
    print("FOUND: " + finding)
print(f"listen: {len(findings)} findings")
sys.exit(bool(findings))
