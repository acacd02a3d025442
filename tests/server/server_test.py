#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real `tune ui` over a real store, and peers that behave well and badly. usage: server_test.py TUNE"""
import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

import checks
from checks import check, expect

POISON = "<script>window.__pwned=1</script>\x1b[31m\"';--"
TRIAL = r"""
printf '{"step":1,"loss":%s}\n' "$TUNE_P_X" >&"$TUNE_FD"
printf '{"step":2,"loss":%s,"cost":3}\n' "$TUNE_P_X" >&"$TUNE_FD"
echo '<img src=x onerror=alert(1)>'
"""


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
    told = server.get_json(api + "/surface")
    expect("surface", (len(told["x"]["values"]) * len(told["y"]["values"]), {told["x"]["name"], told["y"]["name"]}), (len(told["mean"]), {"x", "kind"}))
    check("surface follows the outcome", 1 <= min(told["mean"]) <= max(told["mean"]) <= 2 and len(told["spread"]) == len(told["mean"]))
    expect("surface of one parameter", server.ask(api + "/surface?x=x&y=x")[0].status, 400)
    expect("surface of no parameter", server.ask(api + "/surface?x=" + urllib.parse.quote(POISON))[0].status, 400)
    pairs = server.get_json(api + "/importance?method=fanova")["pairs"]
    expect("pairs", [{p["a"], p["b"]} for p in pairs], [{"x", "kind"}])
    expect("cost", all_columns["cost"], [3] * 6)
    for table in ("rungs", "lineage", "attempts", "checkpoints", "workers", "allocations"):
        check(table, "columns" in server.get_json(f"{api}/{table}"))


    answer, data = server.ask("/metrics")
    check("metrics of a store", answer.status == 200 and b'tune_trials{experiment="small",state="complete"} 6\n' in data)


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


