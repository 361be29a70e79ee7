"""Figures of the hosts: what a call costs outside the card."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure

_GEMM = (
    "github.com/tundergod/edge-cim-simulation measurements/metis_card: host minus device time of 1x1 layers"
)
_ZOO18 = "voyager-sdk model-zoo tables v1.6 and v1.8.0: the same card moved to another host"
_ZOO16 = "voyager-sdk model-zoo tables v1.6: launch-bound networks are as fast there as on the desktop"
_DOUBLE = "github.com/AlbertaBeef/mb-benchmark-gui: ResNet-50 on M.2 with and without double buffering"
_SPREAD = (
    _GEMM + "; an even spread with the standard deviation (32 us) of the 36 layers that copy less than 20 kB"
)
_ALIKE = "assumed as on the desktop"
_UNKNOWN = "no measurement is public"
_FREE = "model-zoo tables v1.6: a cost per byte meets no more of them"
_COPIES = _ZOO18 + "; builds that copy more lose more"
_RK = "github.com/tundergod/edge-cim-simulation measurements/aetina (RK3588)"


@dataclass(frozen=True, slots=True)
class HostFigures:
    """One host.

    `launch` is the cost of a call seen by the driver, on average; calls take up to `launch_spread` more or less. `gap`
    is what the application's loop adds between calls, and `copy_setup` what each copy adds that the host waits for
    (double buffering hides it with the copy). `copy` is what a byte that crosses the link costs the host in each call,
    beyond the link's own time; nothing hides it.
    """

    name: str
    title: str
    launch: Figure
    launch_spread: Figure
    gap: Figure
    copy_setup: Figure
    copy: Figure


def _alike(one: Figure) -> Figure:
    """Return a figure that is assumed of another host."""
    return one.with_value(one.value, _ALIKE, Provenance.ASSUMED)


_DESKTOP = HostFigures(
    "desktop",
    "x86 desktop (Core i9-13900K class)",
    figure(165e-6, "s per call", _GEMM, Provenance.MEASURED, (150e-6, 210e-6)),
    figure(55e-6, "s per call, either way", _SPREAD, Provenance.DERIVED, (20e-6, 110e-6)),
    figure(45e-6, "s per call", _GEMM, Provenance.MEASURED, (30e-6, 60e-6)),
    figure(40e-6, "s per copy", _DOUBLE, Provenance.DERIVED, (10e-6, 45e-6)),
    figure(0.0, "s per byte", _FREE, Provenance.DERIVED, (0.0, 40e-12)),
)

HOSTS: dict[str, HostFigures] = {
    host.name: host
    for host in (
        _DESKTOP,
        HostFigures(
            "desktop-2024",
            "x86 desktop (Core Ultra 7 265 class)",
            figure(250e-6, "s per call", _ZOO18, Provenance.DERIVED, (165e-6, 290e-6)),
            _alike(_DESKTOP.launch_spread),
            _alike(_DESKTOP.gap),
            _alike(_DESKTOP.copy_setup),
            figure(20e-12, "s per byte", _COPIES, Provenance.DERIVED, (0.0, 100e-12)),
        ),
        HostFigures(
            "laptop",
            "x86 laptop (Core i5-1145G7E class)",
            figure(165e-6, "s per call", _ZOO16, Provenance.DERIVED, (150e-6, 210e-6)),
            _alike(_DESKTOP.launch_spread),
            _alike(_DESKTOP.gap),
            _DESKTOP.copy_setup,
            _DESKTOP.copy,
        ),
        HostFigures(
            "embedded-arm",
            "embedded ARM (RK3588 class)",
            figure(900e-6, "s per call", _RK, Provenance.MEASURED, (700e-6, 1100e-6)),
            figure(100e-6, "s per call, either way", _UNKNOWN, Provenance.ASSUMED, (10e-6, 200e-6)),
            figure(100e-6, "s per call", _UNKNOWN, Provenance.ASSUMED, (45e-6, 300e-6)),
            figure(50e-6, "s per copy", _UNKNOWN, Provenance.ASSUMED, (10e-6, 150e-6)),
            figure(0.0, "s per byte", _UNKNOWN, Provenance.ASSUMED, (0.0, 1e-9)),
        ),
    )
}
"""The host profiles by the name that commands and configuration use."""
