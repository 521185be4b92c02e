"""The option that says what initialises MPI."""

from __future__ import annotations

from typing import Any

from traitlets import TraitError, TraitType

_NO, _YES = ("", "false", "0", "no", "none"), ("true", "1", "yes")

KINDS = ("mpi4py", "pytrilinos")


class MPIKind(TraitType[str, Any]):
    """'mpi4py', 'pytrilinos', or "" for neither; True is mpi4py."""

    default_value = ""
    info_text = "'mpi4py', 'pytrilinos', True (mpi4py) or False"

    def validate(self, obj: Any, value: Any) -> str:
        del obj
        said = str(value).lower()
        if said in _NO:
            return ""
        kind = KINDS[0] if said in _YES else said
        if kind not in KINDS:
            raise TraitError(f"{self.name}: expected {self.info_text}, got {value!r}")
        return kind

    def from_string(self, s: str) -> Any:
        return s
