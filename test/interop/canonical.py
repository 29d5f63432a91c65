"""Canonical bytes (docs/protocol/canonical-bytes.md) with Python's standard library only: a strict subset of DAG-CBOR."""

import base64
import hashlib

DEPTH_MAX = 64
ITEMS_MAX = 262_144
CONTAINERS_MAX = 65_536
CODECS = {"raw": 0x55, "dag-pb": 0x70, "dag-cbor": 0x71}
REFUSED_KEYS = {"__proto__", "constructor", "prototype"}


class Refused(Exception):
    """The bytes are not canonical; the message names the rule."""


class Link:
    """A CID, 36 bytes."""

    def __init__(self, raw):
        if len(raw) != 36 or raw[0] != 1 or raw[1] not in CODECS.values() or raw[2:4] != b"\x12\x20":
            raise Refused("CB11")
        self.raw = raw

    @staticmethod
    def of(data, codec="dag-cbor"):
        return Link(bytes([1, CODECS[codec], 0x12, 0x20]) + hashlib.sha256(data).digest())

    @staticmethod
    def parse(text):
        if len(text) != 59 or text[0] != "b" or text != text.lower():
            raise Refused("CB11")
        body = text[1:].upper()
        link = Link(base64.b32decode(body + "=" * (-len(body) % 8)))
        if str(link) != text:
            raise Refused("CB11")
        return link

    def __str__(self):
        return "b" + base64.b32encode(self.raw).decode().lower().rstrip("=")

    def __eq__(self, other):
        return isinstance(other, Link) and self.raw == other.raw

    def __hash__(self):
        return hash(self.raw)


def encode(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return head(5, len(keys)) + b"".join(encode(key) + encode(value[key]) for key in keys)
    if isinstance(value, Link):
        return head(6, 42) + encode(b"\x00" + value.raw)
    raise TypeError(type(value))


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise Refused("CB10")


def decode(data):
    reader = Reader(data)
    value = reader.item(0)
    if reader.at != len(data):
        raise Refused("CB1")
    return value


class Reader:
    def __init__(self, data):
        self.data, self.at, self.items, self.containers = data, 0, 0, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refused("CB2")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, info):
        if info < 24:
            return info
        if info > 27:
            raise Refused("CB3")
        size = 1 << info - 24
        number = int.from_bytes(self.take(size), "big")
        if number < (24 if size == 1 else 1 << 4 * size):
            raise Refused("CB3")
        return number

    def item(self, depth):
        self.items += 1
        if self.items > ITEMS_MAX:
            raise Refused("CB2")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            if info not in (20, 21, 22):
                raise Refused("CB4")
            return {20: False, 21: True, 22: None}[info]
        number = self.number(info)
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.text(number)
        if depth >= DEPTH_MAX:
            raise Refused("CB2")
        if major == 6:
            return self.link(number, depth)
        self.containers += 1
        if self.containers > CONTAINERS_MAX or number > len(self.data) - self.at:
            raise Refused("CB2")
        return [self.item(depth + 1) for _ in range(number)] if major == 4 else self.map(number, depth)

    def text(self, length):
        raw = self.take(length)
        if raw.startswith(b"\xef\xbb\xbf"):
            raise Refused("CB6")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("CB6") from None

    def link(self, tag, depth):
        value = self.item(depth + 1) if tag == 42 else None
        if not isinstance(value, bytes) or value[:1] != b"\x00":
            raise Refused("CB7")
        return Link(value[1:])

    def map(self, count, depth):
        out, last = {}, None
        for _ in range(count):
            key = self.item(depth + 1)
            if not isinstance(key, str):
                raise Refused("CB5")
            order = (len(key.encode()), key.encode())
            if last is not None and order <= last:
                raise Refused("CB5")
            if key in REFUSED_KEYS:
                raise Refused("CB9")
            last, out[key] = order, self.item(depth + 1)
        return out


def from_json(value):
    """A value as the vectors write it: bytes, links, large integers and maps are objects of one field."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((sort, inner),) = value.items()
    if sort == "map":
        return {key: from_json(item) for key, item in inner.items()}
    return {"bytes": bytes.fromhex, "link": Link.parse, "int": int}[sort](inner)
