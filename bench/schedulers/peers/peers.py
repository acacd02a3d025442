# SPDX-License-Identifier: Apache-2.0
"""Schedulers of other tools on curve tasks with a simulated clock: one line of JSON a run.

    peers.py TOOL --tasks FOLDER[,FOLDER] --out FILE [--seeds 0-4] [--workers 4] [--rounds 25] [--only NAME,NAME]

TOOL: optuna-hyperband, optuna-halving (SuccessiveHalvingPruner), both with TPESampler; syne-asha, ray-asha. All with
their defaults but for what they must be told: how many steps a trial has. --rounds: the budget, in mean lengths of a full
training of the task; every worker has that long. A run that the file has is not done again.
"""
import argparse
import glob
import json
import os
import random
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

from curves import Task, simulate  # noqa: E402


def quicken_optuna():
    """Spares hours without changing what Optuna does: scipy's logarithm of the normal distribution, vectorised, for Optuna's
    own in Python, and a trial's bracket, which is a hash of its number, is computed once."""
    import scipy.special
    from optuna.pruners import HyperbandPruner
    from optuna.samplers._tpe import _truncnorm
    _truncnorm._log_ndtr = scipy.special.log_ndtr
    own = HyperbandPruner._get_bracket_id

    def bracket(self, study, trial):
        if not self._pruners:
            return own(self, study, trial)
        known = self.__dict__.setdefault("_known_brackets", {})
        if trial.number not in known:
            known[trial.number] = own(self, study, trial)
        return known[trial.number]

    HyperbandPruner._get_bracket_id = bracket


class Optuna:
    def __init__(self, task, seed, rule):
        import optuna
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        self.optuna, self.task, self.open = optuna, task, {}
        pruner = (optuna.pruners.HyperbandPruner(max_resource=task.steps) if rule == "hyperband" else
                  optuna.pruners.SuccessiveHalvingPruner())
        # The name decides on brackets: crc32 of it and the trial's number.
        self.study = optuna.create_study(study_name=f"{task.name}-{seed}", sampler=optuna.samplers.TPESampler(seed=seed),
                                         pruner=pruner, direction="maximize" if task.maximize else "minimize")

    @property
    def version(self):
        return self.optuna.__version__

    def distribution(self, p):
        d = self.optuna.distributions
        if p.constant:
            return d.CategoricalDistribution([p.low])
        if p.kind == "float":
            return d.FloatDistribution(p.low, p.high, log=p.log)
        if p.kind == "int":
            return d.IntDistribution(p.low, p.high, log=p.log)
        if p.kind == "ordinal":
            return d.IntDistribution(0, len(p.values) - 1)
        return d.CategoricalDistribution(p.values)

    def ask(self, number):
        trial, params = self.study.ask(), {}
        for p in self.task.space:
            if p.active(params):
                value = trial._suggest(p.name, self.distribution(p))
                params[p.name] = p.values[value] if p.kind == "ordinal" else value
        self.open[number] = trial
        return params

    def report(self, number, step, value, at):
        trial = self.open[number]
        trial.report(value, step)
        if not trial.should_prune():
            return True
        self.study.tell(self.open.pop(number), state=self.optuna.trial.TrialState.PRUNED)
        return False

    def done(self, number, value):
        failed = value != value
        self.study.tell(self.open.pop(number), None if failed else value,
                        state=self.optuna.trial.TrialState.FAIL if failed else None)


