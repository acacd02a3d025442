# SPDX-License-Identifier: Apache-2.0
"""Wires between agents and their coordinator that a test can cut: a proxy, and a real one between network namespaces."""
import json
import os
import socket
import subprocess
import threading
import time


class Network:
    """A wire between agents and their coordinator that a test can cut, one way or both: what is under way then waits, as it
    does where packets are lost and sent again. `address` is what agents dial."""

    def __init__(self, world):
        self.world = world
        self.changed = threading.Condition()
        self.open = {"up": True, "down": True}
        self.delay = 0
        self.passed = 0  # Bytes on their way up.
        self.most = None  # So many, and it cuts itself.
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def near(self, name, **more):
        """An agent that needs no wire."""
        return self.world.agent(name, **more)

    def agent(self, name, **more):
        path = os.path.join(self.world.folder, "far.json")
        if not os.path.exists(path):
            self.world.join_file("far.json", uses=10_000, address=self.address)
        return self.world.agent(name, join=path, **more)

    def cut(self, *ways):
        with self.changed:
            for way in ways or ("up", "down"):
                self.open[way] = False

    def heal(self):
        with self.changed:
            self.open = {"up": True, "down": True}
            self.changed.notify_all()

    def reset(self):
        """Whatever is open breaks, for both."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for one in pair:
                self.abort(one)

    @staticmethod
    def abort(one):
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.shutdown(socket.SHUT_RD)
        except OSError:
            pass
        one.close()

    def wait(self, *ways):
        with self.changed:
            self.changed.wait_for(lambda: all(self.open[way] for way in ways))

    def accept(self):
        while True:
            try:
                agent, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connect, args=(agent,), daemon=True).start()

    def connect(self, agent):
        self.wait("up", "down")
        try:
            host, port = self.world.address().rsplit(":", 1)
            coordinator = socket.create_connection((host, int(port)))
        except OSError:
            return self.abort(agent)
        for one in (agent, coordinator):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.append((agent, coordinator))
        for way, source, sink in (("up", agent, coordinator), ("down", coordinator, agent)):
            threading.Thread(target=self.pump, args=(way, source, sink), daemon=True).start()

    def pump(self, way, source, sink):
        try:
            while True:
                piece = source.recv(16384)
                if self.delay:
                    time.sleep(self.delay)
                if way == "up":
                    self.passed += len(piece)
                    if self.most is not None and self.passed > self.most:
                        self.most = None
                        self.reset()
                self.wait(way)
                if not piece:
                    break
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.wait(way)
            for one in (source, sink):
                self.abort(one)


class Namespaces:
    """The same of a real wire: coordinator and agents in network namespaces of their own, joined by a pair of devices. What goes a way
    that is cut is addressed to nobody; with no way named, the agents' device is down."""

    count = 0

    @staticmethod
    def missing():
        """Why there can be none; empty: there can."""
        try:
            done = subprocess.run(["ip", "netns", "add", "tune-probe"], capture_output=True, text=True)
        except FileNotFoundError:
            return "there is no program `ip` (Debian package iproute2)"
        subprocess.run(["ip", "netns", "del", "tune-probe"], capture_output=True)
        return done.stderr.strip()

    def __init__(self, world):
        Namespaces.count += 1
        self.world = world
        self.here, self.there = (f"tune-{os.getpid()}-{Namespaces.count}-{side}" for side in ("c", "a"))
        self.ends = {"up": (self.there, "10.99.0.1"), "down": (self.here, "10.99.0.2")}  # Who sends, to whom.
        for name in (self.here, self.there):
            self.ip("netns", "add", name)
        self.ip("-n", self.here, "link", "add", "name", "veth", "type", "veth", "peer", "name", "veth", "netns", self.there)
        for (name, other), own in zip(self.ends.values(), ("10.99.0.2", "10.99.0.1")):
            self.ip("-n", name, "address", "add", own + "/24", "dev", "veth")
            self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", name, "link", "set", "veth", "up")
        self.devices = {other: self.device_of(peer) for (name, other), peer in zip(self.ends.values(), (self.here, self.there))}
        world.around = ("ip", "netns", "exec", self.here)
        world.config["executor"] = {**world.config["executor"], "listen": "10.99.0.1:0"}
        world.at_end.append(self.remove)

    def remove(self):
        for name in (self.here, self.there):
            self.ip("netns", "del", name)

    @staticmethod
    def ip(*words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"ip {' '.join(words)}: {done.stderr}")
        return done.stdout

    def device_of(self, name):
        return json.loads(self.ip("-n", name, "-j", "link", "show", "dev", "veth"))[0]["address"]

    def near(self, name, **more):
        return self.world.agent(name, around=self.world.around, **more)

    def agent(self, name, **more):
        return self.world.agent(name, around=("ip", "netns", "exec", self.there), **more)

    def cut(self, *ways):
        if not ways:
            self.ip("-n", self.there, "link", "set", "veth", "down")
        for name, other in map(self.ends.get, ways):
            self.ip("-n", name, "neighbour", "replace", other, "lladdr", "02:00:00:00:00:00", "dev", "veth", "nud", "permanent")

    def reset(self):
        self.cut()
        self.heal()

    def heal(self):
        self.ip("-n", self.there, "link", "set", "veth", "up")
        for name, other in self.ends.values():
            self.ip("-n", name, "neighbour", "replace", other, "lladdr", self.devices[other], "dev", "veth", "nud", "reachable")
