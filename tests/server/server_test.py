#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real `tune ui` over a real store, and peers that behave well and badly. usage: server_test.py TUNE"""
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

POISON = "<script>window.__pwned=1</script>\x1b[31m\"';--"
TRIAL = r"""
printf '{"step":1,"loss":%s}\n' "$TUNE_P_X" >&"$TUNE_FD"
printf '{"step":2,"loss":%s}\n' "$TUNE_P_X" >&"$TUNE_FD"
echo '<img src=x onerror=alert(1)>'
"""

checks = 0


def expect(what, got, wanted):
    global checks
    checks += 1
    if got != wanted:
        sys.exit(f"FAILED: {what} is {got!r}, not {wanted!r}")


def check(what, holds):
    expect(what, bool(holds), True)


class Server:
    """`tune ui` on a free port, until it is told to end."""

    def __init__(self, tune, store, *options):
        self.process = subprocess.Popen([tune, "ui", store, "--addr", "127.0.0.1:0", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        self.way_in = self.process.stdout.readline().strip()
        match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([0-9a-f]{64})", self.way_in)
        check(f"address printed: {self.way_in!r}", match)
        self.port = int(match.group(1))
        with open(store + ".d/token") as file:
            self.token = file.read().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        expect("exit code after Ctrl-C", self.process.wait(timeout=30), 0)

    def ask(self, target, method="GET", body=None, headers=None, token=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"Authorization": "Bearer " + self.token} if token else {}
        given.update(headers or {})
        connection.request(method, target, body, given)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data

    def get_json(self, target, status=200):
        answer, data = self.ask(target)
        expect(f"status of {target}", answer.status, status)
        return json.loads(data)

    def raw(self, data, timeout=15):
        """What comes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as peer:
            peer.sendall(data)
            got = b""
            try:
                while part := peer.recv(65536):
                    got += part
            except ConnectionResetError:
                pass
            return got


def columns(data):
    """docs/formats/columns.md, read by another program than the one that wrote it."""
    expect("magic", data[:8], b"TUNECOL1")
    (length,) = struct.unpack_from("<I", data, 8)
    head = json.loads(data[12:12 + length])
    found = {}
    for column in head["columns"]:
        form = {"f64": "d", "i32": "i", "u8": "B", "u32": "I"}[column["type"]]
        values = struct.unpack_from(f"<{head['rows']}{form}", data, 12 + length + column["offset"])
        if "dictionary" in column:
            values = [column["dictionary"][v] if v < len(column["dictionary"]) else None for v in values]
        found[column["name"]] = list(values)
    return head, found


def make_store(tune, folder):
    config = os.path.join(folder, "config.json")
    with open(config, "w") as file:
        json.dump({"name": "small", "command": ["sh", "-c", TRIAL],
                   "params": {"x": {"type": "uniform", "min": 1, "max": 2}, "kind": {"type": "choice", "values": ["a", POISON]}},
                   "search": {"type": "random"}, "seed": 3, "objective": {"metric": "loss"}, "stop": {"trials": 6},
                   "executor": {"type": "process", "parallel": 2}}, file)
    store = os.path.join(folder, "a.db")
    subprocess.run([tune, "--store", store, "sweep", config, "--quiet"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    subprocess.run([tune, "--store", store, "note", "small/1", POISON], check=True, stdin=subprocess.DEVNULL)
    return store


def reading(server, store):
    check("the server's own state", server.get_json("/api/v1/server")["store"] == store)
    (small,) = server.get_json("/api/v1/experiments")["experiments"]
    expect("state", (small["name"], small["state"], small["counts"]["complete"]), ("small", "finished", 6))
    check("spark ends with the best", small["spark"][-1] == small["best"]["value"])
    api = "/api/v1/experiments/small"
    expect("parameters", [p["name"] for p in server.get_json(api)["params"]], ["x", "kind"])
    answer, data = server.ask(api + "/columns")
    expect("type of columns", answer.headers["Content-Type"], "application/x-tune-columns")
    head, all_columns = columns(data)
    expect("rows", (head["rows"], head["full"]), (6, True))
    expect("values", all_columns["value"], all_columns["params.x"])
    page = server.get_json(api + "/trials?sort=value&top=4&columns=number,value")
    rest = server.get_json(api + "/trials?sort=value&top=4&columns=number,value&after=" + urllib.parse.quote(page["next"]))
    expect("two pages", [r[1] for r in page["rows"] + rest["rows"]], sorted(all_columns["value"]))
    answer, data = server.ask(api + "/curves?top=3&points=50")
    expect("curve points", columns(data)[0]["rows"], 6)
    kinds = [e["kind"] for e in server.get_json(api + "/events?limit=2000")["events"]]
    expect("proposals and ends", (kinds.count("Propose"), kinds.count("Settle")), (6, 6))
    story = server.get_json(api + "/trials/1/story")["facts"]
    check("story", story[0]["kind"] == "Propose" and story[0]["text"].startswith("proposed"))
    log = server.get_json(api + "/trials/1/log")
    expect("log", (log["text"], log["over"]), ("<img src=x onerror=alert(1)>\n", True))
    end = server.get_json(api + "/trials/1/log?from=-5")
    expect("end of the log", (end["text"], end["to"]), ("(1)>\n", log["size"]))
    for table in ("rungs", "lineage", "attempts", "checkpoints", "workers"):
        check(table, "columns" in server.get_json(f"{api}/{table}"))


def poison(server):
    """Whatever a person or a trial wrote comes back as data, never as a page."""
    for target in ("/api/v1/experiments/small", "/api/v1/experiments/small/trials/1", "/api/v1/experiments/small/trials/1/log",
                   "/api/v1/experiments/small/events", "/api/v1/experiments/" + urllib.parse.quote("<b>"), "/api/v1/experiments/small/x<b>"):
        answer, data = server.ask(target)
        expect(f"type of {target}", answer.headers["Content-Type"], "application/json")
        expect("sniffing", answer.headers["X-Content-Type-Options"], "nosniff")
        check(f"no raw control character in {target}", not re.search(rb"[\x00-\x1f]", data))
    expect("note", server.get_json("/api/v1/experiments/small/trials/1")["note"], POISON)


def strangers(server):
    for headers, status in (({}, 401), ({"Authorization": "Bearer " + "0" * 64}, 401), ({"Cookie": "tune_1=x"}, 401),
                            ({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403),
                            ({"Sec-Fetch-Site": "cross-site"}, 403)):
        for target in ("/", "/api/v1/experiments", "/metrics", "/nothing"):
            answer, _ = server.ask(target, headers=headers, token=False)
            expect(f"{target} with {headers}", answer.status, status)
    expect("a method that is none", server.ask("/api/v1/experiments", "DELETE")[0].status, 405)


def login(server):
    path = urllib.parse.urlsplit(server.way_in)
    answer, _ = server.ask(f"{path.path}?{path.query}", token=False)
    expect("redirect", (answer.status, answer.headers["Location"]), (303, "/"))
    cookie = answer.headers["Set-Cookie"]
    check("cookie", "HttpOnly" in cookie and "SameSite=Strict" in cookie and server.token not in cookie)
    answer, _ = server.ask("/", headers={"Cookie": cookie.split(";")[0]}, token=False)
    expect("page with the cookie", (answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
    expect("the address once more", server.ask(f"{path.path}?{path.query}", token=False)[0].status, 401)
    with open(f"/proc/{server.process.pid}/cmdline") as line, open(f"/proc/{server.process.pid}/environ") as environment:
        expect("token in the open", server.token in line.read() + environment.read(), False)


def traversal(server):
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "/assets/%252e%252e/x", "/..\\..\\x",
                 "//etc/passwd", "/./a.db", "/assets/....//x", "/x/..;/x", "/%c0%ae%c0%ae/etc/passwd", "/a.db.d/token", "/token",
                 "/api/v1/experiments/..%2f..%2fx", "/api/v1/experiments/small/trials/1/../../..", "/assets/a%00.js"):
        got = server.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\nConnection: close\r\n\r\n".encode())
        check(f"{path}: {got[:40]!r}", got[9:12] in (b"404", b"400"))
        check("nothing leaked", b"root:" not in got and server.token.encode() not in got)


def abusive(server):
    good = f"GET /api/v1/server HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
    two = server.raw((good + "\r\n" + good + "Connection: close\r\n\r\n").encode())
    expect("two requests at once", two.count(b"200 OK"), 2)
    for bad in (b"\0\0\0\0\r\n\r\n", b"GET / HTTP/1.1\nHost: localhost\n\n", good.encode() + b"X: " + b"x" * 20000 + b"\r\n\r\n",
                good.encode() + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", good.encode() + b"Content-Length: 5\r\n\r\nhello",
                good.encode() + b"X: a\r\n folded\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"):
        got = server.raw(bad + good.encode() + b"\r\n")
        check(f"{bad[:30]!r}: {got[:40]!r}", got.startswith(b"HTTP/1.1 4") or got.startswith(b"HTTP/1.1 5"))
        check("and nothing after it", b"200 OK" not in got)
    # Half-open, half-sent and silent peers, more than half of all connections: others are served all the same.
    peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(150)]
    for number, peer in enumerate(peers):
        if number % 3 == 0:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: local")
        if number % 3 == 1:
            peer.sendall((good.replace("/server", "/experiments/small/columns") + "\r\n").encode() * 20)  # And never reads.
    began = time.monotonic()
    server.get_json("/api/v1/experiments")
    check("an answer among bad peers within 5 s", time.monotonic() - began < 5)
    for peer in peers:
        peer.close()


def main():
    tune = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(tune, folder)
        with Server(tune, store, "--read-only") as server:
            reading(server, store)
            poison(server)
            strangers(server)
            login(server)
            traversal(server)
            abusive(server)
            taken = subprocess.run([tune, "ui", store, "--addr", f"127.0.0.1:{server.port}"], capture_output=True, text=True)
            expect("exit code of an address that is taken", taken.returncode, 5)
        for address in ("0.0.0.0:0", "[::]:0", "nowhere"):
            expect(f"exit code for {address}", subprocess.run([tune, "ui", store, "--addr", address], capture_output=True).returncode, 2)
        expect("exit code without a store", subprocess.run([tune, "ui", store + "x"], capture_output=True).returncode, 4)
    print(f"server: {checks} checks, ok")


if __name__ == "__main__":
    main()
