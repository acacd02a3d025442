#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests made up from docs/api/openapi.json, good ones and bad ones: no answer is a fault of the server, and every answer is
as described. usage: schema_test.py TUNE ROOT FOLDER [EXAMPLES]

Schemathesis comes from PyPI into FOLDER, once; where it cannot be had, exit 77.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile
import venv

from server_test import Server, make_store

tune, root, folder = map(os.path.abspath, sys.argv[1:4])
examples = sys.argv[4] if len(sys.argv) > 4 else "25"
VERSION = "4.32.5"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def tool():
    program = os.path.join(folder, "bin", "schemathesis")
    if not os.path.exists(program):
        try:
            venv.create(folder, with_pip=True)
            subprocess.run([os.path.join(folder, "bin", "pip"), "install", "-q", "--disable-pip-version-check", f"schemathesis=={VERSION}"], check=True,
                           capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as trouble:
            print(f"SKIP: requests made up from the API's description: schemathesis cannot be installed ({str(trouble)[:80]})")
            sys.exit(77)
    return program


def aimed(description, experiment):
    """Of names nearly all would be of no experiment: here one in two is."""
    aimed = copy.deepcopy(description)
    for item in aimed["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] == "name":
                    parameter["schema"] = {"enum": [experiment, "none"]}
                if parameter["in"] == "path" and parameter["name"] == "trial":
                    parameter["schema"] = {"type": "integer", "minimum": 0, "maximum": 7}
    return aimed


def run(program, description, port, token, where):
    path = os.path.join(where, "openapi.json")
    with open(path, "w") as file:
        json.dump(description, file)
    return subprocess.run([program, "run", path, "--url", f"http://127.0.0.1:{port}", "-H", f"Authorization: Bearer {token}", "--checks", CHECKS, "--phases",
                           "examples,coverage,fuzzing", "--max-examples", examples, "--exclude-path-regex", "/stream$", "--generation-database", "none", "--seed", "1",
                           "--no-color", "--warnings", "off", "--continue-on-failure"],
                          cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1500)


def main():
    program = tool()
    with open(os.path.join(root, "docs", "api", "openapi.json"), encoding="utf-8") as file:
        description = json.load(file)
    with tempfile.TemporaryDirectory() as where:
        store = make_store(tune, where)
        with Server(tune, store) as server:
            # A description that is wrong on purpose has to be found out: an experiment that is a number.
            wrong = {**description, "paths": {"/api/v1/server": copy.deepcopy(description["paths"]["/api/v1/server"])}}
            wrong["paths"]["/api/v1/server"]["get"]["responses"] = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "integer"}}}}}
            if run(program, wrong, server.port, server.token, where).returncode == 0:
                sys.exit("FAILED: a description that is wrong was not found to be")
            done = run(program, aimed(description, "small"), server.port, server.token, where)
            server.get_json("/api/v1/experiments")
        subprocess.run([tune, "--store", store, "fsck"], check=True, stdout=subprocess.DEVNULL)
    print(done.stdout[-6000:] if done.returncode else "\n".join(done.stdout.splitlines()[-12:]))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
