#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peers that mean no good, against a real `tune ui`. usage: abuse_test.py TUNE

Malformed requests, spellings of ways out of the served folder, SQL where a query has a value, peers that are slow, silent or
never read, and more of them than there is room for (docs/security.md). Every attack is first made on a server that gives in
to it: an attack that finds nothing there would find nothing here.
"""
import contextlib
import http.client
import http.server
import itertools
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from server_test import Server, make_store

SENTINEL = "the-sentinel-of-the-abuse-test"
PATIENCE = 10  # Seconds that the server gives a request. Twice that is taken for "never".
findings = []


class Target:
    """What is attacked: a port, what makes a request a good one, and what to find out about the process."""

    def __init__(self, port, token="", process=None, routes=()):
        self.port, self.token, self.process, self.routes = port, token, process, routes
        self.good = self.request("/api/v1/server")

    def request(self, target, *headers, method="GET"):
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.token}", *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def connect(self, timeout=3 * PATIENCE):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def say(self, data, timeout=2 * PATIENCE):
        """What is answered until the server closes; None if it does not in this time."""
        got = b""
        try:
            with self.connect(timeout) as peer:
                until = time.monotonic() + timeout
                peer.sendall(data)
                while time.monotonic() < until:
                    part = peer.recv(65536)
                    if not part:
                        return got
                    got += part
                return None
        except TimeoutError:
            return None
        except OSError:  # Reset, or closed while we were still sending: it is over.
            return got

    def answers(self):
        """Others are served."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)
        try:
            connection.request("GET", "/api/v1/server", headers={"Authorization": "Bearer " + self.token})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def find(where, what):
    where.append(what)


