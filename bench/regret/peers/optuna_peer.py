# SPDX-License-Identifier: Apache-2.0
"""Optuna's samplers with their defaults: optuna_peer.py tpe | gp | cmaes | auto FOLDER

`auto` is AutoSampler of the OptunaHub registry, loaded from FOLDER/auto_sampler: the hub itself is not asked.
Parameters are defined by run, parents first, so that inactive ones are never seen. Ordinals are integers. A proposal
that was moved to another row is told as failed and its row added as a trial; a failed trial is told as failed.
"""
import importlib.util
import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import optuna  # noqa: E402
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

from protocol import serve  # noqa: E402


def auto_sampler(folder):
    place = os.path.join(folder, "auto_sampler", "__init__.py")
    spec = importlib.util.spec_from_file_location("auto_sampler", place, submodule_search_locations=[os.path.dirname(place)])
    module = importlib.util.module_from_spec(spec)
    sys.modules["auto_sampler"] = module
    spec.loader.exec_module(module)
    return module.AutoSampler


def sampler_class(name):
    if name == "auto":
        return auto_sampler(sys.argv[2])
    return {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler, "cmaes": optuna.samplers.CmaEsSampler,
            "random": optuna.samplers.RandomSampler}[name]


def distribution(p):
    if p.kind == "float":
        return FloatDistribution(p.low, p.high, log=p.log)
    if p.kind == "integer":
        return IntDistribution(p.low, p.high, log=p.log)
    if p.kind == "ordinal":
        return IntDistribution(0, len(p.values) - 1)
    return CategoricalDistribution(p.values)


class Peer:
    sampler = None

    def __init__(self, space, seed, trials):
        self.space = space
        self.study = optuna.create_study(sampler=Peer.sampler(seed=seed))
        self.open = {}

    def ask(self, number):
        trial, params = self.study.ask(), {}
        for p in self.space:
            if p.active(params):
                value = trial._suggest(p.name, distribution(p))
                params[p.name] = p.values[value] if p.kind == "ordinal" else value
        self.open[number] = trial
        return params

    def tell(self, number, params, value):
        trial = self.open.pop(number)
        if value is None:
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            self.study.tell(trial, value)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        import torch
        torch.set_num_threads(1)
    except ImportError:
        pass
    Peer.sampler = sampler_class(sys.argv[1])
    serve("optuna-" + sys.argv[1], optuna.__version__, Peer)
