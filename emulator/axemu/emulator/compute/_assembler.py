"""What assembling an operator works with: views of tensors, shared tables, and the list of stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InternalError, InvalidArgument
from axemu.model.ops import unary_table
from axemu.model.program import Node, Program, Tensor

from ._analysis import NO_HALO, Analysis
from ._arguments import A, Call, Kernel
from ._layout import (
    SLACK,
    Address,
    Buffer,
    Data,
    External,
    Stage,
    View,
    blocks,
)
from ._paths import PathSpec, permutes_bytes
from .executor.arguments import OVER_PIXELS, OverPixels
from .ops.move.arguments import BORDER, COPY, Border, Copy

MAX_ARENA = (1 << 31) - (1 << 20)
"""Kernels address pixels with int32 offsets."""

CHUNKS_PER_THREAD = 4
"""Several, so that a thread that comes late or is interrupted leaves little to wait for."""

SMALL_WORK = 20_000
"""Byte operations below which a stage is not split between threads."""


class Unsupported(Exception):  # noqa: N818  not an error: the specification takes over
    """A legal program that compiled kernels do not cover; it runs by the specification."""


class Assembler:
    """A program on its way to stages."""

    def __init__(self, analysis: Analysis, numerics: str, spec: PathSpec, threads: int) -> None:
        self.analysis = analysis
        self.program: Program = analysis.program
        self.numerics = numerics
        self.spec = spec
        self.threads = threads
        self.byte_permute = permutes_bytes(spec)
        self.stages: list[Stage] = []
        self.buffers: dict[str, Buffer] = {}
        self._views: dict[str, View] = {}
        self._written: set[int] = set()
        self._tables: dict[Any, Data] = {}

    def tensor(self, name: str) -> Tensor:
        """Return a tensor of the program."""
        return self.program.tensors[name]

    def constants(self, node: Node) -> dict[str, npt.NDArray[Any]]:
        """Return the constants of a node by role."""
        return {role: self.program.constants[name] for role, name in node.constants.items()}

    def view(self, name: str) -> View:
        """Return where a tensor is stored in the arena."""
        known = self._views.get(name)
        if known is None:
            alias = self.analysis.alias(name)
            buffer = self._buffer(alias.name)
            known = View.of(buffer, self.tensor(alias.name).shape).part(alias.starts, self.tensor(name).shape)
            self._views[name] = known
        return known

    def buffer(self, name: str, shape: tuple[int, int, int], pixel: int | None = None) -> View:
        """Return new storage that no tensor of the program has."""
        return View.of(Buffer(name, shape[0], shape[1], pixel or blocks(shape[2])), shape)

    def _buffer(self, name: str) -> Buffer:
        known = self.buffers.get(name)
        if known is None:
            tensor = self.tensor(name)
            height, width, channels = tensor.shape
            halo = self.analysis.halo.get(name, NO_HALO)
            known = Buffer(
                name,
                height + halo[0] + halo[2],
                width + halo[1] + halo[3],
                self._pixel(name, channels),
                halo,
                min(127, max(-128, tensor.zero_point)) + 128,
            )
            if known.size > MAX_ARENA:
                raise InvalidArgument(
                    f"tensor {name!r} of program {self.program.name!r} needs {known.size} bytes, at most {MAX_ARENA}"
                    " can be addressed: make it smaller"
                )
            self.buffers[name] = known
        return known

    def _pixel(self, name: str, channels: int) -> int:
        """An image that only dense convolutions read keeps its few channels together."""
        node = self.analysis.producers.get(name)
        readers = self.analysis.consumers.get(name, [])
        image = (
            channels <= 4
            and (node is None or (node.op == "slice" and node.inputs[0] in self.analysis.inputs))
            and bool(readers)
            and all(reader.op == "conv" for reader in readers)
        )
        return 4 if image else blocks(channels)

    def table(self, key: Any, array: npt.NDArray[Any] | None = None) -> Data:
        """Return a shared array; equal keys share one."""
        known = self._tables.get(key)
        if known is None:
            if array is None:
                raise InternalError(f"table {key!r} was not made")
            known = self._tables[key] = Data(np.ascontiguousarray(array))
        return known

    def offsets(self, view: View) -> Data:
        """Return the int32 offsets of a view's pixels."""
        key = ("offsets", view.row, view.pixel, view.shape[:2])
        if key not in self._tables:
            self.table(key, view.offsets().astype(np.int32))
        return self._tables[key]

    def chunks(self, work: int, units: int) -> int:
        """Return into how many chunks a stage is split.

        Args:
            work: bytes it touches, or a measure like it.
            units: how many pieces it can be cut into.
        """
        if self.threads == 1 or work < SMALL_WORK:
            return 1
        return max(1, min(units, CHUNKS_PER_THREAD * self.threads))

    def emit(
        self,
        kernel: Kernel[A],
        arguments: A,
        *,
        reads: Sequence[View] = (),
        writes: Sequence[View] = (),
        chunks: int = 1,
        ordered: bool = False,
    ) -> Stage:
        """Append a stage; the halo of what it writes is filled before the first write."""
        for view in writes:
            self._fill_halo(view.buffer)
        stage = Stage(kernel, arguments, chunks, tuple(reads), tuple(writes), ordered)
        self.stages.append(stage)
        return stage

    def over_pixels(self, call: Call, node: Node, reads: Sequence[View]) -> None:
        """Append a range kernel over the whole output of a node."""
        output = self.view(node.output)
        whole = OverPixels(
            function=call.kernel, arguments=call.arguments, pixels=output.pixels, width=output.width
        )
        extra = self.fused_reads(node)
        chunks = self.chunks(output.pixels * output.width, output.pixels)
        self.emit(OVER_PIXELS(), whole, reads=[*reads, *extra], writes=[output], chunks=chunks)

    def epilogue(self, node: Node) -> list[Node]:
        """Return the nodes that run on each finished range of a node's output, in order."""
        return self.analysis.epilogues.get(node.name, [])

    def fused_reads(self, node: Node) -> list[View]:
        """Return what those nodes read besides the node's output."""
        inside = {node.output, *(fused.output for fused in self.epilogue(node))}
        return [
            self.view(name) for fused in self.epilogue(node) for name in fused.inputs if name not in inside
        ]

    def check(self, view: View, lowest: int, highest: int, *, write: bool) -> None:
        """Refuse a table that reaches outside a buffer; offsets are bytes from the view's first.

        Raises:
            InternalError: a kernel would leave the buffer.
        """
        first, last = view.start + lowest, view.start + highest
        room = view.buffer.size + (0 if write else SLACK)
        if first < 0 or last > room:
            raise InternalError(
                f"program {self.program.name!r}: a table reaches bytes {first}..{last} of {view.buffer.name!r}, which"
                f" has {view.buffer.size}"
            )

    def unary_table(self, node: Node) -> npt.NDArray[np.uint8]:
        """Return the stored bytes a node of one input maps stored bytes to.

        One table [256], or, if channels differ, one per channel in whole blocks, as kernels work on those.
        """
        key = ("unary", node.name)
        if key not in self._tables:
            source, output = self.tensor(node.inputs[0]), self.tensor(node.output)
            signed = unary_table(node, source, output, self.constants(node), self.numerics)  # type: ignore[arg-type]
            stored = (signed.view(np.uint8) ^ 0x80).astype(np.uint8)
            if (stored == stored[0]).all():
                stored = stored[0]
            else:
                rest = blocks(len(stored)) - len(stored)
                stored = np.concatenate([stored, np.zeros((rest, 256), np.uint8)])
            self.table(key, stored)
        return self._tables[key].array

    def unary_data(self, node: Node) -> Data:
        """Return that table in shared memory."""
        self.unary_table(node)
        return self._tables["unary", node.name]

    def copy(
        self, source: View | tuple[External, tuple[int, int, int]], target: View, **options: Any
    ) -> Stage:
        """Append a copy of a whole view; `source` may be a user's frame with its strides (row, pixel, channel)."""
        rows, columns, channels = target.shape
        if isinstance(source, View):
            first: Address | External = Address(source.buffer, source.start)
            strides = (source.row, source.pixel, 1)
            reads, flip = [source], 0
        else:
            frame, strides = source
            first, reads, flip = frame, [], 0x80
            # An image whose pixels have room takes the unused channels along: whole rows at once.
            if (
                strides[2] == 1
                and strides[1] == target.pixel
                and channels < target.pixel == 4
                and frame.offset % 4 == 0
            ):
                channels = target.pixel
        arguments = Copy(
            source=first,
            source_row=strides[0],
            source_pixel=strides[1],
            source_channel=strides[2],
            target=Address(target.buffer, target.start),
            target_row=target.row,
            target_pixel=target.pixel,
            rows=rows,
            columns=columns,
            channels=channels,
            flip=flip,
        )
        chunks = self.chunks(rows * columns * channels, rows)
        return self.emit(COPY(), arguments, reads=reads, writes=[target], chunks=chunks, **options)

    def export(self, source: View, index: int) -> None:
        """Append the copy of a view to output number `index`."""
        rows, columns, channels = source.shape
        arguments = Copy(
            source=Address(source.buffer, source.start),
            source_row=source.row,
            source_pixel=source.pixel,
            source_channel=1,
            target=External(output=True, index=index, offset=0),
            target_row=columns * channels,
            target_pixel=channels,
            rows=rows,
            columns=columns,
            channels=channels,
            flip=0x80,
        )
        chunks = self.chunks(rows * columns * channels, rows)
        self.emit(COPY(), arguments, reads=[source], chunks=chunks)

    def fill(self, view: View, byte: int) -> None:
        """Append a stage that fills a view (with its last block) with one stored byte."""
        self._border(view, (view.shape[0], 0, 0, 0), view.shape[0], view.shape[1], byte, [view])

    def _fill_halo(self, buffer: Buffer) -> None:
        if id(buffer) in self._written:
            return
        self._written.add(id(buffer))
        if any(buffer.halo):
            whole = View(
                buffer, 0, buffer.columns * buffer.pixel, buffer.pixel, (buffer.rows, buffer.columns, 1)
            )
            self._border(whole, buffer.halo, buffer.rows, buffer.columns, buffer.fill, [whole])

    def _border(
        self,
        view: View,
        halo: tuple[int, int, int, int],
        rows: int,
        columns: int,
        byte: int,
        writes: Sequence[View],
    ) -> None:
        arguments = Border(
            target=Address(view.buffer, view.start),
            row=view.row,
            pixel=view.pixel,
            rows=rows,
            columns=columns,
            top=halo[0],
            left=halo[1],
            bottom=halo[2],
            right=halo[3],
            value=byte,
        )
        self.emit(BORDER(), arguments, writes=writes)