def follow(server, target, until, headers=None):
    """Events of a stream, as dictionaries, until one satisfies `until`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
        more = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        peer.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n{more}\r\n".encode())
        got = b""
        while part := peer.recv(65536):
            got += part
            head, _, rest = got.partition(b"\r\n\r\n")
            check("an event stream", b"200 OK" in head and b"text/event-stream" in head)
            events = [dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
                      for block in rest.decode().split("\n\n")[:-1]]
            if any(until(event) for event in events if event):
                return [event for event in events if event]
    sys.exit(f"FAILED: the stream {target} ended")


def steering(tune, server, store):
    api = "/api/v1/experiments/small"

    def act(action, status=200, headers=None):
        answer, data = server.ask(api + "/actions", "POST", json.dumps(action), {"Content-Type": "application/json", **(headers or {})})
        expect(f"status of {action}: {data!r}", answer.status, status)
        return json.loads(data)

    seq = server.get_json(api)["seq"]
    expect("done", act({"action": "tag", "trials": [1, 2], "tags": ["keep"]}), {"done": True})
    expect("tags", server.get_json(api + "/trials/2")["tags"], ["keep"])
    act({"action": "tag", "trials": [1], "tags": ["keep"], "on": False})
    act({"action": "note", "note": POISON})
    act({"action": "star", "on": True})
    act({"action": "archive"})
    small = server.get_json(api)
    expect("what was asked for", (small["note"], small["star"], small["archived"]), (POISON, True, True))
    act({"action": "archive", "on": False})
    expect("archived", server.get_json(api)["archived"], False)
    act({"action": "enqueue", "params": {"x": 1.5, "kind": "a"}, "reason": "why not"})
    expect("enqueued", server.get_json(api + "/trials/6")["source"], "enqueued")
    act({"action": "set", "settings": ["stop.trials=8"]})
    expect("budget", server.get_json(api)["budget"], 8)
    expect("refusal", act({"action": "enqueue", "params": {"x": 7, "kind": "a"}}, 409)["error"]["code"], "invalid")
    act({"action": "pause", "trials": [0]}, 409)
    answer, data = server.ask(api + "/actions", "POST", '{"action": stop}', {"Content-Type": "application/json"})
    told = json.loads(data)["error"]
    expect(f"what is no JSON: {told}", (answer.status, "at byte 11" in told["message"], "docs/api.md" in told["hint"]), (400, True, True))
    for wrong in ({"action": "stopp"}, {"action": "stop", "trial": 1}, {"action": "stop", "trials": []}, {"action": "tag"}, [], {"trials": [1]},
                  {"action": "drain"}, {"action": "drain", "worker": "1"}, {"action": "drain", "worker": 0, "trials": [1]},
                  {"action": "stop", "worker": 0}, {"action": "tag", "tags": ["x"], "worker": 0}):
        act(wrong, 400)
    check("this machine is no agent's", "no agent" in act({"action": "drain", "worker": 0}, 409)["error"]["message"])
    act({"action": "cordon", "worker": 99}, 404)
    act({"action": "stop"}, 403, {"Origin": "http://evil.example"})
    act({"action": "stop"}, 415, {"Content-Type": "text/plain"})
    events = follow(server, f"{api}/stream", lambda e: e.get("event") == "change")
    last = json.loads(events[0]["data"])
    check("first event", last["trials"] is None and last["seq"] > seq and last["counts"]["queued"] == 1)
    expect("resync", follow(server, f"{api}/stream?after=1", lambda e: "event" in e)[0]["event"], "resync")
    check("list", "small" in follow(server, "/api/v1/stream", lambda e: "data" in e)[0]["data"])
    subprocess.run([tune, "--store", store, "fsck"], check=True, stdout=subprocess.DEVNULL)


def viewers(tune, store):
    """The second address is for those who may look: as the user's, but for what changes something."""
    with Server(tune, store, "--viewers") as server:
        second = server.process.stdout.readline().strip()
        with open(store + ".d/viewer-token") as file:
            token = file.read().strip()
        expect("the second address", second, f"http://127.0.0.1:{server.port}/?token={token}")
        expect("who may read the token", os.stat(store + ".d/viewer-token").st_mode & 0o777, 0o600)
        way_in = urllib.parse.urlsplit(second)
        for shown in ("bearer", "first browser", "second browser"):
            headers = {"Authorization": "Bearer " + token}
            if shown != "bearer":
                answer, _ = server.ask(f"{way_in.path}?{way_in.query}", token=False)
                headers = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
            answer, data = server.ask("/api/v1/server", headers=headers, token=False)
            expect(f"what the page is told, {shown}", json.loads(data)["read_only"], True)
            for route in map(json.loads, subprocess.run([tune, "ui", "--print-routes", "--json"], stdout=subprocess.PIPE, check=True).stdout.splitlines()):
                if route["method"] == "GET":
                    continue
                path = route["path"].replace("{name}", "small").replace("{trial}", "1").replace("{attempt}", "1")
                answer, data = server.ask(path, route["method"], "{}", {"Content-Type": "application/json", **headers}, token=False)
                expect(f"{path} by a viewer, {shown}", (answer.status, json.loads(data)["error"]["message"]), (403, "a viewer may look and change nothing"))
        expect("the user changes what he likes", server.get_json("/api/v1/server")["read_only"], False)
    with Server(tune, store) as server:
        expect("the next server knows them", server.ask("/metrics", headers={"Authorization": "Bearer " + token}, token=False)[0].status, 200)
    os.remove(store + ".d/viewer-token")
    with Server(tune, store) as server:
        expect("and without the file none does", server.ask("/metrics", headers={"Authorization": "Bearer " + token}, token=False)[0].status, 401)


