# SPDX-License-Identifier: Apache-2.0
"""The other end of bench_regret's line protocol (../README.md): serve() reads requests and answers them.

A peer is a class with

    Peer(space, seed, trials)       raises Refused(why) for a space that it cannot serve
    ask(trial) -> dict or None      parameters by name, active ones only
    tell(trial, params, value)      value None: the trial failed; params may differ from what ask() gave

and its CPU time is that of this process while it is in ask and tell.
"""
import json
import math
import sys
import time


class Refused(Exception):
    pass


class Parameter:
    """One line of the space. kind is float, integer, ordinal or choice."""

    def __init__(self, line):
        self.name, self.kind = line["name"], line["type"]
        self.values = line.get("values")
        self.low, self.high, self.log = line.get("min"), line.get("max"), line.get("log", False)
        self.when = line.get("when", [])

    def active(self, params):
        """Whether it is there, beside parameters that stand before it."""
        return all(self._holds(test, params) for test in self.when)

    @staticmethod
    def _holds(test, params):
        if test["parent"] not in params:
            return False
        value, op = params[test["parent"]], test["op"]
        if op in ("in", "not_in"):
            return (value in test["values"]) == (op == "in")
        return {"gt": value > test["bound"], "ge": value >= test["bound"],
                "lt": value < test["bound"], "le": value <= test["bound"]}[op]

    def clipped(self, value):
        return min(max(value, self.low), self.high)

    def scaled(self):
        """Bounds for a tool without logarithms."""
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)

    def unscaled(self, value):
        value = math.exp(value) if self.log else value
        return int(self.clipped(round(value))) if self.kind == "integer" else float(self.clipped(value))


def serve(tool, version, peer):
    """Until the end of the input. Nothing but answers may be written to standard output."""
    out = sys.stdout
    sys.stdout = sys.stderr  # What libraries print.

    def answer(line):
        out.write(json.dumps(line) + "\n")
        out.flush()

    answer({"tool": tool, "version": version})
    study, cpu = None, 0.0
    for text in sys.stdin:
        line = json.loads(text)
        if "open" in line:
            given, cpu = line["open"], 0.0
            try:
                study = peer([Parameter(p) for p in given["space"]], given["seed"], given["trials"])
                answer({})
            except Refused as why:
                answer({"refused": str(why)})
        elif "ask" in line:
            begin = time.process_time()
            params = study.ask(line["ask"])
            cpu += time.process_time() - begin
            answer({"params": params, "cpu": cpu})
            cpu = 0.0
        else:
            begin = time.process_time()
            study.tell(line["tell"], line["params"], line.get("value"))
            cpu += time.process_time() - begin
