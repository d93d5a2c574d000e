"""What the pods of these tests run: a small HTTP server that drains before it ends.

Environment: HOST, PORT (3000), VERSION, READY (`no`: /health answers 503), QUIET_S (how long without a request
before it ends after SIGTERM). Headers and body go out in one write.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

QUIET = float(os.environ.get("QUIET_S", "0.3"))


class Server:
    def __init__(self) -> None:
        self.last = time.monotonic()
        self.draining = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1].decode()
                self.last = time.monotonic()
                writer.write(self.answer(path))
                await writer.drain()
                if self.draining or b"connection: close" in head.lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, path: str) -> bytes:
        bad = path == "/health" and os.environ.get("READY") == "no"
        body = f"{os.environ['HOSTNAME']} {os.environ.get('VERSION', 'v1')}".encode()
        head = f"HTTP/1.1 {'503 Unavailable' if bad else '200 OK'}\r\nContent-Length: {len(body)}\r\n"
        close = "Connection: close\r\n" if self.draining else ""
        return f"{head}{close}\r\n".encode() + body

    async def drain(self) -> None:
        self.draining, self.last = True, time.monotonic()
        while (left := self.last + QUIET - time.monotonic()) > 0:
            await asyncio.sleep(left)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main() -> None:
    server, ended = Server(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    port = int(os.environ.get("PORT", "3000"))
    await asyncio.start_server(server.serve, os.environ["HOST"], port)
    say(f"serving {os.environ['HOST']} {port}")
    await ended.wait()
    await server.drain()
    say("drained")


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