class Syne:
    """Syne Tune's ASHA with its random search, which is its default; conditions are of no concern to it."""

    def __init__(self, task, seed):
        import numpy
        import syne_tune
        from syne_tune.backend.trial_status import Trial
        from syne_tune.config_space import choice, loguniform, lograndint, randint, uniform
        from syne_tune.optimizer.scheduler import SchedulerDecision
        from syne_tune.optimizer.schedulers.asha import AsynchronousSuccessiveHalving
        numpy.random.seed(seed)
        self.version, self.trial, self.task, self.open = syne_tune.__version__, Trial, task, {}
        self.go_on = SchedulerDecision.CONTINUE

        def domain(p):
            if p.constant:
                return choice([p.low])
            if not p.numeric:
                return choice(p.values)
            make = {("float", False): uniform, ("float", True): loguniform, ("int", False): randint, ("int", True): lograndint}
            return make[p.kind, p.log](p.low, p.high)

        self.scheduler = AsynchronousSuccessiveHalving({p.name: domain(p) for p in task.space}, metric="value",
                                                       do_minimize=not task.maximize, max_t=task.steps, random_seed=seed)

    def ask(self, number):
        from datetime import datetime
        given = self.scheduler.suggest().config
        trial = self.trial(trial_id=number, config=given, creation_time=datetime.fromtimestamp(0))
        self.open[number] = trial
        self.scheduler.on_trial_add(trial)
        params = {}
        for p in self.task.space:
            if p.active(given):
                params[p.name] = given[p.name]
        return params

    def report(self, number, step, value, at):
        answer = self.scheduler.on_trial_result(self.open[number], {"value": value, "training_iteration": step})
        # At max_t it says STOP for a trial that is complete.
        if answer == self.go_on or step >= self.task.steps:
            return True
        self.scheduler.on_trial_remove(self.open.pop(number))
        return False

    def done(self, number, value):
        self.scheduler.on_trial_remove(self.open.pop(number))


class Ray:
    """Ray Tune's AsyncHyperBandScheduler with random search, its default: parameters drawn evenly."""

    def __init__(self, task, seed):
        import numpy
        import ray
        from ray.tune.schedulers import AsyncHyperBandScheduler
        numpy.random.seed(seed)
        self.version, self.task, self.rng, self.open = ray.__version__, task, random.Random(f"ray-{seed}"), {}
        self.scheduler = AsyncHyperBandScheduler(metric="value", mode="max" if task.maximize else "min", max_t=task.steps)

    class Trial:
        def __init__(self, number):
            self.trial_id = str(number)

    def ask(self, number):
        self.open[number] = self.Trial(number)
        self.scheduler.on_trial_add(None, self.open[number])
        return self.task.draw(self.rng)

    def report(self, number, step, value, at):
        answer = self.scheduler.on_trial_result(None, self.open[number], {"value": value, "training_iteration": step})
        if answer == "CONTINUE" or step >= self.task.steps:
            return True
        self.scheduler.on_trial_remove(None, self.open.pop(number))
        return False

    def done(self, number, value):
        self.scheduler.on_trial_remove(None, self.open.pop(number))


TOOLS = {
    "optuna-hyperband": lambda task, seed: Optuna(task, seed, "hyperband"),
    "optuna-halving": lambda task, seed: Optuna(task, seed, "halving"),
    "syne-asha": Syne,
    "ray-asha": Ray,
}


def numbers(text):
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tool", choices=sorted(TOOLS))
    p.add_argument("--tasks", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seeds", default="0-4")
    p.add_argument("--workers", type=int, default=4)
    p.add_argument("--rounds", type=float, default=25)
    p.add_argument("--only", default="")
    o = p.parse_args()
    paths = sorted(f for folder in o.tasks.split(",") for f in glob.glob(os.path.join(folder, "*.json")))
    if o.only:
        paths = [f for f in paths if os.path.splitext(os.path.basename(f))[0] in o.only.split(",")]
    tasks = [Task(f) for f in paths]
    if o.tool.startswith("optuna"):
        quicken_optuna()
    done = set()
    if os.path.exists(o.out):
        with open(o.out) as f:
            done = {(r["tool"], r["task"], r["seed"], r["workers"], r["rounds"]) for r in map(json.loads, f)}
    for seed in numbers(o.seeds):
        for task in tasks:
            if (o.tool, task.name, seed, o.workers, o.rounds) in done:
                continue
            began = time.process_time()
            random.seed(seed)
            tool = TOOLS[o.tool](task, seed)
            run = simulate(task, tool, o.workers, o.rounds * task.mean_seconds, seed)
            line = {"tool": o.tool, "version": tool.version, "task": task.name, "seed": seed, "workers": o.workers,
                    "rounds": o.rounds, **run, "cpu": round(time.process_time() - began, 3)}
            with open(o.out, "a") as f:
                f.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
