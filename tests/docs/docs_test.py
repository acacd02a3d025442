#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds README and docs to the program: links lead somewhere, verbs and options exist, configs and parts of them pass
`tune check`.

usage: docs_test.py TUNE ROOT
"""
import functools
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

tune, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
findings = []
checked = {"links": 0, "commands": 0, "configs": 0}


@functools.lru_cache(None)
def help_of(verb):
    done = subprocess.run([tune, verb, "--help"] if verb else [tune, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.stdout if done.returncode == 0 else None


@functools.lru_cache(None)
def verbs():
    return set(re.findall(r"^  ([a-z]+) +\S", help_of("").split("options of every verb")[0], re.M))


def check_command(place, line):
    """A line that begins with `tune`: its verb and its long options."""
    line = re.split(r" -- |[|;&>)]|(?:^|\s)#", line)[0]
    words = line.split()[1:]
    checked["commands"] += 1
    verb = next((w for w in words if not w.startswith("-")), "")
    if words and words[0] in ("--store", "-C"):
        verb = words[2] if len(words) > 2 else ""
    if verb and re.fullmatch(r"[a-z]+", verb) and verb not in verbs():
        findings.append(f"{place}: there is no `tune {verb}`")
        return
    text = (help_of("") or "") + (help_of(verb) or "" if verb in verbs() else "")
    for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", line):
        if not re.search(re.escape(option) + r"\b", text):
            findings.append(f"{place}: `tune {verb}` has no {option}")


def check_config(place, text):
    checked["configs"] += 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config.json")
        with open(path, "w") as file:
            file.write(text)
        done = subprocess.run([tune, "check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            findings.append(f"{place}: `tune check` says\n{done.stdout}")


def whole_config(fragment):
    """A config around `"stop": {…}`, members as the pages show them; None where the block is something else."""
    try:
        given = json.loads("{" + re.sub(r"\s//[^\n]*", "", fragment) + "}")
    except ValueError:
        return None
    if not given or not all(explained(key) for key in given):
        return None
    around = {"params": {"lr": {"type": "uniform", "min": 0, "max": 1}, "n": {"type": "int", "min": 1, "max": 9}},
              "objective": {"metric": "loss"}, "command": ["p", "${args}"]}
    if "objectives" in given:
        del around["objective"]
    return json.dumps({**around, **given})


@functools.lru_cache(None)
def explained(key):
    return subprocess.run([tune, "explain", key], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          timeout=60).returncode == 0


def check_page(path):
    name = os.path.relpath(path, root)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", text, flags=re.S)):
        if "://" in link:
            continue
        checked["links"] += 1
        if not os.path.exists(os.path.join(os.path.dirname(path), link)):
            findings.append(f"{name}: link to {link} leads nowhere")
    for language, block in re.findall(r"```(\w*)\n(.*?)```", text, re.S):
        if language in ("json", "jsonc") and '"params"' in block and re.search(r'"(command|trainable)"', block):
            check_config(name, block)
        elif language in ("json", "jsonc") and whole_config(block):
            check_config(name, whole_config(block))
    for line in text.split("\n"):
        if re.match(r"(    |\$ )tune ", line):
            check_command(name, line.strip().lstrip("$ "))
        for inline in re.findall(r"`(tune [^`]+)`", line):
            if inline == inline.lower() or "--" in inline:
                check_command(name, inline)


for page in sorted(glob.glob(os.path.join(root, "*.md")) + glob.glob(os.path.join(root, "docs", "**", "*.md"), recursive=True)):
    check_page(page)
for finding in findings:
    print(finding)
print(", ".join(f"{count} {what}" for what, count in checked.items()), "checked:", len(findings), "findings")
sys.exit(1 if findings or not all(checked.values()) else 0)
