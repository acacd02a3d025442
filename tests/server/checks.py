# SPDX-License-Identifier: Apache-2.0
"""What a test of this folder holds to be true: the first that is not ends it."""
import sys

count = 0  # How many held.


def expect(what, got, wanted):
    global count
    count += 1
    if got != wanted:
        sys.exit(f"FAILED: {what} is {got!r}, not {wanted!r}")


def check(what, holds):
    expect(what, bool(holds), True)
