"""Who has the role's key gets in; everybody else hears why not."""

import msgspec
import pytest

from engineroom.errors import NotLetIn, ProtocolError
from engineroom.protocol.handshake import ControllerHandshake, PeerHandshake
from engineroom.protocol.messages import PROTOCOL, Hello, Join

KEYS = {"client": "c" * 64, "engine": "e" * 64}


def controller() -> ControllerHandshake:
    return ControllerHandshake(keys=KEYS, cluster_id="lab")


def join(proof: bytes) -> Join:
    return Join(proof=proof, identity=b"i" * 16)


@pytest.mark.parametrize(("role", "key"), [("client", "c"), ("engine", "e"), ("host", "e")])
def test_the_right_key_opens(role: str, key: str) -> None:
    door, peer = controller(), PeerHandshake(role=role, key=key * 64, cluster_id="lab")
    assert door.check(join(peer.proof(door.challenge(peer.hello)))) == role


def test_an_engines_key_makes_no_client() -> None:
    door, peer = controller(), PeerHandshake(role="client", key=KEYS["engine"], cluster_id="lab")
    with pytest.raises(NotLetIn, match="wrong key"):
        peer.proof(door.challenge(peer.hello))


def test_a_peer_that_ignores_the_controllers_proof_still_needs_its_own() -> None:
    door, peer = controller(), PeerHandshake(role="client", key="x" * 64, cluster_id="lab")
    door.challenge(peer.hello)
    with pytest.raises(NotLetIn, match=r"wrong key.*ipcontroller-client\.json"):
        door.check(join(b"x" * 32))


def test_the_role_is_part_of_the_proof() -> None:
    door, engine = controller(), PeerHandshake(role="engine", key=KEYS["engine"], cluster_id="lab")
    proof = engine.proof(door.challenge(engine.hello))
    other = controller()
    other.challenge(msgspec.structs.replace(engine.hello, role="host"))
    with pytest.raises(NotLetIn):
        other.check(join(proof))


def test_another_cluster_is_named() -> None:
    peer = PeerHandshake(role="client", key=KEYS["client"], cluster_id="")
    with pytest.raises(NotLetIn, match="to cluster 'lab', not to ''"):
        controller().challenge(peer.hello)


@pytest.mark.parametrize(("major", "older"), [(PROTOCOL[0] - 1, "client"), (PROTOCOL[0] + 1, "controller")])
def test_another_protocol_is_named_by_the_controller(major: int, older: str) -> None:
    hello = Hello(role="client", protocol=(major, 0), cluster_id="lab", nonce=bytes(32))
    words = rf"you speak protocol {major}\.0 and this controller .*the {older}'s machine is older"
    with pytest.raises(NotLetIn, match=words):
        controller().challenge(hello)


@pytest.mark.parametrize(("major", "older"), [(PROTOCOL[0] - 1, "controller"), (PROTOCOL[0] + 1, "client")])
def test_another_protocol_is_named_by_the_peer(major: int, older: str) -> None:
    door, peer = controller(), PeerHandshake(role="client", key="c" * 64, cluster_id="lab")
    challenge = msgspec.structs.replace(door.challenge(peer.hello), protocol=(major, 0))
    words = rf"controller speaks protocol {major}\.0 and this client speaks.*the {older}'s machine is older"
    with pytest.raises(NotLetIn, match=words):
        peer.proof(challenge)


def test_a_join_without_a_hello_is_no_handshake() -> None:
    with pytest.raises(ProtocolError):
        controller().check(join(bytes(32)))
