#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's prometheus scrapes a running sweep and is asked what it saw. usage: prometheus_test.py TUNE

Nothing here waits for a time to pass: the trials report, then hold until this script has seen their reports through
Prometheus and lets them go.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

TRIAL = """
printf '{"step":1,"loss":%s}\\n' "$TUNE_P_X" >&"$TUNE_FD"
while [ ! -e "$1" ]; do sleep 0.05; done
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(url, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def wait_for(what, check, seconds=60):
    """The first true value of check(); connections that are not there yet count as false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = check()
            if value:
                return value
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    sys.exit(f"FAILED: {what} did not happen within {seconds} s")


def expect(what, got, wanted):
    print(f"{what}: {got}")
    if got != wanted:
        sys.exit(f"FAILED: {what} is {got!r}, not {wanted!r}")


def main():
    tune = os.path.abspath(sys.argv[1])
    prometheus = shutil.which("prometheus")
    if not prometheus:
        print("SKIP: prometheus scrapes a sweep: there is no prometheus (Debian package prometheus)")
        sys.exit(77)

    with tempfile.TemporaryDirectory() as folder:
        running = []
        try:
            check(tune, prometheus, folder, running)
        finally:
            for process in running:
                process.terminate()
                process.wait()


def check(tune, prometheus, folder, running):
    path = lambda name: os.path.join(folder, name)
    metrics, port = free_port(), free_port()
    with open(path("config.json"), "w") as file:
        json.dump({
            "name": "scraped",
            "command": ["sh", "-c", TRIAL, "trial", path("go-on")],
            "params": {"x": {"type": "uniform", "min": 1, "max": 2}},
            "points": [{"x": 1.5}],
            "search": {"type": "random"},
            "executor": {"type": "process", "parallel": 2},
            "objective": {"metric": "loss", "goal": "minimize"},
            "stop": {"trials": 3},
        }, file)
    store = path("tune.db")
    sweep = subprocess.Popen([tune, "--store", store, "sweep", path("config.json"), "--metrics-addr", f"127.0.0.1:{metrics}"],
                             stdin=subprocess.DEVNULL)
    running.append(sweep)

    page = f"http://127.0.0.1:{metrics}/metrics"
    expect("status without the token", wait_for("an answer", lambda: fetch(page)[0]), 401)
    token_file = store + ".d/token"
    expect("mode of the token", oct(os.stat(token_file).st_mode & 0o777), "0o600")
    with open(token_file) as file:
        token = file.read().strip()
    expect("status with it", fetch(page, {"Authorization": "Bearer " + token})[0], 200)
    expect("status for another host's name", fetch(page, {"Authorization": "Bearer " + token, "Host": "evil.example"})[0], 421)
    with open(f"/proc/{sweep.pid}/cmdline") as line, open(f"/proc/{sweep.pid}/environ") as environment:
        expect("token in the open", token in line.read() + environment.read(), False)

    with open(path("prometheus.yml"), "w") as file:
        file.write(f"""
scrape_configs:
  - job_name: tune
    scrape_interval: 250ms
    scrape_timeout: 250ms
    authorization: {{credentials_file: {token_file}}}
    static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]
""")
    running.append(subprocess.Popen(
        [prometheus, "--config.file=" + path("prometheus.yml"), "--storage.tsdb.path=" + path("data"),
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], stdin=subprocess.DEVNULL))

    def query(text):
        """The one value that Prometheus has for an expression; None while it has none."""
        status, body = fetch(f"http://127.0.0.1:{port}/api/v1/query?query=" + urllib.parse.quote(text))
        result = json.loads(body)["data"]["result"] if status == 200 else []
        return result[0]["value"][1] if len(result) == 1 else None

    wait_for("the reports of two trials in Prometheus", lambda: query('tune_reports_total{experiment="scraped"}') == "2")
    expect("running trials", query('tune_trials{experiment="scraped",state="running"}'), "2")
    expect("busy slots", query('tune_slots{experiment="scraped",state="busy"}'), "2")
    expect("proposals measured", int(query("tune_proposal_seconds_count") or 0) >= 2, True)
    expect("store in trouble", query("tune_store_trouble"), "0")
    expect("series of scrape", query("up{job='tune'}"), "1")

    open(path("go-on"), "w").close()
    expect("exit code of the sweep", sweep.wait(timeout=120), 0)
    print("prometheus: ok")


if __name__ == "__main__":
    main()
