# SPDX-License-Identifier: Apache-2.0
"""Curve tasks of the format tune-bench-1 on a simulated clock, for schedulers that are written in Python.

The rules are those of executors/recorded_problem.hpp, so that a peer meets what ours meets: a proposal becomes the row that
is nearest in the unit cube (numeric parameters by distance squared; other choices, and active against inactive, count 1),
among repeats one is drawn for each trial, a row reports at its lines (steps 1, 2, ...) after the recorded seconds, or every
second where none were recorded, and an empty cell is NaN.
"""
import csv
import gzip
import heapq
import json
import math
import os
import random

import numpy as np


class Parameter:
    def __init__(self, p):
        self.name, self.kind = p["name"], p["type"]
        self.numeric = self.kind in ("float", "int")
        self.values = None if self.numeric else p["values"]
        self.low, self.high, self.log = p.get("low"), p.get("high"), bool(p.get("log"))
        self.when = (p["active_if"]["param"], p["active_if"]["values"]) if "active_if" in p else None
        self.constant = self.numeric and not self.low < self.high

    def active(self, params):
        return self.when is None or params.get(self.when[0]) in self.when[1]

    def position(self, value):
        """Where a value stands in [0, 1], as Dimension::position has it."""
        if value is None:
            return math.nan
        if self.constant:
            return 0.5
        if not self.numeric:
            return (self.values.index(value) + 0.5) / len(self.values)
        if self.kind == "int" and not self.log:
            return (value - self.low + 0.5) / (self.high - self.low + 1)
        if self.kind == "int":
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            below = 0 if value == self.low else (math.log(value - 0.5) - low) / (high - low)
            above = 1 if value == self.high else (math.log(value + 0.5) - low) / (high - low)
            return (below + above) / 2
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def draw(self, rng):
        """A value from a random.Random, evenly on the parameter's own scale."""
        if self.constant:
            return self.low
        if not self.numeric:
            return rng.choice(self.values)
        if self.kind == "int" and not self.log:
            return rng.randint(self.low, self.high)
        if self.kind == "int":
            x = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
            return min(self.high, max(self.low, round(x)))
        if self.log:
            return min(self.high, max(self.low, math.exp(rng.uniform(math.log(self.low), math.log(self.high)))))
        return rng.uniform(self.low, self.high)

    def read(self, cell):
        if cell == "":
            return None
        if self.numeric:
            x = int(float(cell)) if self.kind == "int" else float(cell)
            return min(self.high, max(self.low, x))  # Tables round.
        for v in self.values:
            if str(v) == cell or (not isinstance(v, (str, bool)) and float(v) == float(cell)):
                return v
        if isinstance(self.values[0], bool):
            return cell in ("true", "True", "1")
        raise ValueError(f"{self.name}: {cell} is not among {self.values}")


class Row:
    """One recorded run: by step, the value and the seconds since its beginning."""

    def __init__(self):
        self.values, self.until = [], []


class Task:
    def __init__(self, path):
        with open(path) as f:
            d = json.load(f)
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.space = [Parameter(p) for p in d["space"]]
        metric = next(m for m in d["metrics"] if m.get("primary"))
        self.maximize = metric["direction"] == "maximize"
        cost = d.get("cost") or {}
        seconds = cost.get("column") if cost.get("kind") != "proxy" else None
        folder = os.path.dirname(path)

        def lines(which):
            entry = d["files"][which]
            name = os.path.join(folder, entry if isinstance(entry, str) else entry["file"])
            with gzip.open(name, "rt", newline="") as f:
                yield from csv.DictReader(f)

        positions = {c["config_id"]: [p.position(p.read(c[p.name])) for p in self.space] for c in lines("configs")}
        rows = {}
        for line in lines("curves"):
            row = rows.setdefault((line["config_id"], line.get("repeat", "")), Row())
            row.values.append(float(line[metric["name"]] or "nan"))
            before = row.until[-1] if row.until else 0.0
            at = float(line[seconds] or "nan") if seconds else before + 1
            row.until.append(at if at > before else before)
        self.rows = list(rows.values())
        self.at = np.array([positions[c] for c, _ in rows])
        self.listed = np.array([not p.numeric or p.constant for p in self.space])
        self.steps = max(len(r.values) for r in self.rows)
        self.mean_seconds = sum(r.until[-1] for r in self.rows) / len(self.rows)

    def nearest(self, params, rng):
        unit = np.array([p.position(params.get(p.name)) for p in self.space])
        here, there = ~np.isnan(unit), ~np.isnan(self.at)
        gap = np.where(self.listed, (self.at != unit) * 1.0, (self.at - unit) ** 2)
        gap = np.where(here & there, gap, (here != there) * 1.0)
        distance = gap.sum(axis=1)
        return self.rows[rng.choice(np.flatnonzero(distance == distance.min()).tolist())]

    def draw(self, rng):
        params = {}
        for p in self.space:
            if p.active(params):
                params[p.name] = p.draw(rng)
        return params


def simulate(task, tool, workers, budget, seed):
    """Runs a tool until `budget` simulated seconds are over. The tool answers
         ask(trial) -> params
         report(trial, step, value, at) -> True: go on; False: stopped; a trial: copy that one's state, with new params
         done(trial, value)      the row has no further steps
       Returns what the run came to."""
    rng = random.Random(seed)
    events, order, trials, out = [], 0, 0, []
    reports = complete = 0
    held, best = 0.0, None

    class Running:
        pass

    def plan(r, now):
        nonlocal order
        before = r.row.until[r.step - 1] if r.step else 0.0
        order += 1
        heapq.heappush(events, (now + r.row.until[r.step] - before, order, r))

    def begin(now):
        nonlocal trials
        r = Running()
        r.trial, r.step, r.began = trials, 0, now
        trials += 1
        r.row = task.nearest(tool.ask(r.trial), rng)
        plan(r, now)

    for _ in range(workers):
        begin(0.0)
    while events and events[0][0] <= budget:
        now, _, r = heapq.heappop(events)
        r.step += 1
        value = r.row.values[r.step - 1]
        reports += 1
        if math.isfinite(value) and (best is None or (value > best if task.maximize else value < best)):
            best = value
            out.append([now, value])
        last = r.step >= len(r.row.values)
        answer = tool.report(r.trial, r.step, value, now)
        if isinstance(answer, dict):  # New parameters from here on: a population.
            r.row = task.nearest(answer["params"], rng)
            r.step = min(answer["step"], len(r.row.values) - 1)
            plan(r, now)
            continue
        if answer and not last:
            plan(r, now)
            continue
        if answer:
            complete += 1
            tool.done(r.trial, value)
        held += now - r.began
        begin(now)
    held += sum(budget - r.began for _, _, r in events)
    return {"improvements": out, "trials": trials, "reports": reports, "complete": complete,
            "slot_seconds": held, "budget": budget, "maximize": task.maximize}
