#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/config.schema.json to the program: the corpus, the table of fields, and the options of the policies.

usage: schema_test.py TUNE ROOT
"""
import glob
import json
import os
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("SKIP: python3 has no jsonschema (Debian: python3-jsonschema)")
    sys.exit(77)

tune, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])

# What a schema cannot see, by code or, where a code is seen in other files, by file.
UNSEEN = {
    "E002": "readers of JSON keep one of two equal keys",
    "E015": "--set", "e021_by_set": "--set",
    "e003_target": "names of metrics",
    "E021": "compares two numbers", "E023": "compares two numbers", "E072": "compares two numbers", "e006_steps": "compares two numbers",
    "e025_inputs": "names that become one variable", "E078": "compares two paths",
    "e006_hyperband_steps": "compares two numbers", "e006_grow": "compares two numbers", "e064_grow": "what growth needs",
    "e014_overflow": "readers of JSON make 1e999 infinite",
    "e024_weights": "compares two lengths", "e026_weights": "compares two lengths", "e026_outside": "compares two numbers",
    "e036_itself": "compares names", "e013_replicates": "compares two numbers", "e013_grow_ranks": "compares two options", "e013_per_rank": "compares two options",
    "e069_twice": "compares two rules", "e069_threshold_twice": "compares two rules", "e069_scheduler": "compares two types",
    "E075": "what an executor needs", "E066": "what a search can do", "E067": "what a search can do",
    "E028": "arithmetic",
    "E029": "compares names", "E073": "compares names",
    "E030": "a name that refers", "E031": "a name that refers", "E032": "a name that refers", "E034": "a name that refers",
    "E035": "the space", "E063": "the space",
    "E033": "expressions", "E050": "placeholders", "E051": "placeholders", "E052": "placeholders",
    "E054": "`tune create` takes a config without a program",
    "E070": "groups of a regular expression",
}
AT_LEAST = 45  # Files that the schema itself refuses.

findings = []


def check(holds, what):
    if not holds:
        findings.append(what)


def plain_json(text):
    """JSON of a config: comments and a comma before a closing bracket go, unless they stand in a string."""
    text = re.sub(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', lambda m: m[0] if m[0][0] == '"' else " ", text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])', lambda m: m[0] if m[0][0] == '"' else " ", text, flags=re.S)


def no_such_number(name):
    raise ValueError(name + " is not JSON")


def read(path):
    with open(path, encoding="utf-8") as file:  # A UnicodeDecodeError is a ValueError.
        return json.loads(plain_json(file.read()), parse_constant=no_such_number)


def corpus(kind):
    files = sorted(glob.glob(os.path.join(root, "tests", "config", kind, "*.jsonc")))
    check(files, f"there is no tests/config/{kind}")
    return [(os.path.basename(f)[:-len(".jsonc")], f) for f in files]


def check_corpus(validator):
    for name, path in corpus("good"):
        for error in validator.iter_errors(read(path)):
            findings.append(f"good/{name}: {'.'.join(map(str, error.absolute_path))}: {error.message}")

    counts = {"not JSON": 0, "refused by the schema": 0, "unseen": 0, "warnings, valid": 0}
    used = set()
    for name, path in corpus("bad"):
        code = name.split("_")[0].upper()
        try:
            valid = validator.is_valid(read(path))
        except ValueError:
            counts["not JSON"] += 1
            check(code in ("E001", "E014", "E016"), f"bad/{name} is not JSON, and {code} is about something else")
            continue
        if code.startswith("W"):
            counts["warnings, valid"] += 1
            check(valid, f"bad/{name}: only a warning, but the schema refuses it")
        elif not valid:
            counts["refused by the schema"] += 1
        else:
            counts["unseen"] += 1
            why = {name, code} & UNSEEN.keys()
            used |= why
            check(why, f"bad/{name}: the schema accepts it")
    for entry in sorted(UNSEEN.keys() - used):
        findings.append(f"UNSEEN has {entry}, and the schema sees all of its files")
    check(counts["refused by the schema"] >= AT_LEAST, f"the schema refuses fewer than {AT_LEAST} files")
    print(", ".join(f"{what}: {count}" for what, count in counts.items()))

    smallest = {"params": {"x": [1, 2]}, "objective": {"metric": "loss"}, "command": ["p"]}
    check(validator.is_valid(smallest), "control: the smallest config is refused")
    check(not validator.is_valid({**smallest, "sheduler": {}}), "control: an unknown key is accepted")


def table_of_fields():
    """{path: help} of what this version serves, from the table in the source."""
    with open(os.path.join(root, "tuner", "config_fields.cpp"), encoding="utf-8") as file:
        table = re.search(r"kFields\[\] = \{\n(.*?)\n\};", file.read(), re.S)[1]
    served, later = {}, set()
    string = r'"(?:\\.|[^"\\])*"'
    for entry in re.findall(r"\{((?:\s*(?:%s|k\w+|,))+)\}" % string, table):
        parts = re.findall(r"(?:%s|k\w+)(?:\s+%s)*" % (string, string), entry)
        words = ["".join(json.loads(s) for s in re.findall(string, part)) for part in parts]
        if len(words) == 4:
            served[words[0]] = words[3]
        else:
            later.add(words[0])
    check(len(served) > 80 and len(later) > 1, "the table of fields could not be read")
    return served


def fields_of_schema(schema):
    """{path: description}, with the options of a policy as scheduler.asha.eta."""
    found = {}

    def follow(node):
        if "$ref" not in node:
            return node
        target = schema
        for step in node["$ref"].split("/")[1:]:
            target = target[step]
        return {**target, **node}

    def walk(node, path):
        node = follow(node)
        for branch in node.get("anyOf", []) + [i for i in [node.get("items")] if isinstance(i, dict)]:
            walk(branch, path)
        named = node.get("properties", {})
        rest = node.get("additionalProperties")
        for key, inner in list(named.items()) + ([("*", rest)] if isinstance(rest, dict) else []):
            same_as_another = isinstance(inner, dict) and inner.get("$ref", "").startswith("#/properties/")
            inner = follow(inner) if isinstance(inner, dict) else {}
            if "description" in inner:
                below = (path + "." if path else "") + key
                found[below] = inner["description"]
                if below not in ("objectives", "points") and not same_as_another:
                    walk(inner, below)
        if path in ("search", "scheduler", "executor", "scheduler.rules"):
            for rule in node.get("allOf", []):
                condition = rule["if"]["properties"]["type"]
                policy = condition["const"] if "const" in condition else next(p for p in condition["enum"] if p != "auto")
                options = follow(rule["then"]).get("properties", {})
                if path != "scheduler.rules":  # Rules have the options that they have as schedulers.
                    found[f"{path}.{policy}"] = None
                    found.update({f"{path}.{policy}.{option}": inner["description"] for option, inner in options.items()})
                check(set(rule["then"]["propertyNames"]["enum"]) == {"type"} | set(named) | set(options),
                      f"{path}.{policy}: propertyNames and properties differ")

    walk(schema, "")
    return found


def explain(what):
    return subprocess.run([tune, "explain", what], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, timeout=60, check=True).stdout


def options_of_policies():
    """{scheduler.asha.eta: help} and {scheduler.asha: None}, as `tune explain` has them."""
    found = {}
    for kind in ("search", "scheduler", "executor"):
        for policy in re.findall(r"^  ([a-z]\w*) +[A-Z]", "\n".join(explain(kind + ".type").split("\n\n")[1:]), re.M):
            found[f"{kind}.{policy}"] = None
            for option, lines in re.findall(r"^([a-z0-9_.]+): .*\n((?:  .*\n)+)", explain(f"{kind}.{policy}"), re.M):
                found[option] = lines.strip().split("\n")[-1].strip()
    check(len(found) > 20, "the options of the policies could not be read")
    return found


with open(os.path.join(root, "docs", "config.schema.json"), encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
check_corpus(jsonschema.Draft202012Validator(schema))

in_program, in_schema = {**table_of_fields(), **options_of_policies()}, fields_of_schema(schema)
for path in sorted(in_program.keys() - in_schema.keys()):
    findings.append(f"{path} is served and not in the schema")
for path in sorted(in_schema.keys() - in_program.keys()):
    findings.append(f"{path} is in the schema and not served")
for path in sorted(in_program.keys() & in_schema.keys()):
    check(in_program[path] == in_schema[path], f"{path}: the schema says {in_schema[path]!r}, the program {in_program[path]!r}")

for finding in findings:
    print(finding)
print(f"{len(in_schema)} fields compared, {len(findings)} findings")
sys.exit(1 if findings else 0)
