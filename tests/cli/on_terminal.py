#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and prints the bytes that reached it. usage: on_terminal.py [--color WHEN] COMMAND…"""
import fcntl
import os
import pty
import struct
import sys
import termios


def run(command, columns=100, rows=30):
    """(bytes, exit code)"""
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    out = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # The other end is closed.
            break
        if not part:
            break
        out += part
    return out, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "--color":
        words = words[2:] + words[:2]
    shown, code = run(words)
    sys.stdout.buffer.write(shown)
