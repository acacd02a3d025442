# SPDX-License-Identifier: Apache-2.0
"""SMAC3 with its defaults for hyperparameters: smac_peer.py hpo (random forest) | blackbox (Gaussian process)

A failed trial is told as crashed, at the cost of the worst so far (SMAC wants a finite one). A proposal that was moved to another row is told as it was proposed, with that row's
value: SMAC keeps its own account of what it asked for.
"""
import os
import sys
import tempfile
import warnings
from importlib.metadata import version

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import smac  # noqa: E402
from ConfigSpace import (AndConjunction, Categorical, ConfigurationSpace, EqualsCondition, Float, GreaterThanCondition,  # noqa: E402
                         InCondition, Integer, OrdinalHyperparameter)
from smac.runhistory import StatusType, TrialValue  # noqa: E402

from protocol import Refused, serve  # noqa: E402


def hyperparameter(p):
    # Values are kept by number: numpy would turn them into its own types.
    if p.kind == "choice":
        return Categorical(p.name, list(range(len(p.values))))
    if p.kind == "ordinal":
        return OrdinalHyperparameter(p.name, list(range(len(p.values))))
    make = Float if p.kind == "float" else Integer
    return make(p.name, (p.low, p.high), log=p.log)


def condition(space, child, parameters):
    tests = []
    for test in child.when:
        parent = next(p for p in parameters if p.name == test["parent"])
        of = (space[child.name], space[parent.name])
        if test["op"] == "in":
            values = [parent.values.index(v) if parent.values else v for v in test["values"]]
            tests.append(InCondition(*of, values) if len(values) > 1 else EqualsCondition(*of, values[0]))
        elif test["op"] == "ge" and parent.kind == "integer":
            tests.append(GreaterThanCondition(*of, int(test["bound"]) - 1))
        else:
            raise Refused("a condition with " + test["op"])
    return tests[0] if len(tests) == 1 else AndConjunction(*tests)


class Peer:
    facade = None

    def __init__(self, space, seed, trials):
        self.space, self.open, self.worst = space, {}, 0.0
        configurations = ConfigurationSpace(seed=seed)
        configurations.add([hyperparameter(p) for p in space])
        configurations.add([condition(configurations, p, space) for p in space if p.when])
        self.folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(configurations, deterministic=True, n_trials=trials, seed=seed, output_directory=self.folder.name)
        self.smac = Peer.facade(scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False)

    def ask(self, number):
        info = self.smac.ask()
        self.open[number] = info
        given, params = dict(info.config), {}
        for p in self.space:
            if p.name in given:
                value = given[p.name]
                params[p.name] = p.values[int(value)] if p.values else p.clipped(
                    float(value) if p.kind == "float" else int(value))
        return params

    def tell(self, number, params, value):
        info = self.open.pop(number)
        if value is None:
            self.smac.tell(info, TrialValue(cost=self.worst, status=StatusType.CRASHED))
        else:
            self.worst = max(self.worst, value)
            self.smac.tell(info, TrialValue(cost=value))


if __name__ == "__main__":
    Peer.facade = {"hpo": smac.HyperparameterOptimizationFacade, "blackbox": smac.BlackBoxFacade}[sys.argv[1]]
    serve("smac-" + sys.argv[1], version("smac"), Peer)
