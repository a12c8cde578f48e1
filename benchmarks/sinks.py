"""Mail servers that throw everything away, each in a process of its own.

`python benchmarks/sinks.py DELAY` is the fast one: it reads no more of a message than its end.
Postfix's `smtp-sink` reads byte by byte, which makes it the limit for large messages.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
_END = b"\r\n.\r\n"
_GREETING = b"220 sink\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class Sink(asyncio.Protocol):
    """One conversation.  What comes in one piece is answered in one, `delay` seconds later."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._in_data = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._reply(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        replies = []
        while self._rest:
            if self._in_data:
                at = self._rest.find(_END)
                if at < 0:
                    self._rest = self._rest[-len(_END) + 1 :]
                    break
                self._rest = self._rest[at + len(_END) :]
                self._in_data = False
                replies.append(b"250 2.0.0 taken\r\n")
            else:
                line, end, rest = self._rest.partition(b"\r\n")
                if not end:
                    break
                self._rest = rest
                replies.append(self._answer(line[:4].upper()))
        if replies:
            self._reply(b"".join(replies))

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"DATA":
            self._in_data = True
            self._rest = b"\r\n" + self._rest  # a message may be empty
            return b"354 go on\r\n"
        if verb == b"QUIT":
            return b"221 2.0.0 bye\r\n"
        return _HELLO if verb == b"EHLO" else b"250 2.0.0 good\r\n"

    def _reply(self, data: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, data)
        else:
            self._transport.write(data)


async def _serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Sink(delay), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def fast_sink(delay: float = 0.0) -> Iterator[int]:
    """Give the port of a fast sink."""
    command = [sys.executable, __file__, str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def smtp_sink(folder: Path) -> Iterator[int | None]:
    """Give the port of Postfix's smtp-sink; None, with a sentence, where it is not installed."""
    program = find_postfix("smtp-sink")
    if program is None:
        print("smtp-sink is missing (apt-get install postfix): only the fast sink is used.")
        yield None
        return
    with socket.create_server((HOST, 0)) as chosen:
        port = chosen.getsockname()[1]
    command = [program, *(["-u", "nobody"] if os.geteuid() == 0 else []), f"{HOST}:{port}", "100"]
    with subprocess.Popen(command, env=postfix_environment(folder)) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.kill()


def find_postfix(name: str) -> str | None:
    """Return the path of one of Postfix's tools; they stand outside of most people's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def postfix_environment(folder: Path) -> dict[str, str]:
    """Return an environment for Postfix's tools with a configuration of their own."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "main.cf").write_text("compatibility_level = 3.6\ninet_protocols = ipv4\n")
    return {**os.environ, "MAIL_CONFIG": str(folder)}


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the sink did not start")


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
