"""A private key and a certificate that it signs itself, in PEM.

Nobody reads anything in it but the public key: who connects knows its very bytes. So it is written out here, for more
than half of the time that it takes would go into importing `cryptography.x509`.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from textwrap import wrap

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_INTEGER, _BITS, _BYTES, _TEXT, _TIME, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x0C, 0x17, 0x30, 0x31
_FIRST, _SECOND = 0xA0, 0xA1
"""Tags of DER (X.690), the last two of fields that may be missing: [0] and [1]."""

_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_P256 = bytes.fromhex("06082a8648ce3d030107")
_ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_COMMON_NAME = bytes.fromhex("0603550403")

_LAST_DAY = dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
"""The last that a certificate may write with a year of two digits."""

_COORDINATE = 32


def self_signed(name: str, start: dt.datetime, end: dt.datetime) -> tuple[str, str]:
    """Return a certificate for `name` (RFC 5280) and its private key (RFC 5208, 5915), which nothing protects."""
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.private_numbers()
    public = numbers.public_numbers
    point = _der(_BITS, b"\0\4", *(each.to_bytes(_COORDINATE) for each in (public.x, public.y)))
    kind = _der(_SEQUENCE, _EC_KEY, _P256)
    signed_by = _der(_SEQUENCE, _ECDSA_WITH_SHA256)
    who = _der(_SEQUENCE, _der(_SET, _der(_SEQUENCE, _COMMON_NAME, _der(_TEXT, name.encode()))))
    signed = _der(
        _SEQUENCE,
        _der(_FIRST, _number(2)),  # the third version
        _number(secrets.randbits(159)),
        signed_by,
        who,
        _der(_SEQUENCE, _time(start), _time(end)),
        who,
        _der(_SEQUENCE, kind, point),
    )
    signature = _der(_BITS, b"\0", private.sign(signed, ec.ECDSA(hashes.SHA256())))
    secret = _der(_BYTES, numbers.private_value.to_bytes(_COORDINATE))
    key = _der(_BYTES, _der(_SEQUENCE, _number(1), secret, _der(_SECOND, point)))
    return (
        _pem("CERTIFICATE", _der(_SEQUENCE, signed, signed_by, signature)),
        _pem("PRIVATE KEY", _der(_SEQUENCE, _number(0), kind, key)),
    )


def _der(tag: int, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return b"".join((bytes((tag, size) if size < 0x80 else (tag, 0x80 | len(length), *length)), *parts))


def _number(value: int) -> bytes:
    """Return a number that is not negative: its first bit is 0."""
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _time(when: dt.datetime) -> bytes:
    return _der(_TIME, min(when, _LAST_DAY).astimezone(dt.UTC).strftime("%y%m%d%H%M%SZ").encode())


def _pem(label: str, der: bytes) -> str:
    lines = wrap(base64.b64encode(der).decode(), 64)
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
