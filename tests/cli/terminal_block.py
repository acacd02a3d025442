#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The live block of `tune sweep` on a terminal: at most ten lines, drawn five times a second at most, gone at the end.
usage: terminal_block.py TUNE

A small terminal is played here: enough of one to know what stands on the screen after each frame.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from on_terminal import run

COLUMNS, TRIALS = 72, 24


class Terminal:
    """Lines and a cursor; no wrapping is allowed, so none is played."""

    def __init__(self):
        self.lines, self.row, self.column, self.cursor_shown = [""], 0, 0, True

    def feed(self, text):
        for token in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[^\x1b]", text):
            if token == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            elif token == "\r":
                self.column = 0
            elif token.startswith("\x1b["):
                self.escape(token)
            else:
                self.put(token)

    def put(self, character):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + character + line[self.column + 1:]
        self.column += 1
        assert self.column <= COLUMNS, "a line is wider than the terminal: " + self.lines[self.row]

    def escape(self, token):
        kind, number = token[-1], re.sub(r"\D", "", token)
        if kind == "A":
            self.row -= int(number)
        elif kind == "J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1:]
        elif kind in "hl":
            self.cursor_shown = kind == "h"
        else:
            assert kind == "m", "unknown escape " + repr(token)


def main():
    tune = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="tune-terminal-") as folder:
        os.chdir(folder)
        script = 'for s in 1 2 3; do echo "::tune {\\"step\\":$s,\\"loss\\":$(awk -v x=$0 -v s=$s \'BEGIN{print x+1/s}\')}"; sleep 0.05; done'
        config = {"name": "block", "command": ["bash", "-c", script, "${x}"], "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
                  "objective": {"metric": "loss", "goal": "minimize"}, "executor": {"type": "process", "parallel": 16},
                  "resources": {"cpu": 0.05}, "stop": {"trials": TRIALS}}
        with open("config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        shown, code = run([tune, "sweep", "config.json"], columns=COLUMNS)
        assert code == 0, (code, shown)

        terminal, frames = Terminal(), 0
        # A frame begins where the block before it is wiped.
        for part in re.split(r"(?=\r(?:\x1b\[\d+A)?\x1b\[J)", shown.decode()):
            frames += part.startswith("\r")
            terminal.feed(part)
            block = [i for i, line in enumerate(terminal.lines) if line.startswith(" block  ")]
            if block:
                height = len(terminal.lines) - block[-1]
                assert height <= 10, "the block has %d lines:\n%s" % (height, "\n".join(terminal.lines))
        text = "\n".join(terminal.lines)
        assert frames >= 2, "the block was never drawn again"
        assert terminal.cursor_shown, "the cursor stays hidden"
        assert "Ctrl-C" not in text and "\n running" not in text, "the block is left on the screen:\n" + text
        assert " best " in text and "%d done" % TRIALS in text, text
        plain = subprocess.run([tune, "sweep", "config.json"], capture_output=True, check=False)
        assert b"\x1b" not in plain.stdout + plain.stderr
        print("%d frames, at most ten lines each, and a clean screen at the end" % frames)


if __name__ == "__main__":
    main()
