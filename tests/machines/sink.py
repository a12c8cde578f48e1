"""An SMTP server that takes everything: `python sink.py HOST RECORD SECONDS`.

Prints its port.  Writes who came and for whom into RECORD (a line each, in one write) before it
answers a message, SECONDS later, and not while there is a file RECORD.hold.  An empty RECORD
writes nothing.
"""

import asyncio
import os
import re
import sys

END = b"\r\n.\r\n"
OFFERS = b"250-sink.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
RECIPIENT = re.compile(rb"(?i)RCPT TO:<([^>]*)>")


class Conversation(asyncio.Protocol):
    """One client, whose commands may come all at once."""

    def __init__(self, record: int | None, hold: str, wait: float) -> None:
        self.record = record
        self.hold = hold
        self.wait = wait
        self.read = bytearray()
        self.recipient = b""
        self.in_data = False
        self.busy = False
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.peer = transport.get_extra_info("peername")[0]
        transport.write(b"220 sink.example.org ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.read += data
        self.go_on()

    def go_on(self) -> None:
        while not self.busy and (self.take_data() if self.in_data else self.obey()):
            pass

    def obey(self) -> bool:
        line, ended, _ = self.read.partition(b"\r\n")
        if not ended:
            return False
        del self.read[: len(line) + 2]
        verb = bytes(line[:4]).upper()
        if verb == b"RCPT" and (given := RECIPIENT.match(line)):
            self.recipient = given[1]
        if verb == b"DATA":
            self.in_data = True
        if verb == b"QUIT":
            self.transport.write(b"221 2.0.0 Bye\r\n")
            self.transport.close()
            return False
        self.transport.write({b"EHLO": OFFERS, b"DATA": b"354 go on\r\n"}.get(verb, b"250 Ok\r\n"))
        return True

    def take_data(self) -> bool:
        end = self.read.find(END)
        if end < 0:
            return False
        del self.read[: end + len(END)]
        self.in_data = False
        if self.record is not None:
            os.write(self.record, b"%s %s\n" % (self.peer.encode(), self.recipient))
        self.busy = True
        if not self.wait:
            self.answer()
        else:
            asyncio.get_running_loop().call_later(self.wait, self.answer_late)
        return True

    def answer(self) -> None:
        self.busy = False
        self.transport.write(b"250 2.0.0 Ok: queued\r\n")

    def answer_late(self) -> None:
        if os.path.exists(self.hold):  # noqa: PTH110  (quicker, and asked often)
            asyncio.get_running_loop().call_later(self.wait, self.answer_late)
        else:
            self.answer()
            self.go_on()


async def serve(host: str, record: str, wait: float) -> None:
    """Listen for ever."""
    file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if record else None
    server = await asyncio.get_running_loop().create_server(
        lambda: Conversation(file, f"{record}.hold", wait), host, 0
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))
