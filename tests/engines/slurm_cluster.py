# SPDX-License-Identifier: Apache-2.0
"""A real Slurm of a few nodes on this machine, for tests: munged, slurmctld and a slurmd per node, all children of the test,
all on 127.0.0.1, everything in one folder. Nodes are called n1, n2, …; they share a host name. Nothing of the system's own
Slurm is read or changed.

    with Cluster(folder, nodes=2) as cluster:
        subprocess.run(["sinfo"], env=cluster.environment)
"""
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time

from real import family, free_ports, kill_all, processes_with, wait_for

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
NEEDED = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm"}


def missing():
    """What is not installed, for a line that begins with SKIP; empty if all is."""
    return ", ".join(sorted({package for program, package in NEEDED.items() if not shutil.which(program, path=PATH)}))


class Cluster:
    def __init__(self, folder, nodes=2, cpus=4, memory=4096):
        self.folder = os.path.realpath(folder)
        self.names = [f"n{i}" for i in range(1, nodes + 1)]
        self.ports = free_ports(nodes + 1)
        self.conf = os.path.join(self.folder, "slurm.conf")
        self.daemons = {}
        self.environment = {**{k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH", "SQUEUE"))}, "PATH": PATH, "SLURM_CONF": self.conf}
        for name in ["state", "munge"] + [os.path.join(kind, node) for kind in ("spool", "tmp") for node in self.names]:
            os.makedirs(os.path.join(self.folder, name), mode=0o755, exist_ok=True)
        os.chmod(os.path.join(self.folder, "munge"), 0o700)
        for node in self.names:
            os.chmod(os.path.join(self.folder, "tmp", node), 0o1777)
        self.configure(cpus, memory)
        self.spare_logins()

    def spare_logins(self):
        """With --export=NONE Slurm logs the user in before each job, which takes as long as the user's profile, and one that is
        ended in the middle may spoil the next. Jobs get the environment of who submits instead."""
        folder = os.path.join(self.folder, "path")
        os.mkdir(folder)
        with open(os.path.join(folder, "sbatch"), "w") as file:
            file.write(f"""#!/bin/bash\nexec {shutil.which("sbatch", path=PATH)} "${{@/--export=NONE/--export=ALL}}"\n""")
        os.chmod(os.path.join(folder, "sbatch"), 0o755)
        self.environment["PATH"] = folder + ":" + self.environment["PATH"]

    def with_logins(self):
        """A folder for the front of PATH, for a job of which the login is meant; None where that takes longer than Slurm waits."""
        login = subprocess.Popen(["su", "-", getpass.getuser(), "-c", "env"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            login.wait(timeout=1.5)
        except subprocess.TimeoutExpired:  # It goes on, for the reason above.
            print("logins take too long here for Slurm: no job waits for one", flush=True)
            return None
        return os.path.dirname(shutil.which("sbatch", path=PATH))

    def configure(self, cpus, memory):
        host = socket.gethostname().split(".")[0]
        settings = {
            "ClusterName": "tune", "SlurmctldHost": f"{host}(127.0.0.1)", "SlurmctldPort": self.ports[0],
            "SlurmUser": getpass.getuser(), "SlurmdUser": getpass.getuser(), "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
            "AuthType": "auth/munge", "CredType": "cred/munge", "AuthInfo": f"socket={self.folder}/munge/socket",
            "StateSaveLocation": f"{self.folder}/state", "SlurmdSpoolDir": f"{self.folder}/spool/%n", "TmpFS": f"{self.folder}/tmp/%n",
            "SlurmctldPidFile": f"{self.folder}/slurmctld.pid", "SlurmdPidFile": f"{self.folder}/slurmd.%n.pid",
            # No control groups: the machine may not lend any.
            "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none", "JobAcctGatherType": "jobacct_gather/none",
            "AccountingStorageType": "accounting_storage/none", "JobCompType": "jobcomp/filetxt", "JobCompLoc": f"{self.folder}/ended.txt",
            "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU_Memory", "SlurmdParameters": "config_overrides",
            "SchedulerParameters": "sched_min_interval=0,bf_interval=1", "ReturnToService": 2, "MinJobAge": 600, "MpiDefault": "none",
            "PropagateResourceLimits": "NONE", "SlurmctldTimeout": 5, "SlurmdTimeout": 6, "MessageTimeout": 5, "KillWait": 2, "DefMemPerCPU": 64,
        }
        with open(self.conf, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())
            for node, port in zip(self.names, self.ports[1:]):
                file.write(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory} State=UNKNOWN\n")
            file.write(f"PartitionName=main Nodes={','.join(self.names)} Default=YES MaxTime=1:00:00 State=UP\n")
        # Slurm loads a plugin for them all the same; without one of the other two in use it touches nothing.
        with open(os.path.join(self.folder, "cgroup.conf"), "w") as file:
            file.write(f"CgroupPlugin=cgroup/v1\nCgroupMountpoint={self.folder}/cgroup\n")
        with open(os.path.join(self.folder, "munge", "key"), "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(os.urandom(128))

    def start(self, name, *command):
        with open(os.path.join(self.folder, name + ".out"), "ab") as out:
            # The mark is how the processes of a node are found again: Slurm starts them in sessions of their own.
            self.daemons[name] = subprocess.Popen(command, env={**self.environment, "TUNE_TEST_NODE": f"{self.folder}/{name}"}, stdin=subprocess.DEVNULL,
                                                  stdout=out, stderr=out)

    def start_controller(self):
        self.start("slurmctld", "slurmctld", "-D", "-f", self.conf)
        wait_for("slurmctld answers", lambda: "is UP" in subprocess.run(["scontrol", "ping"], env=self.environment, capture_output=True, text=True).stdout)

    def start_node(self, node):
        self.start(node, "slurmd", "-D", "-N", node, "-f", self.conf)

    def kill_controller(self):
        """At once, but not before it has saved what it knows by now: it does so every few seconds, and forgets the rest."""
        now = time.time()
        wait_for("slurmctld saves its jobs", lambda: os.stat(f"{self.folder}/state/job_state").st_mtime > now)
        daemon = self.daemons.pop("slurmctld")
        daemon.kill()
        daemon.wait()

    def restart_controller(self):
        """At once: what it has not saved is forgotten."""
        daemon = self.daemons.pop("slurmctld")
        daemon.kill()
        daemon.wait()
        self.start_controller()

    def processes_of(self, node):
        return family({*processes_with(f"TUNE_TEST_NODE={self.folder}/{node}"), *processes_with(f"SLURM_CONF={self.conf}", f"SLURMD_NODENAME={node}")})

    def kill_node(self, node):
        """The machine dies: its slurmd and all that runs on it, at once."""
        self.freeze_node(node)  # So that none sees another one's end.
        kill_all(self.processes_of(node))
        self.daemons.pop(node).wait()

    def orphan_node(self, node):
        """Its slurmd alone dies: what runs there goes on."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def freeze_node(self, node):
        kill_all(self.processes_of(node), signal.SIGSTOP)

    def thaw_node(self, node):
        kill_all(self.processes_of(node), signal.SIGCONT)

    def idle(self):
        out = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %T"], env=self.environment, capture_output=True, text=True).stdout
        return sorted(set(out.split("\n"))) == [""] + [f"{node} idle" for node in self.names]

    def __enter__(self):
        try:
            # --force: only this user comes in, so it may be in a folder that nobody else can enter.
            self.start("munged", "munged", "--force", "--foreground", f"--key-file={self.folder}/munge/key", f"--socket={self.folder}/munge/socket",
                       f"--pid-file={self.folder}/munge/pid", f"--log-file={self.folder}/munge/log", f"--seed-file={self.folder}/munge/seed")
            wait_for("munged listens", lambda: os.path.exists(f"{self.folder}/munge/socket"))
            self.start_controller()
            for node in self.names:
                self.start_node(node)
            wait_for("all nodes are idle", self.idle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.names:
            kill_all(self.processes_of(node))
        for daemon in self.daemons.values():
            daemon.kill()
            daemon.wait()
        self.daemons.clear()
