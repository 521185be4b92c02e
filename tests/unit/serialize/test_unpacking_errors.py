"""What cannot be unpacked says which versions there are on this side, and then on the other."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Any

import numpy as np
import pytest

from engineroom.serialize.failures.packing import pack_failure, unpack_failure
from engineroom.serialize.functions.packing import pack_call, unpack_call

HERE = f"numpy {metadata.version('numpy')} and Python {platform.python_version()}"


def test_both_versions_are_named() -> None:
    packed = pack_call((np.float64(1.0),), {})
    assert isinstance(packed, bytes)
    packed = packed.replace(b"scalar", b"scalxx")
    with pytest.raises(
        AttributeError, match=re.escape(f"(needed to unpack the arguments of 'f', with {HERE})")
    ) as caught:
        unpack_call(packed, name="f")
    _, failure = pack_failure(caught.value, engine_id=3, instance=bytes(16), method="apply")
    assert isinstance(failure, bytes)
    error = unpack_failure(failure)
    assert isinstance(error, AttributeError)
    assert str(error).endswith(f'with {HERE}). This process has {HERE}; compare them by `rc.versions("numpy")`')


def test_errors_of_the_users_own_code_stay_as_they_are() -> None:
    class Refuses:
        def __reduce__(self) -> Any:
            return int, ("no number",)

    packed = pack_call((Refuses(),), {})
    with pytest.raises(ValueError, match=r"^invalid literal for int\(\) with base 10: 'no number'$"):
        unpack_call(packed)  # type: ignore[arg-type]  # it is short
