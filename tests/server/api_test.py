#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/api/openapi.json to the server's own table of routes, both ways. usage: api_test.py TUNE ROOT"""
import json
import os
import re
import subprocess
import sys

tune, root = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
with open(os.path.join(root, "docs", "api", "openapi.json"), encoding="utf-8") as file:
    described = json.load(file)
printed = subprocess.run([tune, "ui", "--print-routes", "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
routes = {(r["method"], r["path"]): r for r in map(json.loads, printed.splitlines())}
findings = []


def find(what):
    findings.append(what)


paths = {(method.upper(), path): operation for path, item in described["paths"].items() for method, operation in item.items()}
for route in routes.keys() - paths.keys():
    find(f"{' '.join(route)} is not described")
for route in paths.keys() - routes.keys():
    find(f"{' '.join(route)} is described and does not exist")
for route in routes.keys() & paths.keys():
    parameters = paths[route].get("parameters", [])
    keys = {p["name"] for p in parameters if p["in"] == "query"}
    served = set(routes[route]["keys"])
    if keys != served and not routes[route]["page"]:
        find(f"{' '.join(route)}: query keys {sorted(keys)} are described, {sorted(served)} are taken")
    places = {p["name"] for p in parameters if p["in"] == "path"}
    if places != set(re.findall(r"{(\w+)}", route[1])):
        find(f"{' '.join(route)}: places {sorted(places)} are described")
    if paths[route]["summary"] != routes[route]["summary"]:
        find(f"{' '.join(route)}: its summaries differ")


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = node.values()
    if isinstance(node, (list, type({}.values()))):
        for part in node:
            yield from references(part)


schemas = described["components"]["schemas"]
used = set(references(described))
for reference in used:
    if reference.removeprefix("#/components/schemas/") not in schemas:
        find(f"{reference} leads nowhere")
for name in schemas:
    if f"#/components/schemas/{name}" not in used:
        find(f"schema {name} is used nowhere")
for finding in findings:
    print(finding)
print(f"{len(routes)} routes, {len(schemas)} schemas: {len(findings)} findings")
sys.exit(1 if findings or not routes else 0)
