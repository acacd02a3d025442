#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Grafana dashboard and the alert rules that are shipped speak of series that exist, and the rules do what they say.

usage: shipped_test.py ROOT
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

root = os.path.abspath(sys.argv[1])
findings = []


def text(*path):
    with open(os.path.join(root, *path), encoding="utf-8") as file:
        return file.read()


def names(expression):
    found = re.findall(r"\btune_[a-z_]+", expression)
    return {re.sub(r"_(bucket|sum|count)$", "", n) if re.search(r"_seconds_(bucket|sum|count)$", n) else n for n in found}


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    if done.returncode:
        findings.append(f"promtool {arguments[0]} {arguments[1]}:\n{done.stdout}")


documented = set(re.findall(r"^\| `(tune_[a-z_]+)", text("docs", "prometheus.md"), re.M))
served = set(re.findall(r'"(tune_[a-z_]+)"', text("ui", "metrics", "series.cpp")))
dashboard = json.loads(text("ui", "metrics", "grafana.json"))
panels = [p for p in dashboard["panels"] if p["type"] != "row"]
expressions = [t["expr"] for p in panels for t in p["targets"]] + [a["expr"] for a in dashboard["annotations"]["list"]]
shown = set().union(*map(names, expressions))
alerts = names(text("ui", "metrics", "alerts.yml"))

if documented != served:
    findings.append(f"in docs/prometheus.md or served, not both: {sorted(documented ^ served)}")
if shown != served:
    findings.append(f"on the Grafana dashboard or served, not both: {sorted(shown ^ served)}")
if not alerts <= served:
    findings.append(f"alerts use series that are not served: {sorted(alerts - served)}")
for p in panels:
    if not p["description"] or any(t["datasource"]["uid"] != "${datasource}" for t in p["targets"]):
        findings.append(f"panel {p['title']}: has no description, or a data source of its own")
    if any("tune_build_info" not in t["expr"] and '=~"$experiment"' not in t["expr"] for t in p["targets"]):
        findings.append(f"panel {p['title']}: ignores which experiments are chosen")
places = [(p["gridPos"]["x"], p["gridPos"]["y"], p["gridPos"]["w"], p["gridPos"]["h"]) for p in panels]
for i, (x, y, w, h) in enumerate(places):
    if x + w > 24 or any(x < a + c and a < x + w and y < b + d and b < y + h for a, b, c, d in places[:i]):
        findings.append(f"panel {panels[i]['title']}: lies over another or beyond the edge")

if not shutil.which("promtool"):
    print("SKIP: the rules are not tried: there is no promtool (Debian package prometheus)")
    sys.exit(1 if findings else 77)
with tempfile.TemporaryDirectory() as folder:
    for path in (("ui", "metrics", "alerts.yml"), ("tests", "metrics", "alerts_test.yml")):
        shutil.copy(os.path.join(root, *path), folder)
    promtool("check", "rules", os.path.join(folder, "alerts.yml"))
    promtool("test", "rules", os.path.join(folder, "alerts_test.yml"))
    plain = [e.replace("$__rate_interval", "1m").replace("$experiment", ".*") for e in expressions]
    with open(os.path.join(folder, "panels.json"), "w", encoding="utf-8") as file:  # Of which YAML is a superset.
        json.dump({"groups": [{"name": "panels", "rules": [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(plain)]}]}, file)
    promtool("check", "rules", os.path.join(folder, "panels.json"))

print(f"{len(panels)} panels, {len(expressions)} expressions, {len(served)} series")
print("\n".join(findings) or "shipped: ok")
sys.exit(bool(findings))
