"""`.axm`: a compiled-model directory in one file, a ZIP whose members are stored without compression."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from axemu.driver import InvalidArgument, path_errors
from axemu.model._bounded_zip import DAMAGE, BoundedFile
from axemu.model._replacing import replacing

MAX_FILES = 1024
MAX_BYTES = 8 << 30
_MAX_DEPTH = 8
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the ZIP format's earliest date: equal directories give equal archives
_ENCRYPTED = 0x1
_CHUNK = 1 << 20


def write_axm(directory: Path, target: Path) -> Path:
    """Pack the files of a compiled-model directory into `target`; equal files give a byte-identical archive.

    Raises:
        InvalidArgument: `directory` holds no files, too many, links, or names that `read_axm` refuses; or `target` cannot
            be written.
    """
    directory, target = Path(directory), Path(target)
    with path_errors(InvalidArgument, target, "cannot be written"):
        return _write(directory, target)


def _write(directory: Path, target: Path) -> Path:
    files = sorted(
        path for path in directory.rglob("*") if not path.is_dir() and path.resolve() != target.resolve()
    )
    if not files or len(files) > MAX_FILES:
        raise InvalidArgument(f"{directory}: holds {len(files)} files; an archive takes 1 to {MAX_FILES}")
    for path in files:
        if path.is_symlink() or not path.is_file():
            raise InvalidArgument(f"{path}: not a regular file; an archive holds nothing else")
    with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            member = zipfile.ZipInfo(path.relative_to(directory).as_posix(), _EPOCH)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.create_system = 3
            if problem := _problem(member):
                raise InvalidArgument(f"{path}: {problem}; rename it")
            member.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(member, "w") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
    return target


def read_axm(archive: Path, directory: Path) -> Path:
    """Unpack an archive into the empty directory `directory`, after every member was checked.

    Raises:
        InvalidArgument: it is no ZIP, damaged, too large, or a member is compressed, encrypted, a link, doubled, or
            would leave `directory`.
    """
    archive, directory = Path(archive), Path(directory)
    try:
        with BoundedFile(archive) as file, zipfile.ZipFile(file) as source:
            for member in _checked(source.infolist(), archive):
                target = directory.joinpath(*PurePosixPath(member.filename).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with source.open(member) as stream, target.open("xb") as sink:
                    shutil.copyfileobj(stream, sink, _CHUNK)
    except DAMAGE as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"{archive}: not an .axm archive, or damaged: {error}") from error
    except OSError as error:
        raise InvalidArgument(f"{archive}: cannot be unpacked: {error.strerror or error}") from error
    return directory


def _checked(members: list[zipfile.ZipInfo], archive: Path) -> list[zipfile.ZipInfo]:
    if len(members) > MAX_FILES:
        raise InvalidArgument(
            f"{archive}: {len(members)} members; a compiled model has at most {MAX_FILES} files"
        )
    for member in members:
        if problem := _problem(member):
            raise InvalidArgument(f"{archive}: member {member.filename[:200]!r} {problem}")
    files = [member for member in members if not member.is_dir()]  # which fails for one without a name
    total = sum(member.file_size for member in files)
    limit = min(MAX_BYTES, archive.stat().st_size)
    if total > limit:
        raise InvalidArgument(
            f"{archive}: members claim {total} B; stored in this archive can be at most {limit} B"
        )
    if len({member.filename for member in files}) < len(files):
        raise InvalidArgument(f"{archive}: two members have the same name")
    return files


def _problem(member: zipfile.ZipInfo) -> str:
    name = PurePosixPath(member.filename)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if (
        name.is_absolute()
        or ".." in name.parts
        or "\\" in member.filename
        or not name.parts
        or ":" in name.parts[0]
    ):
        return "has a name that leads out of the archive"
    if len(name.parts) > _MAX_DEPTH:
        return f"lies more than {_MAX_DEPTH} directories deep"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is not a regular file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
        return "is compressed; an .axm archive stores its files as they are"
    return ""
