"""Decoding: an image file as 8-bit RGB, as in torchvision's folders, or an error with its path.

That is without the rotation that EXIF asks for, without the alpha channel and by PIL's conversion of CMYK. Beyond that,
16-bit greys keep their upper 8 bits, which PIL's own conversion turns to white.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.data.files.location import DataError

_SIXTEEN_BITS = ("PNG", "PPM")
"""Formats whose images of mode I have 16 bits."""
_TOGETHER = 64
"""Images of one task of a thread."""


def read_rgb(path: str) -> Image.Image:
    """The image in RGB of 8 bits; DataError with its path if that can't be done."""
    with _named(path), Image.open(path) as file:
        _check_mode(file, path)
        if _is_deep(file):
            return Image.fromarray((np.asarray(file) >> 8).astype(np.uint8)).convert("RGB")
        file.load()
        # It has no part in RGB, but PIL would warn of each palette that has several transparent colours.
        file.info.pop("transparency", None)
        return file.convert("RGB")


def check_header(path: str) -> None:
    """DataError with its path unless the beginning of the file is that of an image which can be converted."""
    with _named(path), Image.open(path) as file:
        _check_mode(file, path)


def unreadable(paths: Sequence[str], *, quick: bool) -> Iterator[tuple[int, list[str]]]:
    """How many more images were read, several at a time, and what is wrong with them, a sentence each.

    They are decoded, or, if `quick`, their headers are read.
    """
    read = check_header if quick else read_rgb
    parts = [paths[start : start + _TOGETHER] for start in range(0, len(paths), _TOGETHER)]
    # Threads, because PIL decodes without Python's lock.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            for part, found in zip(parts, pool.map(partial(_faults, read), parts), strict=True):
                yield len(part), found
        finally:
            pool.shutdown(cancel_futures=True)


def _faults(read: Callable[[str], object], paths: Sequence[str]) -> list[str]:
    found = []
    for path in paths:
        try:
            read(path)
        except DataError as error:
            found.append(str(error))
    return found


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"image {path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is no image, or of a format that PIL can't read"
    return getattr(error, "strerror", None) or str(error) or "can't be decoded"


def _is_deep(file: Image.Image) -> bool:
    return file.mode.startswith("I;16") or (file.mode == "I" and file.format in _SIXTEEN_BITS)


def _check_mode(file: Image.Image, path: str) -> None:
    if file.mode in ("I", "F") and not _is_deep(file):
        raise DataError(f"image {path}: pixels of mode {file.mode} have no known white; convert it to 8 bits")
