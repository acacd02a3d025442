# SPDX-License-Identifier: Apache-2.0
"""A real Ray on this machine, for tests: `ray` is that of TUNE_TEST_RAY or of PATH (in a virtual environment: pip install "ray[default]")."""
import os
import secrets
import shutil
import subprocess

import real
from real import wait_for

program = os.environ.get("TUNE_TEST_RAY") or shutil.which("ray")
MISSING = 'there is no Ray (pip install "ray[default]" in a virtual environment, then TUNE_TEST_RAY=…/bin/ray)'


class Cluster:
    """A head node alone, on loopback."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.port, self.dashboard, *others = real.free_ports(6)
        self.ports = [f"--{what}-port={port}" for what, port in zip(("dashboard-agent-listen", "dashboard-agent-grpc", "metrics-export", "runtime-env-agent"), others)]
        self.token = os.path.join(folder, "token")
        with open(self.token, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(secrets.token_hex(32))
        self.mark = f"TUNE_TEST_NODE={folder}"
        self.environment = {**{k: v for k, v in os.environ.items() if not k.startswith("RAY_")}, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": self.token,
                            "TUNE_TEST_NODE": folder, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"]}

    def start(self, answers):
        with open(os.path.join(self.folder, "ray.out"), "ab") as out:
            self.process = subprocess.Popen(
                [program, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={self.port}", "--dashboard-host=127.0.0.1",
                 f"--dashboard-port={self.dashboard}", *self.ports, "--num-cpus=4", "--disable-usage-stats", f"--temp-dir={self.folder}/ray"],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        wait_for("Ray answers", answers, 90)

    def kill(self):
        while pids := set(real.processes_with(self.mark)) - {os.getpid()}:
            real.kill_all(pids)
            self.process.wait()
