"""Another distribution that owns a contested package is found without importing it."""

from pathlib import Path

import axelera.runtime
from axemu.driver import Owner, other_owners


def _installed(site: Path, distribution: str, *files: str) -> None:
    record = site / f"{distribution}.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("".join(f"{file},sha256=x,1\n" for file in files))


def test_an_environment_of_our_own_has_no_other_owner() -> None:
    assert other_owners() == ()


def test_a_distribution_is_found_by_its_list_of_files(tmp_path: Path) -> None:
    _installed(tmp_path, "axelera_rt-1.6.0", "axelera/runtime/__init__.py", "axelera/app/__init__.py")
    _installed(tmp_path, "other-1.0", "other/runtime/__init__.py")
    assert other_owners([str(tmp_path)]) == (Owner("axelera_rt-1.6.0", "axelera.runtime", tmp_path),)


def test_both_contested_packages_are_told(tmp_path: Path) -> None:
    _installed(tmp_path, "axelera_devkit-1.6.0", "axelera/runtime/x.so", "axelera/compiler/__init__.py")
    assert [owner.module for owner in other_owners([str(tmp_path)])] == [
        "axelera.runtime",
        "axelera.compiler",
    ]


def test_our_own_distribution_is_no_stranger(tmp_path: Path) -> None:
    _installed(tmp_path, "axemu-0.1.0", "axelera/runtime/__init__.py", "axelera/compiler/__init__.py")
    assert other_owners([str(tmp_path)]) == ()


def test_a_source_tree_on_the_path_is_found(tmp_path: Path) -> None:
    (tmp_path / "axelera" / "compiler").mkdir(parents=True)
    assert other_owners([str(tmp_path), "/nowhere"]) == (Owner(str(tmp_path), "axelera.compiler", tmp_path),)


def test_our_source_tree_is_no_stranger() -> None:
    root = Path(axelera.runtime.__file__).parents[2]  # the room
    assert other_owners([str(root)]) == ()
