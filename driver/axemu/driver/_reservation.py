"""Cores are reserved across connections, contexts and processes.

One file per board in a directory of the user's: byte *i* of it is locked (a POSIX record lock) by the process that
holds core *i*. The kernel drops such locks however a process dies, and a forked child never has them, so neither a
crash nor a surviving child can keep a core. Who holds a core is written into the file behind the lock bytes and only
believed while the core is locked. POSIX locks say nothing inside one process; a table does.

Every change happens under the lock on `_GATE`, so asking for four cores gets all four or none. The cores of a reservation
that nobody refers to any more are free again, as are those of one that an interrupt kept from being handed out.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from axemu.driver._errors import ConnectionError, DeviceInUse, InvalidArgument  # noqa: A004
from axemu.driver._holder import RECORD_SIZE, Holder, Program, decode, encode, in_charge
from axemu.driver._l2_ledger import L2Holding, check_l2
from axemu.driver._private import PrivateDirectory, own_directory

T = TypeVar("T")

MAX_CORES = 16
_GATE = 255  # lock byte that makes a change of several cores one step
_RECORDS = 4096  # records begin here


class Reservation:
    """Cores of one board, held until `release`, the end of this object or the death of the process."""

    __slots__ = ("__weakref__", "_end", "_file", "_l2", "_pid", "board", "cores", "program")

    def __init__(self, file: _BoardFile, board: str) -> None:
        self._file = file
        self._pid = os.getpid()
        self._l2: list[L2Holding] = []
        self.program = in_charge()
        self.board = board
        self.cores: tuple[int, ...] = ()
        self._end = weakref.finalize(self, _drop, file, self._pid)
        self._end.atexit = False

    def hold_l2(self, holder: str, size: int, capacity: int) -> L2Holding:
        """Account for `size` bytes of L2 on this board, among the instances of all processes.

        Raises:
            ConnectionError: the cores were released, or belong to the process this one was forked from.
            IncompatibleDevice: when the board's `capacity` (bytes) does not suffice; names each holder.
        """
        wanted = L2Holding(f"{holder} (process {self.program.pid})", size)
        if self._pid != os.getpid():
            raise ConnectionError(f"{self.board}: the cores of this connection belong to process {self._pid}")
        try:
            self._file.exclusively(partial(self._add_l2, wanted, capacity))
        except BaseException:
            self.free_l2(wanted)
            raise
        return wanted

    def _add_l2(self, wanted: L2Holding, capacity: int) -> None:
        if not self._file.holds(self):
            raise ConnectionError(f"{self.board}: the cores of this connection were released")
        # An interrupt may have kept an earlier change from being written.
        self._file.write(self.program, self.cores, self._l2)
        held = [holding for owner in self._file.holders() for holding in owner.l2]
        check_l2(held, wanted, capacity, self.board)
        self._l2.append(wanted)
        self._file.write(self.program, self.cores, self._l2)

    def free_l2(self, holding: L2Holding) -> None:
        """Give back what `hold_l2` returned; a second call does nothing, nor does one in a forked child."""
        if self._pid == os.getpid():
            self._file.exclusively(partial(self._remove_l2, holding))

    def _remove_l2(self, holding: L2Holding) -> None:
        if not self._file.holds(self):
            return
        for index, own in enumerate(self._l2):
            if own is holding:
                del self._l2[index]
                self._file.write(self.program, self.cores, self._l2)
                return

    def release(self) -> None:
        """Free the cores and their L2; a second call does nothing, nor does one in a forked child."""
        if self._pid == os.getpid():
            self._file.exclusively(partial(self._file.release, self))
            self._end.detach()


def _drop(file: _BoardFile, process: int) -> None:
    """Free the cores of a reservation that nobody refers to any more."""
    if process == os.getpid():
        file.exclusively(file.forget_dropped)


def reserve(board: str, count: int, total: int = 4) -> Reservation:
    """Reserve `count` of the `total` cores of `board` exclusively, among all processes of this user.

    Raises:
        InvalidArgument: `count` is not between 1 and `total`.
        DeviceInUse: fewer are free; names the holders.
    """
    if not 1 <= count <= total:
        raise InvalidArgument(
            f"{board}: {count} sub-devices asked for; the board has {total}, so ask for 1 to {total}"
        )
    return _table.board_file(board, total).reserve(board, count)


def holders(board: str, total: int = 4) -> tuple[Holder, ...]:
    """Return who holds cores of `board` now."""
    file = _table.board_file(board, total)
    return file.exclusively(lambda: tuple(file.holders()))


def reservation_directory() -> Path:
    """Return where the lock files live: AXEMU_RUNTIME_DIR, else a directory of this user in the system's /tmp.

    All processes of a user must agree on it, so it follows neither TMPDIR nor a login session. Where it is somebody
    else's, one beside it is used, which is said.

    Raises:
        ConnectionError: the directory cannot be made.
    """
    configured = os.environ.get("AXEMU_RUNTIME_DIR")
    base = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108
    path = Path(configured) if configured else base / f"axemu-{os.geteuid()}"
    try:
        return own_directory(path.absolute())
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"cannot keep core reservations in {path}: {_reason(error)}; set AXEMU_RUNTIME_DIR to a directory of your own"
        ) from error


def _reason(error: OSError | RuntimeError) -> str:
    return getattr(error, "strerror", None) or str(error)


@dataclass(slots=True)
class _BoardFile:
    """The lock file of one board, open once per process: closing any descriptor of it would drop our locks."""

    descriptor: int
    total: int
    mine: dict[int, weakref.ref[Reservation]] = field(default_factory=dict)
    depth: int = 0

    def exclusively(self, act: Callable[[], T]) -> T:
        """Call `act` while no other thread or process looks at or changes the board's cores.

        Re-entrant, because a garbage collection in here may release a forgotten connection. No context manager, since
        an interrupt between its entry and the block would leave the gate shut to all processes.
        """
        with _table.mutex:
            self.depth += 1
            try:
                if self.depth == 1:
                    fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1, _GATE)
                    self.forget_dropped()
                return act()
            except BaseException:
                if self.depth == 1:
                    self._unlock_strays()
                raise
            finally:
                self.depth -= 1
                if self.depth == 0:
                    fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, _GATE)

    def holds(self, reservation: Reservation) -> bool:
        known = self.mine.get(reservation.cores[0]) if reservation.cores else None
        return known is not None and known() is reservation

    def reserve(self, board: str, count: int) -> Reservation:
        reservation = Reservation(self, board)
        try:
            self.exclusively(partial(self._fill, reservation, count))
        except BaseException:
            reservation.release()
            raise
        return reservation

    def _fill(self, reservation: Reservation, count: int) -> None:
        cores = self._take(reservation.board, count)
        self.write(reservation.program, cores, ())
        reservation.cores = cores
        self.mine.update(dict.fromkeys(cores, weakref.ref(reservation)))

    def forget_dropped(self) -> None:
        """Unlock the cores of reservations that are no more; call it exclusively."""
        for core, known in tuple(self.mine.items()):
            if known() is None:
                self.mine.pop(core, None)
                self._unlock(core)

    def _unlock_strays(self) -> None:
        """Unlock what an exception kept from becoming a reservation."""
        for core in range(self.total):
            if core not in self.mine:
                self._unlock(core)

    def _take(self, board: str, count: int) -> tuple[int, ...]:
        while True:
            free = [core for core in range(self.total) if self._lock(core)]
            taken = free[:count] if len(free) >= count else []
            for core in free[len(taken) :]:
                self._unlock(core)
            if taken:
                return tuple(taken)
            held = tuple(self.holders())
            left = self.total - sum(len(holder.cores) for holder in held)
            if left < count:  # else a holder has just died, the one thing that doesn't wait for the gate
                raise DeviceInUse(
                    f"{board}: {count} of its {self.total} sub-devices asked for, {left} free "
                    f"({'; '.join(map(str, held))}): release a connection, ask for fewer, or keep this "
                    "program's boards apart from others' with AXEMU_RUNTIME_DIR=<a directory of its own>"
                )

    def release(self, reservation: Reservation) -> None:
        """Unlock the cores of `reservation` unless that was done; call it exclusively."""
        for core in reservation.cores:
            known = self.mine.get(core)
            if known is not None and known() is reservation:
                del self.mine[core]
                self._unlock(core)

    def holders(self) -> Iterator[Holder]:
        """Yield who holds cores; call it exclusively."""
        seen: set[int] = set()
        for core in range(self.total):
            if core in seen or self._is_free(core):
                continue
            holder = self._read(core)
            seen.update(holder.cores)
            yield holder

    def write(
        self, program: Program, cores: tuple[int, ...], l2: tuple[L2Holding, ...] | list[L2Holding]
    ) -> None:
        """Write who holds them into the records of `cores`; call it exclusively."""
        for core in cores:
            content = encode(program, cores, l2 if core == cores[0] else ())
            os.pwrite(self.descriptor, content.ljust(RECORD_SIZE), self._at(core))

    def _lock(self, core: int) -> bool:
        if core in self.mine:
            return False
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, core)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(self, core: int) -> None:
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, core)

    def _is_free(self, core: int) -> bool:
        if self._lock(core):
            self._unlock(core)
            return True
        return False

    def _read(self, core: int) -> Holder:
        return decode(os.pread(self.descriptor, RECORD_SIZE, self._at(core)), core)

    def _at(self, core: int) -> int:
        return _RECORDS + core * RECORD_SIZE


class _Table:
    """The board files this process has open; one per process by the nature of POSIX locks."""

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        self.files: dict[Path, _BoardFile] = {}

    def board_file(self, board: str, total: int) -> _BoardFile:
        if not 1 <= total <= MAX_CORES:
            raise InvalidArgument(f"{board}: a board has 1 to {MAX_CORES} cores, not {total}")
        path = reservation_directory() / (re.sub(r"[^A-Za-z0-9_.-]", "_", board)[:200] + ".lock")
        with self.mutex:
            file = self.files.get(path)
            if file is None:
                try:
                    with PrivateDirectory(path.parent) as directory:
                        descriptor = directory.open(path.name, os.O_RDWR | os.O_CREAT)
                    os.fchmod(descriptor, 0o600)  # who may open it for reading may lock it, too
                except OSError as error:
                    raise ConnectionError(
                        f"{board}: cannot open its reservation file {path}: {_reason(error)}; remove it, or set "
                        "AXEMU_RUNTIME_DIR to another directory"
                    ) from error
                self.files[path] = file = _BoardFile(descriptor, total)
            return file

    def forget(self) -> None:
        """Start anew in a forked child, which holds none of its parent's cores."""
        for file in self.files.values():
            os.close(file.descriptor)
        self.mutex = threading.RLock()
        self.files = {}


_table = _Table()
os.register_at_fork(after_in_child=_table.forget)