def together(work, items):
    """work(item) for all of them at once, in at most 64 threads."""
    items = iter(list(items))
    lock = threading.Lock()

    def run():
        while True:
            with lock:
                item = next(items, None)
            if item is None:
                return
            work(item)

    threads = [threading.Thread(target=run) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- malformed requests

def malformed(target):
    """Requests that are none, by what is wrong with them. A good request follows each: nobody may answer that. Those called
    `refused` are well formed and not for this server: the connection may go on, so they close it themselves."""
    line, host, key = b"GET /api/v1/server HTTP/1.1\r\n", b"Host: localhost\r\n", f"Authorization: Bearer {target.token}\r\n".encode()
    head = line + host + key
    yield from (("bare LF", head.replace(b"\r\n", b"\n", n) + b"\n") for n in (1, 2, 3))
    yield "bare LF at the end", head + b"\n"
    yield "LF LF", head[:-2] + b"\n\n"
    yield "CR alone", head.replace(b"\r\n", b"\r", 1) + b"\r\n"
    yield "CR in a value", head + b"X: a\rb\r\n\r\n"
    for fold in (b" folded", b"\tfolded", b" ", b"  X: y"):
        yield "obs-fold", head + b"X: a\r\n" + fold + b"\r\n\r\n"
        yield "obs-fold after the request line", line + fold + b"\r\n" + host + key + b"\r\n"
    for coding in (b"chunked", b"Chunked", b"xchunked", b"identity", b"chunked, identity", b"gzip, chunked", b"", b"\tchunked"):
        te = b"Transfer-Encoding: " + coding + b"\r\n"
        yield "TE", head + te + b"\r\n0\r\n\r\n"
        yield "TE and CL", head + te + b"Content-Length: 5\r\n\r\n0\r\n\r\n"
        yield "CL and TE", head + b"Content-Length: 5\r\n" + te + b"\r\n0\r\n\r\n"
    for name in (b"Transfer-Encoding ", b" Transfer-Encoding", b"Transfer\x00-Encoding", b"Transfer-Encoding\t", b"Transfer_Encoding\x0b"):
        yield "TE in disguise", head + name + b": chunked\r\n\r\n0\r\n\r\n"
    for lengths in ((b"0", b"0"), (b"5", b"0"), (b"0", b"5"), (b"5", b"5")):
        yield "two lengths", head + b"".join(b"Content-Length: " + n + b"\r\n" for n in lengths) + b"\r\nhello"
    for length in (b"+0", b"-1", b"0x0", b"1e1", b"0, 0", b"5 5", b"", b" ", b"99999999999999999999", b"18446744073709551616", b"5;", b"\xef\xbc\x90", b"1_0", b"0.0"):
        yield "a length that is none", head + b"Content-Length: " + length + b"\r\n\r\nhello"
    for length in (1, 5, 1 << 20):
        yield "a body where none belongs", head + b"Content-Length: %d\r\n\r\n" % length
    yield "a large body", head.replace(b"GET", b"POST") + b"Content-Length: 1048577\r\n\r\n"
    for version in (b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1", b"HTTP/1.", b"HTTP/1.1.1", b"http/1.1", b"HTTP/01.1", b"HTTP/1.10", b"HTTQ/1.1",
                    b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/-1.1", b"HTTP/1,1", b"", b"SIP/2.0", b"\x00"):
        yield "version", head.replace(b"HTTP/1.1", version, 1) + b"\r\n"
    for byte in (0, 1, 7, 8, 11, 12, 27, 127):
        char = bytes([byte])
        yield "control character in the method", head.replace(b"GET", b"G" + char + b"ET") + b"\r\n"
        yield "control character in the target", head.replace(b"/server", b"/ser" + char + b"ver") + b"\r\n"
        yield "control character in a name", head + b"X" + char + b"Y: z\r\n\r\n"
        yield "control character in a value", head + b"X: y" + char + b"z\r\n\r\n"
    for space in (b"GET  /api/v1/server HTTP/1.1", b"GET /api/v1/server  HTTP/1.1", b" GET /api/v1/server HTTP/1.1", b"GET\t/api/v1/server\tHTTP/1.1",
                  b"GET /api/v1/server HTTP/1.1 ", b"GET /api/v1 /server HTTP/1.1", b"GET", b"GET /api/v1/server", b"/api/v1/server HTTP/1.1"):
        yield "request line", space + b"\r\n" + host + key + b"\r\n"
    for method in (b"G\xc3\x89T", b"GET/", b"G(T", b"{GET}", b"GE:T", b"\"GET\""):
        yield "method", head.replace(b"GET", method, 1) + b"\r\n"
    for goal in (b"*", b"api/v1/server", b"http://localhost/api/v1/server", b"localhost:80", b"?x", b"#", b"/\xff", b"/\xc3\xa9", b"\\api", b"file:///etc/passwd", b""):
        yield "target", head.replace(b"/api/v1/server", goal, 1) + b"\r\n"
    for name in (b"X Y", b"", b"X(", b"X\xc3\xa9", b"X\"", b"X,", b"{X}", b"X/"):
        yield "name of a header", head + name + b": y\r\n\r\n"
    yield "no colon", head + b"Xyz\r\n\r\n"
    yield "blank before the colon", line + b"Host : localhost\r\n" + key + b"\r\n"
    yield "refused: two hosts", head + host + b"Connection: close\r\n\r\n"
    yield "refused: two other hosts", head + b"Host: evil.example\r\nConnection: close\r\n\r\n"
    yield "refused: no host", line + key + b"Connection: close\r\n\r\n"
    for other in (b"evil.example", b"", b"localhost:", b"localhost:x", b"localhost@evil.example", b"localhost, evil.example", b"localhost/", b"[::1", b"0.0.0.0", b"127.1", b"2130706433"):
        yield "refused: host", line + b"Host: " + other + b"\r\n" + key + b"Connection: close\r\n\r\n"
    for many, name in ((1, 20_000), (1, 200_000), (400, 50), (17_000, 0)):
        yield "huge headers", head + b"".join(b"X%d: " % i + b"x" * name + b"\r\n" for i in range(many)) + b"\r\n"
    yield "refused: long target", target.request("/api/v1/server?" + "a" * 15_000, "Connection: close")
    for length in (20_000, 70_000, 1_000_000):
        yield "overlong target", head.replace(b"/server", b"/server?" + b"a" * length) + b"\r\n"
    for path in ("/api/v1/server%", "/api/v1/server%0", "/api/v1/server%zz", "/api/v1/server%00", "/api/v1/%73erver%", "/api/v1/server?%", "/api/v1/experiments?where=%",
                 "/api/v1/experiments/small/trials?where=%f", "/api/v1/experiments/small/trials?where=%u0041", "/api/v1/experiments/small/trials?where=%00",
                 "/api/v1/experiments/small/trials?where=%c0%ae", "/api/v1/experiments/small/trials?where=%ff%fe"):
        yield "refused: escape", target.request(path, "Connection: close")
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 64, b"\xff" * 64, b"\x80\x01\x00\x02",
                  b"SSH-2.0-x\r\n", b"EHLO x\r\n", b"{}\n", b"<policy-file-request/>\0", b"\x03\0\0\x13\x0e\xe0\0\0"):
        yield "another protocol", noise + b"\r\n\r\n"
    yield "upgrade", head + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    yield "upgrade to h2c", head + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"


def refuses_malformed(target, found):
    attacks = list(malformed(target))

    def attack(one):
        label, data = one
        got = target.say(data + (b"" if label.startswith("refused") else target.good))
        if got is None:
            return find(found, f"{label}: {data[:80]!r} is never ended")
        if b"HTTP/1.1 2" in got or b"HTTP/1.0 2" in got or (got and got[9:10] not in b"45"):
            find(found, f"{label}: {data[-120:]!r} is answered {got[:60]!r}")
        elif got[9:12] == b"500":
            find(found, f"{label}: {data[:80]!r} is an error of the server")

    together(attack, attacks)
    if not target.answers():
        find(found, "after malformed requests nobody is served")
    return len(attacks)


# --- ways out of the folder

def spellings():
    dots = ("..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%25252e%25252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e", "....", "..;", "..%00", "..%20", "..%09", ".%00.", "..%3b")
    slashes = ("/", "//", "\\", "%2f", "%5c", "%252f", "%255c", "%c0%af", "%ef%bc%8f", "/./", "/.//", ";/")
    goals = ("sentinel.txt", "a.db.d/token", "a.db")
    begins = ("/", "/assets/", "/x/", "/api/v1/experiments/", "/assets/./", "/assets/x/")
    for n, (dot, slash) in enumerate(itertools.product(dots, slashes)):
        for begin, depth in ((begins[n % len(begins)], 1), (begins[(n + 1) % len(begins)], 2), (begins[0], 3)):
            yield begin + (dot + slash) * depth + goals[(n + depth) % len(goals)]
    for goal in goals:
        yield from ("/" + goal, "//" + goal, "/assets/" + goal, "/./" + goal, "/%2e/" + goal, "/" + goal + "%00.js", "/assets/" + goal + ";.js", "/" + goal + "?x.js", "/link/" + goal, "/link")


def stays_inside(target, secrets, found):
    attacks = list(spellings())

    def attack(path):
        got = target.say(target.request(path, "Connection: close"))
        if got is None:
            return find(found, f"{path} is never ended")
        if any(secret.encode() in got for secret in secrets):
            find(found, f"{path} shows what it should not")
        elif got[9:12] not in (b"404", b"400"):
            find(found, f"{path} is answered {got[:40]!r}")

    together(attack, attacks)
    return len(attacks)


# --- SQL

INJECTED = ("'", "''", "\"", "`", "')", "' OR '1'='1", "1 OR 1=1", "1; DROP TABLE trials", "'; DROP TABLE trials; --", "1 UNION SELECT name FROM sqlite_master", "' UNION SELECT sql,1,2 FROM sqlite_master --",
            "number; DELETE FROM reports", "number) --", "(SELECT token)", "1/**/OR/**/1=1", "value = 1) OR (1=1", "x' AND randomblob(500000000) --", "abs(-9223372036854775808)",
            "load_extension('x')", "ATTACH DATABASE 'pwned.db' AS p", "1 COLLATE NOCASE", "%27%20OR%201%3D1", "\\'", "1e999", "-1", "9223372036854775808", "NaN", "\ufeff'", "a" * 3000, "{\"a\":[", "")
SAYS_TOO_MUCH = (b"sqlite", b"near \"", b"unrecognized token", b"no such ", b"syntax error", b"incomplete input")


def takes_no_sql(target, found):
    made = 0
    attacks = []
    for route in target.routes:
        path = route["path"].replace("{name}", "small").replace("{trial}", "1")
        for key, text in itertools.product(route["keys"], INJECTED):
            attacks.append(f"{path}?{key}={urllib.parse.quote(text, safe='')}")
        if "{" in route["path"]:
            for text in INJECTED:
                for place in ("{name}", "{trial}"):
                    if place in route["path"] and text:
                        attacks.append(route["path"].replace(place, urllib.parse.quote(text, safe="")).replace("{name}", "small").replace("{trial}", "1"))
    made = len(attacks)

    def attack(path):
        with contextlib.suppress(OSError), target.connect(2 * PATIENCE) as peer:
            peer.sendall(target.request(path, "Connection: close"))
            got = peer.recv(65536)
            if "/stream" not in path:
                while part := peer.recv(65536):
                    got += part
            status = got[9:12]
            if status not in (b"200", b"400", b"404", b"409", b"431"):
                find(found, f"{path} is answered {got[:60]!r}")
            body = got.partition(b"\r\n\r\n")[2]
            own = urllib.parse.unquote_to_bytes(path)  # What was sent is repeated, which tells nothing.
            if status != b"200" and any(word in body and word not in own for word in SAYS_TOO_MUCH):
                find(found, f"{path} tells of the store's language: {body[:120]!r}")
            return
        find(found, f"{path} is not answered")

    together(attack, attacks)
    return made


# --- peers that are slow, silent, greedy or many

def ends_within(peer, found, label, drip=None):
    """The peer is let go; what it sends meanwhile is a byte a second of `drip`."""
    until = time.monotonic() + 2 * PATIENCE
    peer.settimeout(1)
    while time.monotonic() < until:
        try:
            if drip:
                peer.sendall(next(drip))
            if not peer.recv(65536):
                return
        except TimeoutError:
            continue
        except OSError:
            return
    find(found, f"{label} is never ended")


def never_reads(target, found):
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(1)
        peer.connect(("127.0.0.1", target.port))
        until = time.monotonic() + 3 * PATIENCE
        asks = target.request("/") * 100
        while time.monotonic() < until:
            try:
                peer.sendall(asks)
            except TimeoutError:
                continue
            except OSError:
                return  # Cut off.
        find(found, "a peer that never reads is never ended")


def outlasts(target, found):
    letters = lambda: (bytes([b]) for b in itertools.cycle(b"X-Slow: aaaaaaaaaaaaaaaaaaaaaaaa\r\n"))
    head = target.request("/api/v1/server")[:-2]
    body = target.request("/api/v1/experiments/small/actions", "Content-Type: application/json", "Content-Length: 1000", method="POST")
    peers = []
    for label, first, drip in (("a slow head", b"GET / HTTP/1.1\r\n", letters), ("a slow request line", b"", lambda: itertools.repeat(b"A")),
                               ("a slow body", body, lambda: itertools.repeat(b" ")), ("half a head", head[:30], None), ("nothing at all", b"", None),
                               ("a head without an end", head, None), ("half a body", body + b"{", None)):
        for _ in range(12):
            peer = target.connect()
            peer.sendall(first)
            peers.append((peer, label, drip() if drip else None))
    peers += [(None, "never", None)] * 8
    served, over = [], threading.Event()

    def others():
        while not over.is_set():
            served.append(target.answers())
            time.sleep(0.5)

    watching = threading.Thread(target=others)
    watching.start()
    threads = [threading.Thread(target=ends_within, args=(peer, found, label, drip)) if peer else threading.Thread(target=never_reads, args=(target, found))
               for peer, label, drip in peers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    watching.join()
    for peer, _, _ in peers:
        if peer:
            peer.close()
    if not all(served) or len(served) < 3:
        find(found, f"{served.count(False)} of {len(served)} others were not served meanwhile")
    return len(peers)


def flooded(target, found):
    """Whoever is there is served on; who comes once they are gone too; room and descriptors come back."""
    before = target.descriptors()
    there = http.client.HTTPConnection("127.0.0.1", target.port, timeout=2 * PATIENCE)
    ask = lambda: there.request("GET", "/api/v1/server", headers={"Authorization": "Bearer " + target.token})
    ask()
    there.getresponse().read()
    crowd = []
    for _ in range(600):
        with contextlib.suppress(OSError):
            crowd.append(target.connect())
    ask()
    if there.getresponse().read() == b"":
        find(found, "who was there before the flood is not served")
    there.close()
    most = target.descriptors()
    if most > before + 300:
        find(found, f"{most} descriptors are held")
    for peer in crowd[::2]:  # Half of them go; the others stay until they are let go.
        peer.close()
    until = time.monotonic() + 3 * PATIENCE
    while not target.answers() and time.monotonic() < until:
        time.sleep(0.2)
    if not target.answers():
        find(found, "after the flood nobody is served")
    for peer in crowd:
        peer.close()
    while target.descriptors() > before + 8 and time.monotonic() < until:
        time.sleep(0.2)
    if target.descriptors() > before + 8:
        find(found, f"{target.descriptors()} descriptors are left of {before}")
    return len(crowd)


# --- a server that gives in to everything

class Lenient(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path
        for _ in range(3):
            path = urllib.parse.unquote(path)
        path, _, query = path.partition("?")
        status, body = 200, b"{}"
        if query:
            try:
                body = repr(self.server.db.execute(f"SELECT name FROM sqlite_master WHERE name = '{query.partition('=')[2]}'").fetchall()).encode()
            except (sqlite3.Error, ValueError) as trouble:
                status, body = 500, str(trouble).encode()
        else:
            with contextlib.suppress(OSError, ValueError), open(self.server.folder + "/ui/" + path.replace("\\", "/").replace(";", ""), "rb") as file:
                body = file.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)


def controls(folder, secrets, routes):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lenient) as server:
        server.daemon_threads, server.handle_error = True, lambda *_: None
        server.folder, server.db = folder, sqlite3.connect(":memory:", check_same_thread=False)
        server.db.execute("CREATE TABLE t(x)")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = Target(server.server_address[1], routes=routes[:1])
        global PATIENCE
        PATIENCE, kept = 1.5, PATIENCE  # It never ends anybody: no use to wait for long.
        for attack, least in ((refuses_malformed, 60), (lambda t, f: stays_inside(t, secrets, f), 20), (takes_no_sql, 5), (outlasts, 8)):
            found = []
            attack(target, found)
            if len(found) < least:
                find(findings, f"on a server that gives in to everything only {len(found)} things were found: {found[:5]}")
        PATIENCE = kept
        server.shutdown()


def main():
    tune = os.path.abspath(sys.argv[1])
    printed = subprocess.run([tune, "ui", "--print-routes", "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
    routes = [r for r in map(json.loads, printed.splitlines()) if r["method"] == "GET" and not r["page"]]
    routes.sort(key=lambda r: "where" not in r["keys"])
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(tune, folder)
        # The page comes from a folder here, so that there is something to get out of.
        os.makedirs(os.path.join(folder, "ui", "assets"))
        for name, text in (("ui/index.html", "<!doctype html>" + "x" * 20_000), ("ui/assets/a.js", "0"), ("sentinel.txt", SENTINEL)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        os.symlink("..", os.path.join(folder, "ui", "link"))
        os.environ["TUNE_UI_DIR"] = os.path.join(folder, "ui")
        os.chdir(folder)
        secrets = (SENTINEL, "SQLite format 3")
        controls(folder, secrets, routes)
        tables = "SELECT (SELECT count(*) FROM sqlite_master), (SELECT count(*) FROM trials), (SELECT count(*) FROM reports)"
        with sqlite3.connect(store) as db:
            before = db.execute(tables).fetchone()
        files = sorted(os.listdir(folder))
        with Server(tune, store) as server:
            target = Target(server.port, server.token, server.process, routes)
            secrets += (server.token,)
            target.answers()
            counts, memory = {}, []
            for name, attack in (("malformed requests", refuses_malformed), ("spellings", lambda t, f: stays_inside(t, secrets, f)), ("injections", takes_no_sql),
                                 ("slow peers", outlasts), ("peers at once", flooded)):
                counts[name] = attack(target, findings)
                memory.append(target.resident())
            # Again, now that every cache and thread is there: what grows with attacks shows.
            refuses_malformed(target, findings)
            stays_inside(target, secrets, findings)
            takes_no_sql(target, findings)
            grown = target.resident() - memory[-1]
            if grown > 8192 and "san" not in tune:
                find(findings, f"the same attacks again cost {grown} KiB of memory")
        with sqlite3.connect(store) as db:
            if db.execute(tables).fetchone() != before:
                find(findings, "the store was changed")
        if left := [f for f in sorted(os.listdir(folder)) if f not in files and not f.startswith("a.db")]:
            find(findings, f"files appeared: {left}")
        subprocess.run([tune, "--store", store, "fsck"], check=True, stdout=subprocess.DEVNULL)
        os.chdir("/")
    if counts["malformed requests"] < 150 or counts["spellings"] < 500:
        find(findings, f"too few attacks: {counts}")
    for what in findings[:40]:
        print("FOUND: " + what)
    print(", ".join(f"{n} {what}" for what, n in counts.items()) + f": {len(findings)} findings, memory {memory[0]} to {memory[-1]} KiB, then {grown:+} KiB")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
