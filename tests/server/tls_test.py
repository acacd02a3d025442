#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real `tune ui --tls` and peers that speak TLS well, badly, or not at all. usage: tls_test.py TUNE"""
import hashlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import checks
from checks import check, expect

# A trial that tells the server alone, over HTTPS, and knows nothing but its environment.
TRIAL = r"""
import http.client, json, os, ssl, urllib.error, urllib.request
told = urllib.request.Request(os.environ["TUNE_URL"], json.dumps({"loss": float(os.environ["TUNE_P_X"])}).encode(),
                              {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["TUNE_TOKEN"]})
try:
    urllib.request.urlopen(told)
    raise SystemExit("who does not look at TUNE_CA trusts the server all the same")
except urllib.error.URLError as error:
    assert isinstance(error.reason, ssl.SSLCertVerificationError), error
with urllib.request.urlopen(told, context=ssl.create_default_context(cafile=os.environ["TUNE_CA"])) as answer:
    assert json.loads(answer.read().splitlines()[-1])["cmd"] in ("continue", "stop")
"""
HALF = 10000  # Handshakes that are begun and never ended.


def make_store(tune, folder):
    config, store = os.path.join(folder, "config.json"), os.path.join(folder, "a.db")
    with open(config, "w") as file:
        json.dump({"name": "small", "command": ["sh", "-c", "printf '{\"loss\":1}\\n' >&\"$TUNE_FD\""],
                   "params": {"x": {"type": "uniform", "min": 1, "max": 2}}, "search": {"type": "random"}, "objective": {"metric": "loss"},
                   "stop": {"trials": 2}, "executor": {"type": "process", "parallel": 1}}, file)
    subprocess.run([tune, "--store", store, "sweep", config, "--quiet"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return config, store


class Server:
    """`tune ui`, or `tune serve`, with TLS on a free port, until it is told to end."""

    def __init__(self, tune, store, *options, address="127.0.0.1:0", verb="ui", cwd=None):
        # What a sanitizer sets aside of freed memory is none that grew.
        os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=8"
        self.process = subprocess.Popen([tune, verb, store, "--addr", address, *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=cwd)
        store = os.path.join(cwd or "", store)
        self.way_in = self.process.stdout.readline().strip()
        match = re.fullmatch(r"https://([^/]+):(\d+)/\?token=[0-9a-f]{64}", self.way_in)
        check(f"address printed: {self.way_in!r}", match)
        self.shown, self.port = match.group(1), int(match.group(2))
        with open(store + ".d/token") as file:
            self.token = file.read().strip()
        self.authority = store + ".d/ca.pem"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        expect("exit code after Ctrl-C", self.process.returncode, 0)

    def trust(self, authority=None):
        return ssl.create_default_context(cafile=authority or self.authority)

    def connect(self, context, name="localhost", to="127.0.0.1", timeout=30):
        return context.wrap_socket(socket.create_connection((to, self.port), timeout=timeout), server_hostname=name)

    def ask(self, target, name="localhost", to="127.0.0.1", method="GET", headers=None, token=True, context=None, body=None):
        """Status, headers and body of an answer from whom the authority vouches for as `name`."""
        connection = http.client.HTTPConnection(name, self.port)
        connection.sock = self.connect(context or self.trust(), name, to)
        given = {"Authorization": "Bearer " + self.token} if token else {}
        connection.request(method, target, body, {**given, **(headers or {})})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def raw(self, data, to="127.0.0.1"):
        """What comes until the server closes."""
        with socket.create_connection((to, self.port), timeout=15) as peer:
            peer.sendall(data)
            got = b""
            try:
                while part := peer.recv(65536):
                    got += part
            except ConnectionResetError:
                pass
            return got

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def refused(what, tries):
    try:
        tries()
    except (ssl.SSLError, ConnectionError) as error:
        check(what, True)
        return str(error)
    sys.exit(f"FAILED: {what}: it was let through")


def verified(server):
    for name in ("localhost", "127.0.0.1", "::1", "gpu1.lab"):
        expect(f"as {name}", server.ask("/api/v1/experiments", name)[0].status, 200)
    check("another name", "mismatch" in refused("another name", lambda: server.ask("/", "gpu2.lab")))
    check("who does not know the authority", "verify failed" in
          refused("a stranger's trust", lambda: server.connect(ssl.create_default_context())))
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    # The control: this peer checks nothing, so it gets in where the others do not.
    with server.connect(blind, "gpu2.lab") as peer:
        expect("version", peer.version(), "TLSv1.3")
    expect("wrong host", server.ask("/", "gpu2.lab", context=blind)[0].status, 421)
    expect("no token", server.ask("/", token=False)[0].status, 401)
    expect("a page in the clear of the same name", server.ask("/", headers={"Origin": f"http://localhost:{server.port}"})[0].status, 403)
    own = {"Origin": f"https://localhost:{server.port}"}
    expect("a page of our own", server.ask("/api/v1/experiments", headers=own)[0].status, 200)


def versions(server):
    for name, version, works in (("1.1", ssl.TLSVersion.TLSv1_1, False), ("1.2", ssl.TLSVersion.TLSv1_2, True), ("1.3", ssl.TLSVersion.TLSv1_3, True)):
        context = server.trust()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
        if works:
            with server.connect(context) as peer:
                expect("version", peer.version(), "TLSv" + name)
                check("forward secrecy and an authenticated cipher", name == "1.3" or re.match("ECDHE-.*(GCM|CHACHA)", peer.cipher()[0]))
        else:
            refused("TLS " + name, lambda: server.connect(context))
    weak = server.trust()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    refused("a weak cipher", lambda: server.connect(weak))
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1")):
        context = server.trust()
        context.set_alpn_protocols(offered)
        with server.connect(context) as peer:
            expect("protocol", peer.selected_alpn_protocol(), chosen)
    other = server.trust()
    other.set_alpn_protocols(["h2"])
    refused("HTTP/2 alone", lambda: server.connect(other))
    context = server.trust()
    with server.connect(context) as peer:
        peer.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nConnection: close\r\n\r\n".encode())
        while peer.recv(65536):
            pass  # Ends by itself: a cut would be an error.
        session = peer.session
    again = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost", session=session)
    with again:
        check("a session goes on by its ticket", again.session_reused)


def in_the_clear(server):
    for words in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /x HTTP/1.1\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999, b"\0", b"SSH-2.0-x\r\n"):
        got = server.raw(words)
        check(f"{words[:20]!r}: {got[:60]!r}", got.startswith(b"HTTP/1.1 400 ") and b"text/plain" in got and b"use https://" in got)
        check("and nothing else", b"tune_" not in got and got.count(b"HTTP/1.1") == 1)
    for hello in (b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\x16" + os.urandom(400), b"\x16\x03\x01\xff\xff" + b"\0" * 70000):
        got = server.raw(hello)
        check(f"{hello[:10]!r} gets no HTTP: {got[:20]!r}", not got.startswith(b"HTTP"))


def cookie(server):
    path = server.way_in[server.way_in.index("/?"):]
    answer, _ = server.ask(path, server.shown, token=False)
    set_cookie = answer.headers["Set-Cookie"]
    check(f"cookie {set_cookie}", set_cookie.startswith(f"__Host-tune_{server.port}=") and "Secure" in set_cookie and "Path=/" in set_cookie and
          "HttpOnly" in set_cookie and "SameSite=Strict" in set_cookie and "Domain" not in set_cookie)
    expect("with the cookie", server.ask("/api/v1/experiments", headers={"Cookie": set_cookie.split(";")[0]}, token=False)[0].status, 200)
    check("no promise for other ports of this name", answer.headers["Strict-Transport-Security"] is None)


def every_route(tune, server):
    """No route is there without the token, for a foreign name or for a foreign page; bytes in the clear reach none."""
    lines = subprocess.run([tune, "ui", "--print-routes", "--json"], check=True, capture_output=True, text=True).stdout.splitlines()
    for route in map(json.loads, lines):
        path = route["path"].replace("{name}", "small").replace("{trial}", "1").replace("{attempt}", "1").replace("{page}", "curves").replace("{file}", "index.js")
        for headers, token, status in (({}, False, 401), ({"Host": "evil.example"}, True, 421), ({"Origin": "https://evil.example"}, True, 403)):
            expect(f"{route['method']} {path} {headers}", server.ask(path, method=route["method"], headers=headers, token=token)[0].status, status)
        got = server.raw(f"{route['method']} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode())
        check("in the clear", got.startswith(b"HTTP/1.1 400 "))


def half_handshakes(server):
    """Thousands of peers that begin a handshake and fall silent: who has the token is served all the while, and memory stays flat."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = server.trust()
    kept = http.client.HTTPConnection("localhost", server.port)
    kept.sock = server.connect(context)
    ask = lambda: kept.request("GET", "/api/v1/experiments", headers={"Authorization": "Bearer " + server.token}) or kept.getresponse().read()
    ask()
    peers, most = [], 0
    before = server.memory()
    for number in range(HALF):
        peer = socket.socket()
        peer.connect(("127.0.0.1", server.port))
        if number % 3:
            peer.sendall(b"\x16\x03\x01\x02\x00\x01" if number % 3 == 1 else b"\x16")
        peers.append(peer)
        if len(peers) > min(hard - 100, HALF) // 2:
            peers.pop(0).close()
        if number % 1000 == 999:
            began = time.monotonic()
            ask()  # On the connection that was let in before.
            expect("a newcomer", server.ask("/api/v1/experiments", context=context)[0].status, 200)
            check("both within 5 s", time.monotonic() - began < 5)
            most = max(most, server.memory())
    check(f"memory grew from {before:.0f} to {most:.0f} MiB", most - before < 50)
    fds = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    check(f"{fds} descriptors", fds < 330)
    began = time.monotonic()
    last = peers[-1]
    last.settimeout(20)
    try:
        check("a silent peer is closed", last.recv(1) == b"")
    except ConnectionResetError:
        pass
    check("within the deadline", time.monotonic() - began < 15)
    for peer in peers:
        peer.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def follow(server):
    """A stream goes both ways at once: events come while the peer may end at any time."""
    with server.connect(server.trust()) as peer:
        peer.sendall(f"GET /api/v1/experiments/small/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode())
        got = b""
        while b"event:" not in got:
            got += peer.recv(65536)
        note = json.dumps({"action": "note", "note": "x" * 30000}).encode()
        connection = http.client.HTTPConnection("localhost", server.port)
        connection.sock = server.connect(server.trust())
        connection.request("POST", "/api/v1/experiments/small/actions", note,
                           {"Authorization": "Bearer " + server.token, "Content-Type": "application/json"})
        expect("an action", connection.getresponse().status, 200)
        events = got.count(b"event:")
        while got.count(b"event:") == events:
            got += peer.recv(65536)
        check("another event", b"text/event-stream" in got)


def addresses():
    """Of this machine, other than 127.0.0.1: one that others can reach if there is one."""
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if os.path.exists("/bin/hostname") else []
    return [a for a in found if "." in a] or ["127.0.0.2"]


def beyond(tune, config, store):
    """An address that is not of this machine alone: never in the clear, and through TLS for who has the token."""
    host = addresses()[0]
    for options in (["ui", store, "--addr"], ["serve", store + "x", "--addr"], ["sweep", config, "-q", "--ui"], ["sweep", config, "-q", "--metrics-addr"]):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.77:0"):
            *first, last = options
            told = subprocess.run([tune, "--store", store + "x" if "sweep" in first else store, *first, f"{last}={address}"],
                                  capture_output=True, text=True, timeout=60)
            expect(f"exit code of {options} {address}", told.returncode, 2)
            check("hint", "--tls" in told.stderr)
            check("nothing was made", not os.path.exists(store + "x"))
    with Server(tune, store, "--tls", address="0.0.0.0:0") as server:
        expect(f"over {host}", server.ask("/api/v1/experiments", host, host)[0].status, 200)
        expect(f"over {host} without a token", server.ask("/api/v1/experiments", host, host, token=False)[0].status, 401)
        check("in the clear", server.raw(b"GET / HTTP/1.1\r\n\r\n", host).startswith(b"HTTP/1.1 400"))
        check(f"{server.shown} is a name to type", server.shown not in ("0.0.0.0", "[::]"))
    serve = subprocess.Popen([tune, "serve", store, "--addr", "0.0.0.0:0", "--tls"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    served = Server.__new__(Server)
    served.authority, served.token = store + ".d/ca.pem", server.token
    try:
        served.port = int(re.match(r"https://.*:(\d+)/", serve.stdout.readline()).group(1))
        expect("tune serve", served.ask("/api/v1/experiments", host, host)[0].status, 200)
        serve.send_signal(signal.SIGINT)
        serve.communicate(timeout=30)
    finally:
        serve.kill()
    gate = store + ".gate"
    with open(config) as file:
        slow = json.load(file)
    slow["name"], slow["command"] = "slow", ["sh", "-c", f"while [ ! -e {gate} ]; do sleep 0.05; done; printf '{{\"loss\":1}}\\n' >&\"$TUNE_FD\""]
    with open(config + ".slow", "w") as file:
        json.dump(slow, file)
    sweep = subprocess.Popen([tune, "--store", store, "sweep", config + ".slow", "--ui=0.0.0.0:0", "--metrics-addr", "127.0.0.1:0", "--tls"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        ports = {}
        while len(ports) < 2:
            line = sweep.stderr.readline()
            check("still running", line)
            if match := re.search(r"(dashboard|metrics) on https://.*:(\d+)/", line):
                ports[match.group(1)] = int(match.group(2))
        beside = Server.__new__(Server)
        beside.authority, beside.token = store + ".d/ca.pem", server.token
        beside.port = ports["dashboard"]
        expect("beside a sweep", beside.ask("/api/v1/experiments", host, host)[0].status, 200)
        beside.port = ports["metrics"]
        expect("metrics", beside.ask("/metrics")[0].status, 200)
        open(gate, "w").close()
        expect("exit code of the sweep", sweep.wait(timeout=60), 0)
    finally:
        sweep.kill()
        sweep.stderr.close()


def given(tune, store, folder):
    """Certificates that somebody else made."""
    def make(name, *options):
        paths = [os.path.join(folder, f"{name}.{kind}") for kind in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "2", *options, "-out", paths[0],
                        "-keyout", paths[1]], check=True, capture_output=True)
        return paths

    if subprocess.run(["openssl", "version"], capture_output=True).returncode:
        return
    certificate, key = make("own", "-addext", "subjectAltName=DNS:gpu9.lab,DNS:*.cluster.lab")
    with Server(tune, store, "--tls-cert", certificate, "--tls-key", key) as server:
        expect("shown", server.shown, "gpu9.lab")
        trust = server.trust(certificate)
        expect("as gpu9.lab", server.ask("/api/v1/experiments", "gpu9.lab", context=trust)[0].status, 200)
        expect("as a.cluster.lab", server.ask("/api/v1/experiments", "a.cluster.lab", context=trust)[0].status, 200)
        refused("as localhost, which it is not for", lambda: server.ask("/", context=trust))
    other, other_key = make("other", "-addext", "subjectAltName=DNS:gpu9.lab")
    nameless, nameless_key = make("nameless")
    small, small_key = make("small", "-newkey", "rsa:1024", "-addext", "subjectAltName=DNS:gpu9.lab")
    os.chmod(other_key, 0o644)
    for what, options in (("does not belong", (certificate, small_key)), ("others may read", (other, other_key)), ("vouches for no name", (nameless, nameless_key)),
                          ("too small", (small, small_key)), ("does not vouch for gpu8.lab", (certificate, key, "--host", "gpu8.lab")),
                          ("no certificate", (key, key))):
        told = subprocess.run([tune, "ui", store, "--addr", "127.0.0.1:0", "--tls-cert", options[0], "--tls-key", options[1], *options[2:]],
                              capture_output=True, text=True, timeout=60)
        expect(f"exit code where {what}: {told.stderr}", told.returncode, 2)
        check(f"{told.stderr!r} says {what}", what in told.stderr)


def trials_report(tune, folder):
    """With a store that is named from where the server was started, and trials that run elsewhere."""
    config = {"name": "told", "command": [sys.executable, "-c", TRIAL], "cwd": "/", "params": {"x": {"type": "uniform", "min": 1, "max": 2}},
              "search": {"type": "random"}, "objective": {"metric": "loss"}, "stop": {"trials": 2}}
    with Server(tune, "told.db", "--tls", verb="serve", cwd=folder) as server:
        answer, _ = server.ask("/api/v1/experiments", method="POST", headers={"Content-Type": "application/json"}, body=json.dumps({"config": config}))
        expect("submitted", answer.status, 201)
        for _ in range(600):
            told = json.loads(server.ask("/api/v1/experiments/told")[1])
            if told["state"] == "finished":
                break
            time.sleep(0.1)
        expect("trials that trusted TUNE_CA and were heard", told["counts"]["complete"], 2)


def main():
    tune = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        config, store = make_store(tune, folder)
        with Server(tune, store, "--tls", "--host", "GPU1.lab") as server:
            expect("shown", server.shown, "gpu1.lab")
            verified(server)
            versions(server)
            in_the_clear(server)
            cookie(server)
            every_route(tune, server)
            follow(server)
            half_handshakes(server)
            server.process.send_signal(signal.SIGINT)
            told = server.process.stderr.read()
            with open(server.authority) as file:
                digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest().upper()
            check("whom to trust is told", server.authority in told and ":".join(re.findall("..", digest)) in told)
        for name in ("token", "authority.pem", "ca.pem"):
            expect(f"mode of {name}", os.stat(f"{store}.d/{name}").st_mode & 0o777, 0o600)
        with Server(tune, store, "--tls") as server:
            with open(server.authority) as file:
                check("the same authority", hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest().upper() == digest)
            expect("after a restart", server.ask("/api/v1/experiments")[0].status, 200)
        os.chmod(store + ".d/authority.pem", 0o644)
        told = subprocess.run([tune, "ui", store, "--addr", "127.0.0.1:0", "--tls"], capture_output=True, text=True, timeout=60)
        expect("exit code where others may read the authority", told.returncode, 5)
        os.chmod(store + ".d/authority.pem", 0o600)
        trials_report(tune, folder)
        given(tune, store, folder)
        beyond(tune, config, store)
    print(f"tls: {checks.count} checks, ok")


if __name__ == "__main__":
    main()
