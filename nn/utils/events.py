"""Event files of TensorBoard: records of protocol buffers, each with checksums.

A protocol buffer is a list of fields. Each field is its number, the kind of its content, and the content.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from autograd_lite.errors import DataError

__all__ = ["Single", "fields", "message", "packed", "record", "records", "varint"]


def _table() -> list[int]:
    """The checksum CRC-32C of each byte."""
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        rows.append(byte)
    return rows


TABLE = _table()


def masked_crc(content: bytes) -> int:
    """The checksum CRC-32C of bytes, turned and moved, as records have it.

    Example:
        >>> hex(masked_crc(b"123456789"))
        '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(content: bytes) -> bytes:
    """A record: the length, its checksum, the content, its checksum."""
    length = struct.pack("<Q", len(content))
    parts = length, struct.pack("<I", masked_crc(length)), content, struct.pack("<I", masked_crc(content))
    return b"".join(parts)


def records(content: bytes) -> Iterator[bytes]:
    """The contents of the records of a file.

    Raises:
        DataError: a checksum does not match, or the last record is cut off.

    Example:
        >>> list(records(record(b"one") + record(b"two")))
        [b'one', b'two']
    """
    place = 0
    while place < len(content):
        length = int.from_bytes(content[place : place + 8], "little")
        part = content[place + 12 : place + 12 + length]
        if content[place : place + 16 + length] != record(part):
            raise DataError(f"the record at byte {place} is damaged or cut off")
        yield part
        place += 16 + length


def varint(number: int) -> bytes:
    """An integer in groups of seven bits, least first; a negative one has ten groups."""
    number &= 2**64 - 1
    groups = [number & 127]
    while number := number >> 7:
        groups.append(number & 127)
    return bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])


def packed(values: Any) -> bytes:
    """Many doubles as the content of one field."""
    return struct.pack(f"<{len(values)}d", *values)


class Single(float):
    """A float of four bytes; a Python float takes eight."""


def message(content: Mapping[int, Any]) -> bytes:
    """A protocol buffer from its fields: integers, floats, texts, bytes, or lists of these; None is left out.

    Args:
        content: the values by the numbers of their fields.

    Example:
        >>> message({1: 150, 2: "hi"}).hex()
        '08960112026869'
    """
    parts = []
    for number, values in content.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, Single):
                parts.append(varint(number << 3 | 5) + struct.pack("<f", value))
            elif isinstance(value, float):
                parts.append(varint(number << 3 | 1) + struct.pack("<d", value))
            elif isinstance(value, int):
                parts.append(varint(number << 3) + varint(value))
            elif value is not None:
                encoded = value.encode() if isinstance(value, str) else value
                parts.append(varint(number << 3 | 2) + varint(len(encoded)) + encoded)
    return b"".join(parts)


def fields(content: bytes) -> dict[int, list[Any]]:
    """The fields of a protocol buffer by their numbers; floats as such, texts and messages as bytes.

    Example:
        >>> fields(message({1: 150, 2: "hi", 3: 2.5}))
        {1: [150], 2: [b'hi'], 3: [2.5]}
    """
    found: dict[int, list[Any]] = {}
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = content[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(content):
        key = number()
        kind = key & 7
        value: Any
        if kind == 0:
            value = number()
        elif kind == 2:
            length = number()
            value, place = content[place : place + length], place + length
        else:
            form, width = ("<d", 8) if kind == 1 else ("<f", 4)
            (value,), place = struct.unpack_from(form, content, place), place + width
        found.setdefault(key >> 3, []).append(value)
    return found
