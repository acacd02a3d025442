# SPDX-License-Identifier: Apache-2.0
"""dlib's find_min_global, in its ask-and-tell form. Categories and ordinals are integers, as its users would write them.

A failed trial is told as the worst value so far. Conditions between parameters are not for it.
"""
import math

import dlib

from protocol import Refused, serve


class Peer:
    def __init__(self, space, seed, trials):
        if any(p.when for p in space):
            raise Refused("conditional parameters")
        self.space, self.open, self.worst = space, {}, None
        bounds = [(0, len(p.values) - 1) if p.values else p.scaled() for p in space]
        whole = [bool(p.values) or (p.kind == "integer" and not p.log) for p in space]
        spec = dlib.function_spec([float(b[0]) for b in bounds], [float(b[1]) for b in bounds], whole)
        self.search = dlib.global_function_search(spec)
        self.search.set_seed(seed)
        self.search.set_solver_epsilon(0)  # As find_min_global's default.

    def ask(self, number):
        request = self.search.get_next_x()
        self.open[number] = request
        return {p.name: p.values[round(x)] if p.values else p.unscaled(x) for p, x in zip(self.space, request.x)}

    def tell(self, number, params, value):
        request = self.open.pop(number)
        if value is not None:
            self.worst = value if self.worst is None else max(self.worst, value)
        request.set(-(value if value is not None else self.worst if self.worst is not None else 1e9))


if __name__ == "__main__":
    serve("dlib", dlib.__version__, Peer)
