#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs transcripts of the command line. usage: transcript.py TUNE FILE.t…

A transcript is text. A line `$ COMMAND` is run by bash in a folder of the transcript's own, with `tune` on the PATH;
lines `> …` continue it. The lines below are what it prints to both outputs, in order; a last line `[N]` is its exit
code where that is not 0. In what is expected

    ...            stands for any number of lines
    LINE (re)      is a regular expression for a whole line
    <any>          stands for anything within a line

Lines that begin with # before the first command, and blank lines between commands, are for people. A new test is a new file.
"""
import os
import re
import subprocess
import sys
import tempfile


def parse(text):
    """[(line number, command, expected lines, exit code)]"""
    steps = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("$ "):
            steps.append([number, line[2:], [], 0])
        elif line.startswith("> ") or line == ">":
            steps[-1][1] += "\n" + line[2:]
        elif re.fullmatch(r"\[\d+\]", line) and steps:
            steps[-1][3] = int(line[1:-1])
        elif steps:
            steps[-1][2].append(line)
    for step in steps:
        while step[2] and step[2][-1].strip() in ("",) or step[2] and step[2][-1].startswith("# "):
            step[2].pop()
    return steps


def line_matches(expected, actual):
    if expected.endswith(" (re)"):
        return re.fullmatch(expected[:-5], actual) is not None
    pattern = ".*".join(re.escape(part) for part in expected.split("<any>"))
    return re.fullmatch(pattern, actual) is not None


def matches(expected, actual):
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and line_matches(expected[0], actual[0]) and matches(expected[1:], actual[1:])


def run(tune, path):
    with open(path, encoding="utf-8") as file:
        steps = parse(file.read())
    failures = 0
    with tempfile.TemporaryDirectory(prefix="tune-transcript-") as folder:
        os.mkdir(os.path.join(folder, ".bin"))
        os.symlink(os.path.abspath(tune), os.path.join(folder, ".bin", "tune"))
        work = os.path.join(folder, "work")
        os.mkdir(work)
        environment = {k: v for k, v in os.environ.items() if k in ("HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        environment.update(PATH=os.path.join(folder, ".bin") + ":" + os.environ["PATH"], LC_ALL="C.UTF-8", TERM="xterm",
                           TESTS=os.path.dirname(os.path.abspath(path)))
        for number, command, expected, code in steps:
            try:
                done = subprocess.run(["bash", "-c", command], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
                printed, got = done.stdout, done.returncode
            except subprocess.TimeoutExpired as late:
                printed, got = late.stdout or b"", "none: killed after 120 seconds"
            actual = printed.decode("utf-8", "replace").rstrip("\n").split("\n") if printed.strip(b"\n") else []
            if got == code and matches(expected, actual):
                continue
            failures += 1
            print(f"{path}:{number}: $ {command}")
            print("  expected:" + "".join(f"\n    {line}" for line in expected) + f"\n    [{code}]")
            print("  printed:" + "".join(f"\n    {line!r}"[:400] for line in actual) + f"\n    [{got}]")
    return failures


def main():
    failures = sum(run(sys.argv[1], path) for path in sys.argv[2:])
    print(f"{len(sys.argv) - 2} transcripts, {failures} commands that did not do what they should")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
