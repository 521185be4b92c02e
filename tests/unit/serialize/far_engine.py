"""A process that does with payloads what an engine does; commands come on stdin, answers go to stdout."""

import asyncio
import inspect
import struct
import sys
import types

from engineroom.serialize.failures.packing import pack_failure
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.packing import unpack_call
from engineroom.serialize.functions.table import FunctionTable
from engineroom.serialize.payloads import pack, unpack


class Engine:
    def __init__(self):
        self.reset()

    def reset(self):
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        self.namespace = module.__dict__
        self.table = FunctionTable(4)
        home.move_in(self.namespace)

    def call(self, digest, body, payload):
        self.table.add(digest, body)
        function = self.table.get(digest)
        args, kwargs = unpack_call(payload)
        result = function(*args, **kwargs)
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    def add(self, digest, body):
        self.table.add(digest, body)

    def execute(self, code):
        exec(code, self.namespace)

    def push(self, payload):
        self.namespace.update(unpack(payload))

    def pull(self, name):
        return eval(name, self.namespace)

    def names(self):
        return sorted(name for name in self.namespace if not name.startswith("__"))


def main():
    engine = Engine()
    while size := sys.stdin.buffer.read(4):
        method, *args = unpack(bytearray(sys.stdin.buffer.read(*struct.unpack("<I", size))))
        try:
            answer = True, _joined(pack(getattr(engine, method)(*args)))
        except BaseException as error:  # noqa: BLE001 -- as an engine does
            summary, body = pack_failure(error, engine_id=3, instance=bytes(16), method=method)
            answer = False, _joined(body), summary
        data = _joined(pack(answer))
        sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)
        sys.stdout.buffer.flush()


def _joined(body):
    return bytearray(body) if isinstance(body, bytes) else bytearray(b"".join(body))


if __name__ == "__main__":
    __name__ = "engineroom.far_engine"  # its frames are cut from tracebacks like those of an engine
    main()
