# SPDX-License-Identifier: Apache-2.0
"""Many dashboards at once, as their pages behave, and peers that never read.

usage: clients.py PORT EXPERIMENT FOLLOWING NEVER SECONDS, with the token on standard input

Who follows holds the event stream and, at each change, asks for the experiment and for the columns that changed; changes that
come meanwhile are fetched together, as the page does it. Who never reads asks for the stream, or for all columns again and
again, and takes nothing; cut off, it comes back. Prints one line of JSON: what was received.
"""
import asyncio
import json
import socket
import sys

port, name, following, never, seconds = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:5]), float(sys.argv[5])
token = sys.stdin.readline().strip()
got = {"events": 0, "answers": 0, "bytes": 0, "came_back": 0, "failures": 0, "cut_off": 0}
api = f"/api/v1/experiments/{name}"


def request(target):
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if " 200 " not in head.split("\r\n", 1)[0]:
        raise OSError(head)
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length"))
    body = await reader.readexactly(length)
    got["answers"] += 1
    got["bytes"] += len(head) + length
    return body


async def follow():
    changed, seq = asyncio.Event(), 0
    changed.set()

    async def stream():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(api + "/stream"))
        while line := await reader.readline():
            got["bytes"] += len(line)
            if line.startswith(b"event: change"):
                got["events"] += 1
                changed.set()
        raise OSError("the stream ended")

    async def fetch():
        nonlocal seq
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            await changed.wait()
            changed.clear()
            writer.write(request(api))
            await answer(reader)
            writer.write(request(api + (f"/columns?since={seq}" if seq else "/columns")))
            body = await answer(reader)
            seq = json.loads(body[12:12 + int.from_bytes(body[8:12], "little")])["seq"]

    await asyncio.gather(stream(), fetch())


async def never_read(asks):
    loop = asyncio.get_running_loop()
    while True:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        try:
            await loop.sock_connect(peer, ("127.0.0.1", port))
            while True:
                await asyncio.wait_for(loop.sock_sendall(peer, asks), 5)
                await asyncio.sleep(5)
        except asyncio.TimeoutError:
            await asyncio.sleep(5)  # It reads no requests either; that is what we are here for.
        except OSError:
            got["cut_off"] += 1
        finally:
            peer.close()


async def patient(client):
    while True:
        try:
            await client()
        except (OSError, asyncio.IncompleteReadError, StopIteration) as trouble:
            got["failures"] += 1
            got["last_failure"] = str(trouble)[:200]
            await asyncio.sleep(0.5)


async def main():
    clients = [asyncio.create_task(patient(follow)) for _ in range(following)]
    clients += [asyncio.create_task(never_read(request(api + ("/stream" if i % 2 else "/columns")) * (1 if i % 2 else 400))) for i in range(never)]
    await asyncio.sleep(seconds)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    print(json.dumps(got))


asyncio.run(main())
