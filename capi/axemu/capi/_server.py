"""The process that owns the boards of C programs: one timeline, however many processes use it.

Every thread of a program has a connection of its own, served by a thread here, so that the calls of a thread follow each
other in the time of the boards as they would on a card. One further connection per context does nothing but end when its
process does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from axemu import faces
from axemu.capi._protocol import MOST_BYTES, VERSION, DamagedRequestError, Operation, Reader, Writer
from axemu.capi._session import Session
from axemu.driver import (
    AxeleraError,
    ConnectionError,  # noqa: A004
    Driver,
    IncompatibleDevice,
    InvalidConfiguration,
    acting_for,
)
from axemu.driver.native import result_of

VARIABLES = ("AXEMU_EMULATOR", "AXEMU_CONFIG")
"""What the boards are, as far as the environment says; all programs on one server have to agree on it."""
_CREDENTIALS = struct.Struct("3i")
_LEVELS = {logging.DEBUG: 2, logging.INFO: 3, logging.WARNING: 5, logging.ERROR: 6, logging.CRITICAL: 6}
_POLL = 0.1
_PATIENCE = 10.0
_MOST_TEXT, _MOST_LINES = 4000, 20
"""What of a text, and how many messages, go into one reply."""


@dataclass(frozen=True, slots=True)
class _Client:
    session: Session
    pid: int
    program: str


class _Collector(logging.Handler):
    """Keeps what a request logs, to be told to the program that made it."""

    def __init__(self) -> None:
        super().__init__()
        self._own = threading.local()

    def begin(self) -> list[tuple[int, str]]:
        self._own.said = []
        said: list[tuple[int, str]] = self._own.said
        return said

    def emit(self, record: logging.LogRecord) -> None:
        said: list[tuple[int, str]] | None = getattr(self._own, "said", None)
        if said is not None and len(said) < _MOST_LINES:
            said.append((_LEVELS.get(record.levelno, 3), self.format(record)[:_MOST_TEXT]))


class Server:
    """Serves the boards of a driver at a Unix socket.

    Args:
        make_driver: makes the driver, when the first program asks for boards.
        address: where; the directory has to be this user's alone.
        variables: what `VARIABLES` were when the driver's options were read; programs that have other values are refused.
            None: whoever chose this server takes its boards as they are.

    Raises:
        OSError: the address cannot be used.
    """

    def __init__(
        self, make_driver: Callable[[], Driver], address: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        faces.check("axelera.runtime")
        self.address = address
        self._make_driver = make_driver
        self._variables = variables
        self._driver: Driver | None = None
        self._clients: dict[int, _Client] = {}
        self._open: dict[socket.socket, threading.Thread] = {}
        self._changed = threading.Condition()
        self._idle_since = time.monotonic()
        self._closed = False
        self._collector = _Collector()
        self._listener = _listen(address)
        for logger in ("axelera.runtime", "axemu"):
            logging.getLogger(logger).addHandler(self._collector)
        self._acceptor = threading.Thread(target=self._accept, name="axemu.capi", daemon=True)
        self._acceptor.start()

    def wait(self, idle: float | None = None) -> None:
        """Return when the server was closed, or when nobody has used it for `idle` seconds."""
        with self._changed:
            while not self._closed:
                if idle is not None and not self._clients and time.monotonic() - self._idle_since >= idle:
                    return
                self._changed.wait(_POLL if idle is not None else None)

    def close(self) -> None:
        """End all sessions and the driver, which writes its reports; a second call does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            conversations = dict(self._open)
        with _reachable(self.address) as name, contextlib.suppress(OSError):
            Path(name).unlink()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection, thread in conversations.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE)  # until a frame under way has ended
        for number in list(self._clients):
            self._end(number)
        for logger in ("axelera.runtime", "axemu"):
            logging.getLogger(logger).removeHandler(self._collector)
        if self._driver is not None:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(_POLL)  # out of descriptors
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._changed:
                if self._closed:
                    connection.close()
                    return
                self._open[connection] = thread
                self._idle_since = time.monotonic()
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        number = None
        try:
            with connection:
                pid, user, _ = _CREDENTIALS.unpack(
                    connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
                )
                if user == os.geteuid():
                    number = self._converse(connection, pid)
        except OSError:
            pass  # the program has gone
        finally:
            with self._changed:
                self._open.pop(connection, None)
            if number is not None:
                self._end(number)

    def _converse(self, connection: socket.socket, pid: int) -> int | None:
        """Answer requests; return the session that ends with the connection, if one does."""
        greeted = attached = None
        while data := connection.recv(MOST_BYTES):
            said = self._collector.begin()
            request, reply, passed = Reader(data), Writer(), None
            code, text = 0, ""
            try:
                operation = Operation(request.u32())
                if operation is Operation.GREET:
                    greeted = self._greet(request, reply, pid)
                elif operation is Operation.ATTACH:
                    attached = self._attach(request.u64())
                elif attached is None:
                    raise DamagedRequestError("a request before a session")  # noqa: TRY301
                elif operation is Operation.END:
                    self._end(attached)
                else:
                    passed = self._ask(attached, operation, request, reply)
            except Exception as error:  # noqa: BLE001  whatever it is, the program gets to know
                code, text, reply = result_of(error), _words(error), Writer()
            _answer(connection, code, text, said, reply, passed)
        return greeted

    def _greet(self, request: Reader, reply: Writer, pid: int) -> int:
        version, program, started = request.u32(), request.text(), bool(request.u32())
        theirs = {name: request.text() for name in VARIABLES}
        if version != VERSION:
            raise IncompatibleDevice(
                f"this libaxruntime.so speaks version {version} of the protocol and the boards' process version {VERSION}: "
                "build the library again with `axemu capi build`"
            )
        if started and self._variables is not None:
            for name, own in self._variables.items():
                if theirs[name] != own:
                    raise InvalidConfiguration(
                        f"the boards run in process {os.getpid()} with {name}={own!r}, and this program has {theirs[name]!r}: "
                        "end the programs that use them, set the same, or set AXEMU_RUNTIME_DIR to a directory of its own"
                    )
        number = secrets.randbits(63) | 1
        with self._changed:
            if self._closed:
                raise ConnectionError("the boards' process is just ending; try again")
            if self._driver is None:
                self._driver = self._make_driver()
            self._clients[number] = _Client(Session(self._driver), pid, program)
        reply.u64(number)
        return number

    def _attach(self, number: int) -> int:
        self._client(number)
        return number

    def _ask(self, number: int, operation: Operation, request: Reader, reply: Writer) -> int | None:
        client = self._client(number)
        with acting_for(client.pid, client.program):
            return client.session.serve(operation, request, reply)

    def _client(self, number: int) -> _Client:
        client = self._clients.get(number)
        if client is None:
            raise ConnectionError("the context has ended; create another")
        return client

    def _end(self, number: int) -> None:
        with self._changed:
            client = self._clients.pop(number, None)
            self._idle_since = time.monotonic()
        if client is not None:
            with acting_for(client.pid, client.program):
                client.session.close()


def _words(error: Exception) -> str:
    return (str(error) if isinstance(error, AxeleraError | OSError) else repr(error))[:_MOST_TEXT]


def _answer(
    connection: socket.socket,
    code: int,
    text: str,
    said: list[tuple[int, str]],
    reply: Writer,
    passed: int | None,
) -> None:
    head = Writer()
    head.u32(code)
    head.text(text)
    head.u32(len(said))
    for level, line in said:
        head.u32(level)
        head.text(line)
    content = head.content() + reply.content()
    if passed is None:
        connection.sendall(content)
        return
    try:
        socket.send_fds(connection, [content], [passed])
    finally:
        os.close(passed)


def _listen(address: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _reachable(address) as name:
            _remove_socket(Path(name), address)
            listener.bind(name)
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_socket(path: Path, address: Path) -> None:
    """Remove what a server that was killed left behind, and nothing else."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise OSError(f"{address} is there and no socket; choose another address")
    path.unlink()


@contextlib.contextmanager
def _reachable(address: Path) -> Iterator[str]:
    """Give a name of `address` that fits into a socket's name, whatever its length."""
    directory = os.open(address.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{address.name}"
    finally:
        os.close(directory)
