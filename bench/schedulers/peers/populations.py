# SPDX-License-Identifier: Apache-2.0
"""Ray Tune's PopulationBasedTraining on the trainings of bench/populations.cpp: one line of JSON a seed.

    populations.py --out FILE [--seeds 0-29]

It is Ray's own class, with its defaults but for the interval, called as its controller calls it: a result of a member, in turn,
until each has done 200 steps; a member that it pauses goes on at once from the checkpoint, which may be of an earlier step, and
with the parameters that the class gave it.
The parameters are kept within their ranges, which the class does not do. A learning rate is perturbed by factors, a momentum
too, as its documentation shows for both.
"""
import argparse
import json
import logging
import math
import random
import types

import ray
from ray import tune
from ray.tune.schedulers import PopulationBasedTraining

logging.getLogger("ray").setLevel(logging.ERROR)

STEPS, MEMBERS, INTERVAL, DIRECTIONS = 200, 16, 5, 8
CURVATURE = [10 ** (-2.0 * i / (DIRECTIONS - 1)) for i in range(DIRECTIONS)]


def gradient(x, i, noise):
    return CURVATURE[i] * x[i] + 0.1 * noise[i]


def bowl(x):
    return sum(c * v * v / 2 for c, v in zip(CURVATURE, x))


class Surrogate:
    space = {"h0": (0, 1, False), "h1": (0, 1, False)}
    begin = [0.9, 0.9]

    @staticmethod
    def step(x, p, noise):
        return [x[0] * (1 - 0.02 * p["h0"]), x[1] * (1 - 0.02 * p["h1"])]

    @staticmethod
    def loss(x):
        return x[0] ** 2 + x[1] ** 2


class Descent:
    space = {"lr": (0.001, 1, True)}
    begin = [1.0] * DIRECTIONS

    @staticmethod
    def step(x, p, noise):
        return [x[i] - p["lr"] * gradient(x, i, noise) for i in range(DIRECTIONS)]

    loss = staticmethod(bowl)


class Momentum:
    space = {"lr": (0.001, 1, True), "momentum": (0, 0.99, False)}
    begin = [1.0] * DIRECTIONS + [0.0] * DIRECTIONS

    @staticmethod
    def step(x, p, noise):
        speed = [p["momentum"] * x[DIRECTIONS + i] - p["lr"] * gradient(x, i, noise) for i in range(DIRECTIONS)]
        return [x[i] + speed[i] for i in range(DIRECTIONS)] + speed

    loss = staticmethod(bowl)


class Member:
    """What the class asks of a trial."""
    def __init__(self, number, config):
        self.trial_id, self.number, self.config = str(number), number, config
        self.status, self.experiment_tag, self.evaluated_params = "RUNNING", "", {}
        self.temporary_state = types.SimpleNamespace(saving_to=None)
        manager = types.SimpleNamespace(checkpoint_config=types.SimpleNamespace(num_to_keep=None), _latest_checkpoint_result=None)
        self.run_metadata = types.SimpleNamespace(checkpoint_manager=manager)
        self.step, self.state = 0, None

    def is_finished(self):
        return self.step >= STEPS

    def set_experiment_tag(self, tag):
        self.experiment_tag = tag

    def set_config(self, config):
        self.config = config


class Controller:
    """What the class asks of its controller. A checkpoint is the member's state and holds no file."""
    search_alg = None

    def __init__(self, members):
        self.members = members

    def get_trials(self):
        return self.members

    def get_live_trials(self):
        return [m for m in self.members if not m.is_finished()]

    def _schedule_trial_save(self, member, result):
        return member.step, list(member.state)

    def pause_trial(self, member, should_checkpoint):
        member.status = "PAUSED"


def end_of(training, seed):
    random.seed(seed)
    draw = random.Random(f"members-{seed}")

    def first(low, high, log):
        return math.exp(draw.uniform(math.log(low), math.log(high))) if log else draw.uniform(low, high)

    mutations = {n: tune.loguniform(a, b) if log else tune.uniform(a, b) for n, (a, b, log) in training.space.items()}
    rule = PopulationBasedTraining(metric="loss", mode="min", time_attr="training_iteration",
                                   perturbation_interval=INTERVAL, hyperparam_mutations=mutations, log_config=False)
    import numpy
    numpy.random.seed(seed)
    members = [Member(i, {n: first(*s) for n, s in training.space.items()}) for i in range(MEMBERS)]
    controller = Controller(members)
    for m in members:
        m.state = list(training.begin)
        rule.on_trial_add(controller, m)
    clones = 0
    while live := controller.get_live_trials():
        for m in live:
            params = {n: min(max(m.config[n], low), high) for n, (low, high, _) in training.space.items()}
            noise = random.Random(f"{seed}-{m.number}-{m.step}")
            m.state = training.step(m.state, params, [noise.gauss(0, 1) for _ in range(DIRECTIONS)])
            m.step += 1
            if m.is_finished():
                continue
            rule.on_trial_result(controller, m, {"loss": training.loss(m.state), "training_iteration": m.step})
            if m.status == "PAUSED":
                m.step, state = m.run_metadata.checkpoint_manager._latest_checkpoint_result.checkpoint
                m.state, m.status, clones = list(state), "RUNNING", clones + 1
    assert clones > 0
    return min(training.loss(m.state) for m in members)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    p.add_argument("--seeds", default="0-29")
    o = p.parse_args()
    low, _, high = o.seeds.partition("-")
    with open(o.out, "w") as f:
        for training in (Surrogate, Descent, Momentum):
            for seed in range(int(low), int(high or low) + 1):
                f.write(json.dumps({"tool": "ray-pbt", "version": ray.__version__, "training": training.__name__.lower(), "seed": seed,
                                    "loss": end_of(training, seed)}) + "\n")


if __name__ == "__main__":
    main()
