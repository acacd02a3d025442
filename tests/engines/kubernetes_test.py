#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kubernetes engine against a double of the API server, over TLS. usage: kubernetes_test.py PROBE

The double knows what the engine uses of batch/v1 and v1 and answers as the API's documentation says; where the Python package
kubernetes-validate is there, what it is sent must pass the published schema, strictly. Exit 77 without openssl."""
import base64
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import real

try:
    import kubernetes_validate
except ImportError:
    kubernetes_validate = None
if not shutil.which("openssl"):
    print("SKIP: the kubernetes engine: there is no openssl to make a certificate with")
    sys.exit(77)

TOKEN = "token-of-the-test"
validated = []


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    jobs, secrets, pods, asked, broken, forbidden = {}, {}, {}, [], None, set()

    def log_message(self, *_):
        pass

    def answer(self, code, body, kind="application/json"):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def status(self, code, reason, message):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text else None
        self.asked.append((self.command, url.path))
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.status(401, "Unauthorized", "Unauthorized")
        if self.broken:
            return self.status(self.broken, "ServiceUnavailable", "etcd is away")
        found = re.fullmatch(r"/(apis/batch/v1|api/v1)/namespaces/lab/(jobs|secrets|pods)(?:/([a-z0-9-]+))?(/log)?", url.path)
        if not found:
            return self.status(404, "NotFound", "the server could not find the requested resource")
        _, kind, name, log = found.groups()
        if kind in self.forbidden:
            return self.status(403, "Forbidden", f'{kind} is forbidden: User "tune" cannot create resource "{kind}"')
        if body and self.command == "POST" and kubernetes_validate:
            kubernetes_validate.validate(body, kubernetes_validate.latest_version(), strict=True)
            validated.append(kind)
        return getattr(self, f"{self.command.lower()}_{kind}")(name, query, body, log)

    do_GET = do_POST = do_DELETE = handle_any

    def post_jobs(self, _, query, body, __):
        name, amount = body["metadata"]["name"], body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"]
        if float(amount) > 64:
            return self.status(422, "Invalid", f'Job.batch "{name}" is invalid: cpu: must be less than or equal to 64')
        if query.get("dryRun") == "All":
            return self.answer(201, {**body, "metadata": {**body["metadata"], "uid": "dry"}})
        if name in self.jobs:
            return self.status(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        self.jobs[name] = {**body, "metadata": {**body["metadata"], "uid": "uid-" + name}, "status": {}}
        self.answer(201, self.jobs[name])

    def get_jobs(self, name, query, *_):
        if name:
            return self.answer(200, self.jobs[name]) if name in self.jobs else self.status(404, "NotFound", f'jobs.batch "{name}" not found')
        key, _, value = query["labelSelector"].partition("=")
        self.answer(200, {"kind": "JobList", "apiVersion": "batch/v1", "metadata": {}, "items": [j for j in self.jobs.values() if j["metadata"]["labels"].get(key) == value]})

    def delete_jobs(self, name, query, body, _):
        assert body["propagationPolicy"] == "Background", body  # By default the pods of a Job stay.
        job = self.jobs.pop(name, None)
        self.answer(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"}) if job else self.status(404, "NotFound", f'jobs.batch "{name}" not found')

    def post_secrets(self, _, __, body, ___):
        name = body["metadata"]["name"]
        if name in self.secrets:
            return self.status(409, "AlreadyExists", f'secrets "{name}" already exists')
        self.secrets[name] = body
        self.answer(201, body)

    def get_pods(self, name, query, _, log):
        if log:
            said = self.pods[name]
            return self.answer(200, said.encode(), "text/plain") if said else self.status(400, "BadRequest", f'container "agent" in pod "{name}" is waiting to start: image can\'t be pulled')
        job = query["labelSelector"].removeprefix("job-name=")
        self.answer(200, {"kind": "PodList", "items": [{"metadata": {"name": pod}} for pod in self.pods if pod.startswith(job + "-")]})


def serve(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "ca.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=double", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], certificate


class Test(real.Engine):
    def __init__(self, folder, port, certificate):
        self.port = port
        token, self.join = os.path.join(folder, "token"), os.path.join(folder, "join.json")
        for path, text in ((token, TOKEN + "\n"), (self.join, '{"token": "secret"}')):
            with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
                file.write(text)
        super().__init__(sys.argv[1], "kubernetes", folder, dict(os.environ), {"address": f"https://localhost:{port}", "namespace": "lab", "image": "registry.example/tune:1",
                                                                            "token_file": token, "ca_file": certificate, "queue": "gpu"})

    def spec(self, **more):
        return super().spec(**{"join_file": self.join, **more})

    def a_request_is_tried_without_being_carried_out(self):
        assert self.check(agents=3) == "done" and Api.jobs == {}
        refused = self.check(cpu=99)
        assert refused["error"] == "invalid" and "(422): Job.batch" in refused["message"], refused

    def the_servers_certificate_and_name_are_checked(self):
        refused = self.check({"ca_file": ""})  # The service account's, which is not there.
        assert refused["error"] == "unreachable" and "trusting" in refused["message"], refused
        refused = self.check({"address": f"https://127.0.0.1:{self.port}"})
        assert "trusting" in refused["message"] and "certificate verify failed" in refused["message"], refused
        assert self.call("check", self.spec(), options={"token_file": self.join})["message"].endswith("(401): Unauthorized")

    def an_allocation_is_a_job_and_its_secret(self):
        assert self.submit("two", agents=2, site_args=['{"nodeSelector": {"zone": "a"}}']) == "two"
        secret = Api.secrets["two"]
        assert secret["metadata"]["ownerReferences"][0]["uid"] == "uid-two" and secret["stringData"] == {"join.json": '{"token": "secret"}'}
        assert "secret" not in json.dumps(Api.jobs["two"]["spec"]["template"]["spec"]["containers"]) and base64.b64encode(b"secret").decode() not in json.dumps(Api.jobs)
        assert self.list("two")[0]["state"] == "submitted"

    def the_same_key_is_submitted_once_and_a_secret_that_is_missing_is_made(self):
        del Api.secrets["two"]  # A crash between the two.
        assert self.submit("two", agents=2) == "two" and list(Api.jobs) == ["two"] and "two" in Api.secrets
        assert self.submit("two", agents=2) == "two"

    def its_status_is_followed(self):
        for status, state in (({"active": 2, "ready": 0}, "queued"), ({"active": 2, "ready": 1}, "running"),
                              ({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]}, "failed")):
            Api.jobs["two"]["status"] = status
            assert self.state("two") == state, self.list("two")
        assert self.list("two")[0]["reason"] == "Failed: BackoffLimitExceeded: too often"
        assert self.list("other")[0]["missing"]

    def logs_are_a_pods_or_why_there_are_none(self):
        assert self.call("logs", "two", "5")["error"] == "not_found"
        Api.pods["two-0-abcde"] = ""
        assert "image can't be pulled" in self.call("logs", "two", "5")["message"]
        Api.pods["two-0-abcde"] = "one\ntwo\n"
        assert self.call("logs", "two", "1") == "two\n"

    def a_server_that_is_away_says_nothing(self):
        Api.broken = 503
        seen = self.list("two:two")[0]
        assert (seen["state"], seen["missing"]) == ("unknown", False) and "etcd is away" in seen["reason"], seen
        assert self.submit("new")["error"] == "unreachable"
        Api.broken = None

    def a_right_that_is_missing_is_named_and_nothing_stays(self):
        Api.forbidden = {"secrets"}
        refused = self.submit("half")
        assert refused["error"] == "invalid" and "secrets is forbidden" in refused["message"] and "half" not in Api.jobs, refused
        Api.forbidden = set()

    def what_is_cancelled_goes_with_its_pods(self):
        assert self.cancel("two") == "done" and "two" not in Api.jobs
        assert self.cancel("two") == "done"

    def run(self):
        real.run(self.a_request_is_tried_without_being_carried_out, self.the_servers_certificate_and_name_are_checked, self.an_allocation_is_a_job_and_its_secret,
                 self.the_same_key_is_submitted_once_and_a_secret_that_is_missing_is_made, self.its_status_is_followed, self.logs_are_a_pods_or_why_there_are_none,
                 self.a_server_that_is_away_says_nothing, self.a_right_that_is_missing_is_named_and_nothing_stays, self.what_is_cancelled_goes_with_its_pods)
        print(f"{len(validated)} objects passed the published schema" if kubernetes_validate else "not held to the published schema: there is no kubernetes-validate")


with tempfile.TemporaryDirectory(prefix="tune-kubernetes-") as folder:
    Test(folder, *serve(folder)).run()
