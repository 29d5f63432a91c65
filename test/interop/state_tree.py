"""Proofs of the compact sparse Merkle tree (docs/protocol/state.md: ST4, ST6, ST7)."""

import hashlib

from canonical import Refused, decode

EMPTY = bytes(32)


def sha256(data):
    return hashlib.sha256(data).digest()


def bit(key_hash, depth):
    return key_hash[depth // 8] >> 7 - depth % 8 & 1


def leaf(key_hash, value_hash):
    return sha256(b"\x00" + key_hash + value_hash)


def verify_proof(root, key, value, proof):
    """`value` is None for the claim that there is none."""
    try:
        fields = decode(proof)
    except Refused:
        return False
    if set(fields) - {"other"} != {"v", "siblings"} or fields["v"] != 1:
        return False
    siblings, other = fields["siblings"], fields.get("other")
    key_hash = sha256(key.encode())
    if any(sibling == EMPTY for sibling in siblings):
        return False
    if value is not None:
        if other is not None:
            return False
        found = leaf(key_hash, sha256(value))
    elif other is None:
        found = EMPTY
    else:
        shares = all(bit(other["keyHash"], at) == bit(key_hash, at) for at in range(len(siblings)))
        if other["keyHash"] == key_hash or not shares:
            return False
        found = leaf(other["keyHash"], other["valueHash"])
    for depth in range(len(siblings) - 1, -1, -1):
        pair = found, siblings[depth] or EMPTY
        left, right = pair if bit(key_hash, depth) == 0 else pair[::-1]
        found = sha256(b"\x01" + left + right)
    return found == root
