from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engineroom
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.functions.packing import FunctionPacker, pack_call
from engineroom.serialize.payloads import pack, unpack
from tests.patience import SECONDS


class Notebook:
    """A namespace in this process that acts as a client's `__main__`."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, code: str) -> Any:
        """Run a cell; return what it calls `f`, if anything."""
        exec(compile(code, "<cell>", "exec", dont_inherit=True), self.names)
        return self.names.get("f")

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


class FarEngine:
    """The client's side of `far_engine.py`."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(Path(engineroom.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        script = Path(__file__).with_name("far_engine.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.packer = FunctionPacker()
        self.summary = ""

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        packed = self.packer.pack(function)
        for part in packed.parts:
            self._ask("add", part.hash, b"".join(part.segments()))
        return self._ask("call", packed.hash, packed.body, joined(pack_call(args, kwargs, name=packed.name)))

    def push(self, **names: Any) -> None:
        self._ask("push", joined(pack(names)))

    def execute(self, code: str) -> None:
        self._ask("execute", code)

    def pull(self, expression: str) -> Any:
        return self._ask("pull", expression)

    def names(self) -> list[str]:
        return self._ask("names")  # type: ignore[no-any-return]

    def reset(self) -> None:
        self._ask("reset")

    def close(self) -> None:
        self._process.communicate(timeout=SECONDS)

    def _ask(self, *command: Any) -> Any:
        data = joined(pack(command))
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(struct.pack("<I", len(data)) + data)
        pipe_in.flush()
        (size,) = struct.unpack("<I", pipe_out.read(4))
        fine, body, *summary = unpack(bytearray(pipe_out.read(size)))
        if fine:
            return unpack(body)
        self.summary = summary[0]
        raise unpack_failure(body)


def pickled_and_back(value: Any) -> Any:
    """What plain pickle makes of `value`, as a reference."""
    return pickle.loads(pickle.dumps(value, 5))  # noqa: TID251 -- it is what is compared with


def joined(body: bytes | list[memoryview]) -> bytearray:
    """What arrives at the far end."""
    return bytearray(body) if isinstance(body, bytes) else bytearray(b"".join(body))


@pytest.fixture(scope="session")
def far_process() -> Iterator[FarEngine]:
    engine = FarEngine()
    yield engine
    engine.close()


@pytest.fixture
def engine(far_process: FarEngine) -> FarEngine:
    far_process.reset()
    return far_process


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()