def many_curves(tune, folder):
    """Most curves of an experiment are read from its journal at once, few by the index: they are the same."""
    config, store = os.path.join(folder, "many.json"), os.path.join(folder, "many.db")
    with open(config, "w") as file:
        json.dump({"name": "many", "command": ["true"], "params": {"lr": {"type": "uniform", "min": 0, "max": 1}}, "search": {"type": "random"}, "seed": 1,
                   "objective": {"metric": "loss"}, "executor": {"type": "simulator", "from": "curve", "workers": 4, "steps": 1000, "crash": 0.2},
                   "stop": {"trials": 24, "max_failures": 100}}, file)
    subprocess.run([tune, "--store", store, "sweep", config, "--quiet"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    with Server(tune, store) as server:
        api = "/api/v1/experiments/many/curves?points=50&mode="
        for mode in ("minmax", "lttb"):
            singly = {}
            for trial in range(24):
                for name, values in columns(server.ask(f"{api}{mode}&trials={trial}")[1])[1].items():
                    singly.setdefault(name, []).extend(values)
            with Server(tune, store) as fresh:  # Whose memory holds no curves.
                at_once = columns(fresh.ask(f"{api}{mode}&trials={','.join(map(str, range(24)))},0,1")[1])[1]
            check("many points", len(singly["trial"]) > 900)
            expect(f"curves at once, {mode}", at_once, singly)


def asked_in_vain(tune, store, let_go):
    """Asking for trials of what another process owns waits for it. Others do not wait for that."""
    with Server(tune, store) as server:
        peers = []
        for _ in range(24):
            peers.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            peers[-1].sendall(f"POST /api/v1/experiments/live/ask HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                              "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"ask\":{}}".encode())
        for _ in range(20):
            server.get_json("/api/v1/experiments/live")
        follow(server, "/api/v1/experiments/live/stream", lambda e: "data" in e)
        expect("asks that were answered before", select.select(peers, [], [], 0)[0], [])
        let_go()
        check("all are answered in the end", all(peer.recv(65536).startswith(b"HTTP/1.1 ") for peer in peers))


def beside_a_sweep(tune, folder):
    """`tune sweep --ui`: the page of an experiment that runs in the same process, followed to its end."""
    config = os.path.join(folder, "config.json")
    store = os.path.join(folder, "live.db")
    gate = os.path.join(folder, "go-on")
    with open(config, "w") as file:
        json.dump({"name": "live", "command": ["sh", "-c", TRIAL + 'while [ ! -e "$1" ]; do sleep 0.05; done', "trial", gate],
                   "params": {"x": {"type": "uniform", "min": 1, "max": 2}}, "search": {"type": "random"}, "objective": {"metric": "loss"},
                   "stop": {"trials": 4}, "executor": {"type": "process", "parallel": 2}}, file)
    sweep = subprocess.Popen([tune, "--store", store, "sweep", config, "--ui=127.0.0.1:0", "--viewers", "--metrics-addr", "127.0.0.1:0"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = {}
        viewers_way_in = None
        while len(said) < 2:
            line = sweep.stderr.readline()
            if match := re.search(r"for viewers, who change nothing: (http://\S+)", line):
                viewers_way_in = match.group(1)
            if match := re.search(r"(dashboard|metrics) on http://127\.0\.0\.1:(\d+)/", line):
                said[match.group(1)] = int(match.group(2))
        server = Server.__new__(Server)
        server.port = said["dashboard"]
        with open(store + ".d/token") as file:
            server.token = file.read().strip()
        with open(store + ".d/viewer-token") as file:
            expect("where viewers go", viewers_way_in, f"http://127.0.0.1:{server.port}/?token={file.read().strip()}")
        api = "/api/v1/experiments/live"
        while server.ask(api)[0].status == 404:  # The store is made in a moment.
            time.sleep(0.05)
        events = follow(server, api + "/stream", lambda e: json.loads(e.get("data", "{}")).get("counts", {}).get("running") == 2)
        check("live", json.loads(events[-1]["data"])["state"] == "running")
        answer, data = server.ask(api + "/actions", "POST", '{"action": "note", "note": "seen"}', {"Content-Type": "application/json"})
        expect("an action on a live owner", (answer.status, json.loads(data)), (200, {"done": True}))
        check("metrics of the dashboard", b'tune_trials{experiment="live",state="running"} 2' in server.ask("/metrics")[1])
        only = Server.__new__(Server)
        only.port, only.token = said["metrics"], server.token
        expect("the page for Prometheus has nothing else", (only.ask("/metrics")[0].status, only.ask("/api/v1/experiments")[0].status), (200, 404))
        asked_in_vain(tune, store, lambda: open(gate, "w").close())
        expect("exit code of the sweep", sweep.wait(timeout=120), 0)
    finally:
        sweep.kill()
        sweep.stderr.close()


def wrong_starts(tune, store, server, folder):
    """What a newcomer may get wrong: a line that says what, a line that says what to do, the exit code, and nothing is left behind."""
    os.mkdir(folder)
    empty, junk, newer, pem = (os.path.join(folder, name) for name in ("empty.db", "junk.db", "newer.db", "junk.pem"))
    open(empty, "w").close()
    for path in (junk, pem):
        with open(path, "w") as file:
            file.write("this is nothing of ours\n")
    os.chmod(pem, 0o600)
    with contextlib.closing(sqlite3.connect(store)) as old, contextlib.closing(sqlite3.connect(newer)) as new:
        old.backup(new)
        new.execute("PRAGMA user_version=99")
        new.execute("PRAGMA journal_mode=DELETE")  # Whoever only reads leaves -wal and -shm files.
    before = sorted(os.listdir(folder))
    free = ("--addr", "127.0.0.1:0")
    stores = [(verb, path, free, code) for verb in ("ui", "serve") for path, code in ((empty, 1), (junk, 1), (folder, 2))]
    stores += [("ui", os.path.join(folder, "none.db"), free, 4), ("serve", os.path.join(folder, "none", "a.db"), free, 6), ("serve", newer, free, 1)]
    addresses = [(verb, store, ("--addr", address), 2) for verb in ("ui", "serve") for address in ("0.0.0.0:0", "[::]:0", "nowhere", "127.0.0.1:65536")]
    addresses += [(verb, store, ("--addr", f"127.0.0.1:{server.port}"), 5) for verb in ("ui", "serve")]
    addresses += [("ui", store, ("--addr", "192.0.2.1:7740", "--tls"), 6)]
    options = [("ui", store, options, 2) for options in (("--tls-cert", pem), ("--tls-cert", pem, "--tls-key", pem), ("--tls-cert", pem, "--tls-key", folder + "/no"),
                                                         ("--tls", "--tls-cert", pem), ("--host", "a.lab"), ("--tls", "--host", "a b"), ("--adr", "x"), ("more.db",))]
    for verb, path, given, code in stores + addresses + options:
        told = subprocess.run([tune, verb, path, *given], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        what = f"tune {verb} {path} {' '.join(given)}: {told.stderr!r}"
        expect("exit code of " + what, told.returncode, code)
        check("what and what to do: " + what, re.fullmatch(r"error: [^\n]+\n  = help: [^\n]+\n", told.stderr))
    expect("what is left behind", sorted(os.listdir(folder)), before)

    told = subprocess.run([tune, "--store", store, "export", "smal", "--format", "html"], capture_output=True, text=True, cwd=folder)
    expect(f"an experiment that there is not: {told.stderr}", (told.returncode, "did you mean small?" in told.stderr), (4, True))
    expect("no page is left behind", sorted(os.listdir(folder)), before)


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
            expect("an action on a server that only shows", server.ask("/api/v1/experiments/small/actions", "POST", "{}",
                                                                      {"Content-Type": "application/json"})[0].status, 403)
            wrong_starts(tune, store, server, os.path.join(folder, "wrong"))
        with Server(tune, store) as server:
            steering(tune, server, store)
        viewers(tune, store)
        many_curves(tune, folder)
        beside_a_sweep(tune, folder)
    print(f"server: {checks.count} checks, ok")


if __name__ == "__main__":
    main()
