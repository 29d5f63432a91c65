"""Checks test/vectors with Python's standard library only: what another implementation has to agree on.

    python3 test/interop/verify_vectors.py [folder of vectors]
"""

import json
import pathlib
import sys

import ed25519
from canonical import Link, Refused, decode, encode, from_json
from state_tree import verify_proof

checked = 0


def check(holds, what):
    global checked
    checked += 1
    if not holds:
        sys.exit(f"not so: {what}")


def check_canonical(vectors):
    for case in vectors["valid"]:
        data = bytes.fromhex(case["hex"])
        check(encode(decode(data)) == data, f"{case['why']} is written again byte for byte")
    for case in vectors["invalid"]:
        try:
            decode(bytes.fromhex(case["hex"]))
            check(False, f"{case['why']} is refused ({case['rule']})")
        except Refused:
            check(True, case["why"])


def check_signatures(vectors):
    for case in vectors["cases"]:
        key, message, signature = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))
        check(ed25519.verify(key, message, signature) == case["accepted"], f"signature {case['number']}: {case['why']}")


def signed_bytes(kind, group, body):
    return f"weft/{kind}/v1\0".encode() + (group.raw if group else b"") + body


def check_entries(vectors):
    group = Link.parse(vectors["group"])
    identity, device = (ed25519.public_key(bytes.fromhex(vectors[name])) for name in ("identitySeed", "deviceSeed"))
    check(identity.hex() == vectors["identity"], "the identity's key follows from its seed")
    last = None
    for seq, case in enumerate(vectors["entries"], 1):
        why, wire = case["why"], bytes.fromhex(case["wire"])
        body = from_json(case["body"])
        body_bytes = encode(body)
        check(body_bytes.hex() == case["bodyBytes"], f"{why}: the body from its fields")
        check(decode(body_bytes) == body, f"{why}: the fields from the body")
        check(str(Link.of(body_bytes)) == case["id"], f"{why}: the id")
        check(encode({"body": body_bytes, "sig": bytes.fromhex(case["signature"])}) == wire, f"{why}: the wire form")
        check(body["device"] == device and body["group"] == group, f"{why}: device and group")
        check(body["seq"] == seq and body["prev"] == last, f"{why}: number and link")
        message = signed_bytes("entry", group, body_bytes)
        signature = bytes.fromhex(case["signature"])
        check(ed25519.verify(device, message, signature), f"{why}: the signature")
        check(not ed25519.verify(device, message + b"\0", signature), f"{why}: of these bytes only")
        for operation, fields in zip(body["ops"], case["operations"], strict=True):
            check(operation["body"] == encode(from_json(fields)), f"{why}: an operation from its fields")
        last = Link.parse(case["id"])
    check_certificate(decode(bytes.fromhex(vectors["entries"][0]["bodyBytes"]))["certificate"], identity, device)


def check_certificate(certificate, identity, device):
    signed = decode(certificate)
    body = decode(signed["body"])
    check(body["identity"] == identity and body["device"] == device, "the certificate is of this device")
    message = signed_bytes("device-certificate", None, signed["body"])
    check(ed25519.verify(identity, message, signed["sig"]), "the identity signed the certificate")


def check_receipts(vectors):
    root = bytes.fromhex(vectors["root"])
    for case in vectors["receipts"]:
        data, proof = bytes.fromhex(case["bytes"]), bytes.fromhex(case["proof"])
        check(encode(from_json(case["receipt"])) == data, f"the receipt of {case['entry']} from its fields")
        check(str(decode(data)["entry"]) == case["entry"], "a receipt names its entry")
        check(verify_proof(root, case["entry"], data, proof), f"the receipt of {case['entry']} is proven")
        check(not verify_proof(root, case["entry"], data + b"\0", proof), "and no other")


def check_proofs(vectors):
    for holds in (True, False):
        for case in vectors["valid" if holds else "invalid"]:
            value = None if case["value"] is None else bytes.fromhex(case["value"])
            proof = bytes.fromhex(case["proof"])
            answer = verify_proof(bytes.fromhex(case["root"]), case["key"], value, proof)
            check(answer == holds, f"{case.get('why', 'proof')} of {case['key']}")
            check(encode(decode(proof)) == proof, f"the proof of {case['key']} is written again")


CHECKS = {
    "canonical.json": check_canonical,
    "ed25519-speccheck.json": check_signatures,
    "entries.json": check_entries,
    "receipts.json": check_receipts,
    "state-proofs.json": check_proofs,
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "vectors"
    for name, check_file in CHECKS.items():
        before = checked
        check_file(json.loads((folder / name).read_text(encoding="utf-8")))
        print(f"{name}: {checked - before} checks")
    print(f"all hold: {checked}")


main()
