"""The handshake: both sides prove the role's key, without sending it.

Peer: Hello. Controller: Challenge, with its proof. Peer: Join, with its proof. Controller: Welcome, or Refused
with the reason. A proof is an HMAC-SHA256 over who speaks, the role, the cluster, both nonces, and the certificate that
the controller shows: somebody between the two has another one, and can't pass proofs on.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

from engineroom.errors import NotLetIn, ProtocolError
from engineroom.protocol.messages import PROTOCOL, Challenge, Hello, Join

ROLES = ("client", "engine", "host", "task")
_NONCE = 32


def key_role(role: str) -> str:
    """Return the role whose key `role` uses: a host, and a task, prove the engines' key."""
    return "client" if role == "client" else "engine"


def _proof(key: str, speaker: str, hello: Hello, nonce: bytes, certificate: bytes) -> bytes:
    parts = (speaker.encode(), hello.role.encode(), hello.cluster_id.encode(), hello.nonce, nonce, certificate)
    told = b"".join(len(part).to_bytes(4) + part for part in parts)
    return hmac.digest(key.encode(), told, hashlib.sha256)


class ControllerHandshake:
    """The controller's half, for one connection: `challenge`, then `check`."""

    def __init__(
        self,
        *,
        keys: Mapping[str, str],
        cluster_id: str,
        certificate: bytes = b"",
        protocol: tuple[int, int] = PROTOCOL,
    ) -> None:
        """`keys`: by key role, "client" and "engine". `certificate`: ours (DER), where the connection is TLS.
        `protocol`: the version that we speak."""
        self.protocol = protocol
        self._keys, self._cluster_id, self._certificate = keys, cluster_id, certificate
        self._hello: Hello | None = None
        self._nonce = b""

    def challenge(self, hello: Hello) -> Challenge:
        """Return the answer to `hello`; NotLetIn says in words what is wrong with it."""
        if self._hello is not None or len(hello.nonce) != _NONCE:
            raise ProtocolError("unexpected message during the handshake")
        ours, theirs = self.protocol, hello.protocol
        if theirs[0] != ours[0]:
            older = f"the {hello.role}" if theirs < ours else "the controller"
            raise NotLetIn(
                f"you speak protocol {theirs[0]}.{theirs[1]} and this controller speaks {ours[0]}.{ours[1]}"
                f"{_what_to_do(older)}"
            )
        if hello.role not in ROLES:
            raise NotLetIn(f"{hello.role!r} is not a role; the roles are {', '.join(ROLES)}")
        if hello.cluster_id != self._cluster_id:
            raise NotLetIn(
                f"this controller belongs to cluster {self._cluster_id!r}, not to {hello.cluster_id!r}: the "
                "connection file is from another cluster"
            )
        self._hello = hello
        self._nonce = os.urandom(_NONCE)
        proof = _proof(self._keys[key_role(hello.role)], "controller", hello, self._nonce, self._certificate)
        return Challenge(protocol=self.protocol, nonce=self._nonce, proof=proof)

    def check(self, join: Join) -> str:
        """Return the role that the peer has proved; NotLetIn if it has another key."""
        if self._hello is None:
            raise ProtocolError("that is not how a handshake goes")
        role = self._hello.role
        expected = _proof(self._keys[key_role(role)], "peer", self._hello, self._nonce, self._certificate)
        if not hmac.compare_digest(expected, join.proof):
            raise NotLetIn(wrong_key(key_role(role)))
        return role


class PeerHandshake:
    """The other half: `hello`, then `proof` of the controller's challenge."""

    def __init__(
        self,
        *,
        role: str,
        key: str,
        cluster_id: str,
        certificate: bytes = b"",
        protocol: tuple[int, int] = PROTOCOL,
    ) -> None:
        """`certificate`: that which the controller has shown (DER), where the connection is TLS. `protocol`: the
        version that we speak."""
        self._role, self._key, self._certificate = role, key, certificate
        self.hello = Hello(role=role, protocol=protocol, cluster_id=cluster_id, nonce=os.urandom(_NONCE))

    def proof(self, challenge: Challenge) -> bytes:
        """Return our proof; NotLetIn if the controller did not prove that it has the key."""
        ours, theirs = self.hello.protocol, challenge.protocol
        if theirs[0] != ours[0]:
            older = "the controller" if theirs < ours else f"the {self._role}"
            raise NotLetIn(
                f"the controller speaks protocol {theirs[0]}.{theirs[1]} and this {self._role} speaks "
                f"{ours[0]}.{ours[1]}{_what_to_do(older)}"
            )
        expected = _proof(self._key, "controller", self.hello, challenge.nonce, self._certificate)
        if not hmac.compare_digest(expected, challenge.proof):
            raise NotLetIn(wrong_key(key_role(self._role)))
        return _proof(self._key, "peer", self.hello, challenge.nonce, self._certificate)


def _what_to_do(older: str) -> str:
    return f" (the version on {older}'s machine is older): install the same version of engineroom on both machines"


def wrong_key(role: str) -> str:
    """Return the words for a key that does not fit."""
    return (
        f"wrong key: the exec_key in this ipcontroller-{role}.json is not the controller's. The file is from an "
        f"earlier start, from another cluster, or not the one for {role}s. Copy it again from the controller's "
        "security directory"
    )
