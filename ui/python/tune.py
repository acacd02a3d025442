# SPDX-License-Identifier: Apache-2.0
"""A trial's side of the tune protocol, in this one file: copy it next to your script. Standard library only.

    import tune
    lr = tune.params().get("lr", 0.1)
    for step in range(1, 82):
        loss = train_one_epoch(lr)
        if tune.report(step, loss=loss).stop:
            break

Outside tune every call does nothing and answers "go on", so the script still runs by hand. So it is in ranks other than 0 of a trial of
several (by RANK or OMPI_COMM_WORLD_RANK): rank 0 reports, and tells the others what it was answered.
"""
import json
import os
import select
import socket

__all__ = ["Answer", "connected", "params", "report", "post", "poll", "saved", "checkpoint_folder", "restore",
           "trial_folder", "seed", "event"]


class Answer:
    """What tune wants after a report."""

    def __init__(self, command=None):
        self.command = command or {"cmd": "continue"}

    @property
    def stop(self):
        """End now, with exit code 0. Also true for a pause: save first if you can."""
        return self.command.get("cmd") in ("stop", "pause")

    @property
    def save(self):
        """Save a checkpoint and hand it over with saved()."""
        return self.command.get("cmd") in ("pause", "checkpoint") or self.command.get("checkpoint") is True

    @property
    def params(self):
        """New parameters of an update (only if the script announced it: event("ready", caps=["update"])), else None."""
        return self.command.get("params") if self.command.get("cmd") == "update" else None

    @property
    def reason(self):
        return self.command.get("reason", "")


def _rank():
    name = "RANK" if "WORLD_SIZE" in os.environ else "OMPI_COMM_WORLD_RANK"
    return int(os.environ.get(name, "0"))


class _Line:
    """The connection: the inherited descriptor, or the Unix socket where a launcher in between closed it."""

    def __init__(self):
        self.socket = self._open()
        self.buffer = b""

    @staticmethod
    def _open():
        if "TUNE_PROTOCOL" not in os.environ or _rank() != 0:
            return None
        try:
            line = socket.socket(fileno=int(os.environ["TUNE_FD"]))
            if line.family == socket.AF_UNIX:
                return line
            line.detach()  # A launcher in between closed ours, and this one is another's.
        except (KeyError, ValueError, OSError):
            pass
        try:
            line = socket.socket(socket.AF_UNIX)
            line.connect(os.environ["TUNE_SOCK"])
            line.sendall(json.dumps({"token": os.environ["TUNE_TOKEN"]}).encode() + b"\n")
            return line
        except (KeyError, OSError):
            return None

    def send(self, message):
        if self.socket is None:
            return False
        try:
            self.socket.sendall(json.dumps(message).encode() + b"\n")
            return True
        except OSError:  # tune is gone: go on alone.
            self.socket = None
            return False

    def receive(self, wait=True):
        while self.socket is not None and b"\n" not in self.buffer:
            if not wait and not select.select([self.socket], [], [], 0)[0]:
                return None
            try:
                got = self.socket.recv(65536)
            except OSError:
                got = b""
            if not got:
                self.socket = None
                return None
            self.buffer += got
        if b"\n" not in self.buffer:
            return None
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)


_line = None


def _connection():
    global _line
    if _line is None:
        _line = _Line()
    return _line


def connected():
    """We were started by tune."""
    return _connection().socket is not None


def params():
    """The parameters, typed; names with dots are nested. Empty outside tune."""
    path = os.environ.get("TUNE_PARAMS")
    if not path:
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _number(value):
    return float(value) if hasattr(value, "__float__") else value  # Tensors and numpy scalars, too.


def _message(step, metrics, more):
    metrics = {**(metrics or {}), **more}
    return {"step": int(step), "metrics": {name: _number(value) for name, value in metrics.items()}}


def report(step, metrics=None, **more):
    """Reports and waits: when it returns, the report is safe on disk and tune has decided. Steps count from 1."""
    line = _connection()
    message = _message(step, metrics, more)
    message["sync"] = True
    return Answer(line.receive() if line.send(message) else None)


def post(step, metrics=None, **more):
    """Reports and goes on at once. A stop is heard at the next report() or poll()."""
    _connection().send(_message(step, metrics, more))


def poll():
    """What tune has said unasked, without waiting."""
    return Answer(_connection().receive(wait=False))


def event(name, caps=None, msg=None):
    """ready (with caps: "checkpoint", "update"), saving, warn, artifact or heartbeat."""
    message = {"event": name}
    if caps:
        message["caps"] = list(caps)
    if msg:
        message["msg"] = msg
    _connection().send(message)


def _folder(variable):
    path = os.environ.get(variable)
    if path:
        os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def checkpoint_folder():
    """Where to write checkpoints, each under a new name; None outside tune."""
    return _folder("TUNE_CHECKPOINT_DIR")


def saved(step, name):
    """Hands over the file or folder `name` (below checkpoint_folder()) just written. Leave it alone afterwards."""
    _connection().send({"step": int(step), "checkpoint": os.fspath(name)})


def restore():
    """Path to restore from; None on a fresh start."""
    return os.environ.get("TUNE_CHECKPOINT")


def trial_folder():
    """A folder of this trial's own; None outside tune."""
    return _folder("TUNE_TRIAL_DIR")


def seed(otherwise=0):
    """For this trial, the same in every attempt."""
    return int(os.environ.get("TUNE_SEED", otherwise))
