"""The process that owns the boards, spoken to directly: what a broken library says harms nobody else."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axemu.capi import Server
from axemu.capi._protocol import VERSION, Operation, Reader, Writer
from axemu.driver import FunctionDriver, InvalidConfiguration
from axemu.driver.native._results import NAMES


class Client:
    """A connection to the server, and what to say on it."""

    def __init__(self, address: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        directory = os.open(address.parent, os.O_PATH)
        try:
            self.socket.connect(f"/proc/self/fd/{directory}/{address.name}")
        finally:
            os.close(directory)

    def ask(self, content: bytes) -> tuple[str, str, Reader]:
        """Send a request; return the result's name, its text, and what follows."""
        self.socket.send(content)
        reply = Reader(self.socket.recv(1 << 16))
        code, text = reply.u32(), reply.text()
        for _ in range(reply.u32()):
            reply.u32()
            reply.text()
        return NAMES[code], text, reply

    def greet(self, version: int = VERSION, started: int = 0, emulator: str = "") -> tuple[str, str, Reader]:
        writer = Writer()
        writer.u32(Operation.GREET, version)
        writer.text("test")
        writer.u32(started)
        writer.text(emulator)
        writer.text("")
        return self.ask(writer.content())


Connect = Callable[[], Client]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    clients = []

    def make() -> Client:
        clients.append(Client(tmp_path / "server"))
        return clients[-1]

    with Server(FunctionDriver, tmp_path / "server", {"AXEMU_EMULATOR": "boards = 1"}):
        yield make
        for client in clients:
            client.socket.close()


def _attached(connect: Connect) -> tuple[Client, Client]:
    lifetime, thread = connect(), connect()
    name, _, reply = lifetime.greet()
    assert name == "SUCCESS"
    writer = Writer()
    writer.u32(Operation.ATTACH)
    writer.u64(reply.u64())
    assert thread.ask(writer.content())[0] == "SUCCESS"
    return lifetime, thread


def _list(client: Client) -> tuple[str, str, Reader]:
    return client.ask(struct.pack("=I", Operation.LIST))


def test_a_library_of_another_version_is_told_to_be_built_again(connect: Connect) -> None:
    name, text, _ = connect().greet(version=VERSION + 1)
    assert name == "INCOMPATIBLE_DEVICE"
    assert "build the library again with `axemu capi build`" in text


def test_a_program_that_expects_other_boards_is_refused_unless_it_chose_this_server(connect: Connect) -> None:
    name, text, _ = connect().greet(started=1, emulator="boards = 2")
    assert name == "INVALID_CONFIGURATION"
    assert "AXEMU_EMULATOR='boards = 1', and this program has 'boards = 2'" in text
    assert connect().greet(started=1, emulator="boards = 1")[0] == "SUCCESS"
    assert connect().greet(started=0, emulator="boards = 2")[0] == "SUCCESS"


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        struct.pack("=I", 99),
        struct.pack("=I", Operation.CONNECT),
        struct.pack("=II", Operation.CONNECT, 0xFFFFFFFF),
        struct.pack("=IQ", Operation.RUN, 12345),
        struct.pack("=IQQI", Operation.LOAD_INSTANCE, 1, 1, 0),
        struct.pack("=IIQI", Operation.CONNECT, 0, 1, 0xFFFFFFFF),
        struct.pack("=II4sI4s", Operation.LOAD_MODEL, 4, b"\xff\xfe\x00\x01", 4, b"\x00\x00\x00\x00"),
    ],
)
def test_a_damaged_request_is_refused_and_the_next_one_answered(connect: Connect, content: bytes) -> None:
    _, thread = _attached(connect)
    name, text, _ = thread.ask(content)
    assert name in ("VALUE_ERROR", "INVALID_ARGUMENT")
    assert text
    name, _, reply = _list(thread)
    assert (name, reply.u32(), reply.text()) == ("SUCCESS", 1, "function-0:1:0")


def test_without_a_session_nothing_is_answered(connect: Connect) -> None:
    assert _list(connect())[0] == "VALUE_ERROR"
    guess = struct.pack("=IQ", Operation.ATTACH, 1)
    assert connect().ask(guess)[:2] == ("CONNECTION_ERROR", "the context has ended; create another")


def test_the_end_of_the_lifetime_connection_releases_everything(connect: Connect) -> None:
    lifetime, thread = _attached(connect)
    request = Writer()
    request.u32(Operation.CONNECT)
    request.text("")
    request.u64(4)
    request.u32(0)
    assert thread.ask(request.content())[0] == "SUCCESS"
    _, other = _attached(connect)
    assert other.ask(request.content())[0] == "DEVICE_IN_USE"
    lifetime.socket.close()
    while other.ask(request.content())[0] != "SUCCESS":
        pass
    assert _list(thread)[0] == "CONNECTION_ERROR"


def test_a_driver_that_cannot_be_made_is_told_at_the_greeting(tmp_path: Path) -> None:
    def refuse() -> FunctionDriver:
        raise InvalidConfiguration("unknown key 'bords'")

    with Server(refuse, tmp_path / "server"):
        client = Client(tmp_path / "server")
        assert client.greet()[:2] == ("INVALID_CONFIGURATION", "unknown key 'bords'")
        client.socket.close()


def test_closing_ends_conversations_and_removes_the_address(tmp_path: Path) -> None:
    with Server(FunctionDriver, tmp_path / "server") as server:
        client = Client(tmp_path / "server")
        client.greet()
    server.close()
    assert client.socket.recv(10) == b""
    assert not (tmp_path / "server").exists()
    server.wait()
    client.socket.close()


def test_an_address_that_is_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OSError, match=r"thesis\.txt is there and no socket; choose another address"):
        Server(FunctionDriver, tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_socket_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    directory = os.open(tmp_path, os.O_PATH)
    left.bind(f"/proc/self/fd/{directory}/server")
    os.close(directory)
    left.close()
    with Server(FunctionDriver, tmp_path / "server"):
        client = Client(tmp_path / "server")
        assert client.greet()[0] == "SUCCESS"
        client.socket.close()
