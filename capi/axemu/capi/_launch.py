"""Starting the process that owns the boards, once per user, and letting it end when nobody needs it any more."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from axemu import faces
from axemu.driver import AxeleraError, PrivateDirectory, create_driver, reservation_directory

SOCKET = "server"
_LOCK = "server.lock"
_LOG = "server.log"
IDLE = 2.0
"""Seconds without a program after which a process that a program started ends."""
_PATIENCE = 60.0


def server_address() -> Path:
    """Return where programs look for the boards' process: AXEMU_SERVER, else `server` beside the core reservations."""
    chosen = os.environ.get("AXEMU_SERVER")
    return Path(chosen) if chosen else reservation_directory() / SOCKET


def launch() -> str:
    """Start the process unless it runs; return the line that tells the library about it."""
    try:
        address = reservation_directory() / SOCKET
        deadline = time.monotonic() + _PATIENCE
        with PrivateDirectory(address.parent) as directory:
            lock = directory.open(_LOCK, os.O_RDWR | os.O_CREAT)
            log = directory.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        while time.monotonic() < deadline:
            if _answers(address):
                return f"ready {address}"
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)  # another program starts it, or it is just ending
                continue
            return _start(address, lock, log)
    except (AxeleraError, OSError) as error:
        return f"failed {str(error).splitlines()[0]}"
    return f"failed the process that holds {address.parent / _LOCK} does not answer"


def _start(address: Path, lock: int, log: int) -> str:
    read, write = os.pipe()
    os.ftruncate(log, 0)
    command = [
        sys.executable, "-P", "-m", "axemu.capi", "serve", "--address", str(address), "--idle", str(IDLE),
        "--ready", str(write),
    ]  # fmt: skip
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(write, lock),  # the lock lives as long as the process
        start_new_session=True,
        env=os.environ | {faces.VARIABLE: "1"},
    )
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as answer:
        line = answer.readline().strip()
    return line or f"failed the boards' process ended; {address.parent / _LOG} says why"


def _answers(address: Path) -> bool:
    """Tell whether somebody listens there."""
    directory = os.open(address.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            probe.connect(f"/proc/self/fd/{directory}/{address.name}")
    except OSError:
        return False
    finally:
        os.close(directory)
    return True


def serve(
    address: Path, driver: str = "emulator", idle: float | None = None, ready: int | None = None
) -> None:
    """Serve boards at `address` until nobody has used them for `idle` seconds; None: until SIGTERM or an interrupt.

    `ready` is a descriptor that is told, in one line, how the beginning went.

    Raises:
        OSError: the place cannot be used, or another process serves there.
    """
    from axemu.capi._server import VARIABLES, Server  # noqa: PLC0415  needs the runtime

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    variables = {name: os.environ.get(name, "") for name in VARIABLES}
    try:
        if ready is None:
            _require_free(address)
        server = Server(lambda: create_driver(driver), address, None if idle is None else variables)
    except (AxeleraError, OSError, ImportError) as error:
        _tell(ready, f"failed {error}")
        raise
    _tell(ready, f"ready {address}")
    with server:
        try:
            server.wait(idle)
        except KeyboardInterrupt:
            return


def _require_free(address: Path) -> None:
    if _answers(address):
        raise OSError(f"another process serves boards at {address}; end it, or choose another address")


def _tell(ready: int | None, line: str) -> None:
    if ready is not None:
        os.write(ready, line.splitlines()[0].encode() + b"\n")
        os.close(ready)
