"""Starting a server process, learning its port, and ending it by its id."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Certificate:
    """A certificate for the loopback address, made at run time."""

    authorities: Path  # what a client has to trust: SSL_CERT_FILE
    chain: Path  # what the server shows, with its key


def certificate(folder: Path, *names: str) -> Certificate:
    """Make a certificate for `names`, or for the loopback address."""
    import trustme  # takes a moment that the server processes need not wait

    authority = trustme.CA()
    made = Certificate(folder / "authorities.pem", folder / "server.pem")
    authority.cert_pem.write_to_path(made.authorities)
    shown = authority.issue_cert(*(names or (HOST, "localhost")))
    shown.private_key_and_cert_chain_pem.write_to_path(made.chain)
    return made


@contextmanager
def server_process(module: str, options: Mapping[str, Any]) -> Iterator[int]:
    """Run `python -m module OPTIONS` and give its port; end the process afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", module, json.dumps(options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def announce(port: int) -> None:
    """Tell the test, from within the process, where the server listens."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def append(record: str, line: Mapping[str, Any]) -> None:
    """Add one line to a record in a single write: whole, and there before the answer goes out."""
    handle = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(line).encode() + b"\n")
    finally:
        os.close(handle)


def lines(record: Path, kind: str) -> list[dict[str, Any]]:
    """Return the lines of one kind."""
    if not record.exists():
        return []
    written = record.read_bytes().rpartition(b"\n")[0]  # the last may be half written
    return [line for line in map(json.loads, written.splitlines()) if line["kind"] == kind]


@contextmanager
def trusting(authorities: Path | None) -> Iterator[None]:
    """Let TLS contexts that are made meanwhile trust what `authorities` signed."""
    if authorities is None:
        yield
        return
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(authorities)
    try:
        yield
    finally:
        os.environ.pop("SSL_CERT_FILE")
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before
