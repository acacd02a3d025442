#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tree to the rules that a compiler cannot see. usage: tests/style/style.py [ROOT]

Fails with one line per finding, FILE:LINE: what. Prints the largest files and the number of wide lines for people to
judge; size alone never fails.
"""
import os
import re
import sys

SOURCE = (".cpp", ".hpp")
LIBRARIES = ["tuner", "search", "schedulers", "executors", "store", "ui"]
SIBLINGS = {"search", "schedulers", "executors", "store"}

# Who may include whom, besides itself. What is not named here (tests, examples, bench) may include everything.
MAY_INCLUDE = {"tuner": set(), "ui": set(LIBRARIES), **{sibling: {"tuner"} for sibling in SIBLINGS}}

# Deciding is pure: time, chance and the outside world come in on records.
PURE = ("tuner", "search", "schedulers")
IMPURE = [
    (r"#include\s*<(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier)>", "threads"),
    (r"#include\s*<(fstream|random|ctime|unistd\.h|sys/[a-z/]+\.h|fcntl\.h|signal\.h|csignal)>", "the outside world"),
    (r"\b(system_clock|steady_clock|high_resolution_clock|clock_gettime|gettimeofday)\b", "clocks"),
    (r"\b(getenv|setenv)\s*\(", "the environment"),
    (r"\bstd::\w+_distribution\b|\bstd::mt19937|\bstd::random_device\b|\bs?rand\s*\(", "randomness other than tune::Rng"),
    (r"\bstd::(cout|cerr|clog|ifstream|ofstream|thread|jthread|mutex|async)\b", "the outside world"),
    (r"-ffast-math|\bfast-math\b", "fast-math"),
]
# The loop and the policies' worker threads are the border of the core: they are handed the one thread that they use.
IMPURE_EXCEPT = {("tuner/tuner.cpp", "threads"), ("tuner/tuner.hpp", "threads")}

# Two types of one name in one namespace are undefined behaviour that no linker reports: templates of the one serve the other.
TYPE = re.compile(r"(?:template <[^>]*>\s*)?(?:struct|class|enum class|enum) (?:\[\[\w+\]\] )?(\w+)(?: final)?(?: : [^;]*)? \{")

GLOSSARY = [(r"\bclass \w*(Manager|Helper|Util|Utils|Controller)\b", "a class is named after what it is, see CONTRIBUTING.md")]
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|tmp/team|root)/")
SPDX = "SPDX-License-Identifier: Apache-2.0"


def tracked(root):
    skip = {"build", ".cache", "__pycache__", "node_modules", "dist"}
    for folder, folders, files in os.walk(root):
        files = [f for f in files if f != ".git"]  # A file in a work tree, a folder elsewhere.
        folders[:] = sorted(f for f in folders if f not in skip and f != ".git" and not f.startswith("build-"))
        for file in sorted(files):
            yield os.path.relpath(os.path.join(folder, file), root)


def without_comments(text):
    """The code with comments and the insides of strings blanked, lines kept. Include paths stay."""
    def blank(match):
        word = match.group(0)
        if word.startswith(('"', "'")):
            return word if word.startswith('"') and re.fullmatch(r'"[\w./+-]+\.[a-z]+"', word) else word[0] + word[-1]
        return re.sub(r"[^\n]", " ", word)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
    findings, sizes, wide, places = [], [], 0, {}

    def find(path, line, what):
        findings.append(f"{path}:{line}: {what}")

    for path in tracked(root):
        folder = path.split(os.sep)[0]
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            continue  # Data.
        lines = text.split("\n")

        for number, line in enumerate(lines, 1):
            if MACHINE_PATHS.search(line) and path != os.path.join("tests", "style", "style.py"):
                find(path, number, "names a path of somebody's machine")
            if line.rstrip("\r") != line or (line.endswith((" ", "\t")) and not path.endswith(".md")):
                find(path, number, "blank or carriage return at the end of the line")

        code = path.endswith(SOURCE) or path.endswith((".cmake", "CMakeLists.txt", ".py", ".sh"))
        if code and SPDX not in "\n".join(lines[:3]):
            find(path, 1, f"has no line '{SPDX}'")
        if not path.endswith(SOURCE):
            continue
        sizes.append((len(lines), path))
        if path.endswith(".hpp") and "#pragma once" not in text:
            find(path, 1, "has no #pragma once")

        for name, number in types(text):
            if folder in LIBRARIES and places.setdefault(name, path) != path:
                find(path, number, f"{name} is also in {places[name]}")

        for number, line in enumerate(without_comments(text).split("\n"), 1):
            wide += len(lines[number - 1]) > 120
            included = re.match(r'\s*#include\s*"([^"]+)"', line)
            if included:
                check_include(path, folder, included.group(1), number, find)
            for pattern, what in GLOSSARY:
                if re.search(pattern, line):
                    find(path, number, what)
            if folder in PURE:
                for pattern, what in IMPURE:
                    if re.search(pattern, line) and (path, what) not in IMPURE_EXCEPT:
                        find(path, number, f"{folder}/ is pure and this is {what}: {line.strip()}")

    sizes.sort(reverse=True)
    if sizes:
        print(f"{len(sizes)} source files, median {sizes[len(sizes) // 2][0]} lines; the largest, for people to judge:")
        for count, path in sizes[:5]:
            print(f"  {count:5} {path}")
    print(f"{wide} lines wider than 120 columns")
    for finding in findings:
        print(finding)
    print(f"style: {len(findings)} findings")
    return 1 if findings else 0


def types(text):
    """Those of a namespace that has a name, as `tune::detail::Seat`, each with its line. Namespaces are not indented."""
    inside = []
    for number, line in enumerate(text.split("\n"), 1):
        if opened := re.match(r"namespace ?([\w:]*) ?\{$", line):
            inside.append(opened.group(1))
        elif line.startswith("}  // namespace") and inside:
            inside.pop()
        elif all(inside) and (named := TYPE.match(line)):
            yield "::".join([*inside, named.group(1)]), number


def check_include(path, folder, included, number, find):
    target = included.split("/")[0]
    if folder in MAY_INCLUDE:
        if target not in LIBRARIES:
            find(path, number, f'includes "{included}"; includes name the file from the root of the repository')
        elif target != folder and target not in MAY_INCLUDE[folder]:
            find(path, number, f"{folder}/ may not include {target}/")


if __name__ == "__main__":
    sys.exit(main())
