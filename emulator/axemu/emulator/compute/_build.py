"""Code generation, run in a process of its own (`_library`).

Compiles every kernel of a path with Numba and LLVM for the CPU the path names, and writes one relocatable object
file. The process that asked only loads that file: it needs neither Numba nor the compiler, and a compiler that hangs
can be stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from axemu.driver import InternalError

from ._paths import SPECS, PathSpec, code_features, permutes_bytes

SYMBOL_PREFIX = "axemu_"


def build(path: str) -> bytes:
    """Return the object file with all kernels of `path`, as C functions of int64 arguments.

    To be called once per process, before anything imports Numba: the CPU is set through its environment.
    """
    isa = prepare(path)
    return compile_kernels(path, every_kernel(isa))


def every_kernel(isa: Any) -> Iterator[Any]:
    """Yield the source of every kernel of a path."""
    from . import ops  # noqa: PLC0415
    from .executor.kernel import kernels  # noqa: PLC0415  only the process that builds pays for the compiler

    yield from ops.kernels(isa)
    yield from kernels(isa)


def prepare(path: str) -> Any:
    """Aim Numba at the CPU of a path, and return the path's instruction selection (`micro.Isa`)."""
    spec = SPECS[path]
    os.environ["NUMBA_CPU_NAME"] = spec.cpu
    os.environ["NUMBA_CPU_FEATURES"] = code_features(spec)
    os.environ["NUMBA_ENABLE_AVX"] = "1"
    from .micro import instructions  # noqa: PLC0415

    return instructions(spec, byte_permute=permutes_bytes(spec))


def compile_kernels(path: str, kernels: Iterable[Any]) -> bytes:
    """Return an object file with some kernels (`micro.Source`)."""
    from llvmlite import binding  # noqa: PLC0415

    module: Any = binding.parse_assembly("")
    for kernel in kernels:
        text, name = _compile(kernel.function, kernel.arity)
        symbol = SYMBOL_PREFIX + kernel.name
        part = binding.parse_assembly(text)
        part.link_in(binding.parse_assembly(_wrapper(symbol, name, kernel.arity)))
        for function in part.functions:
            if not function.is_declaration and function.name != symbol:
                function.linkage = "internal"
        for variable in part.global_variables:
            if not variable.is_declaration:
                variable.linkage = "internal"
        module.link_in(part)
    module.verify()
    _refuse_foreign(module)
    data: bytes = target_machine(SPECS[path]).emit_object(module)
    return data


def _refuse_foreign(module: Any) -> None:
    """Stop if generated code calls anything but the C library: such a symbol would be a null pointer later."""
    known = {
        *(
            "memmove",
            "memset",
            "memcpy",
            "sem_post",
            "sem_wait",
            "sched_yield",
            "sched_getcpu",
            "clock_gettime",
        ),
        *("pthread_self", "pthread_getcpuclockid", "pthread_getaffinity_np", "pthread_setaffinity_np", ""),
    }
    for function in module.functions:
        if function.is_declaration and not function.name.startswith("llvm.") and function.name not in known:
            raise InternalError(f"generated code calls {function.name!r}, which is not known to be available")


def target_machine(spec: PathSpec) -> Any:
    """Return LLVM's code generator for a path."""
    from llvmlite import binding  # noqa: PLC0415

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(
        cpu=spec.cpu, features=code_features(spec), opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


def _compile(function: Any, arity: int) -> tuple[str, str]:
    """Return the optimised LLVM IR of a kernel and the name of its function."""
    from numba import types  # noqa: PLC0415
    from numba.core import compiler as numba_compiler  # noqa: PLC0415
    from numba.core.compiler_lock import global_compiler_lock  # noqa: PLC0415
    from numba.core.registry import cpu_target  # noqa: PLC0415

    compiler: Any = numba_compiler
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.error_model = "numpy"
    flags.boundscheck = False
    flags.nrt = False
    result = compiler.compile_extra(
        cpu_target.typing_context,
        cpu_target.target_context,
        function.py_func,
        (types.int64,) * arity,
        types.void,
        flags,
        {},
    )
    with global_compiler_lock:
        result.library.finalize()  # links what the kernel calls, and optimises the whole
    return result.library.get_llvm_str(), result.fndesc.llvm_func_name


def _wrapper(symbol: str, name: str, arity: int) -> str:
    """Return a function of plain int64 arguments around Numba's convention (result and error by reference)."""
    arguments = ", ".join(f"i64 %a{index}" for index in range(arity))
    kinds = ", ".join(["i64"] * arity)
    return f"""
declare i32 @{name}(ptr, ptr, {kinds})
define void @{symbol}({arguments}) {{
  %result = alloca ptr
  %error = alloca ptr
  %status = call i32 @{name}(ptr %result, ptr %error, {arguments})
  ret void
}}
"""
