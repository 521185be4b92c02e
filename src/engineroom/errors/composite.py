"""The errors of several engines, or of several items of a map, as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar

from engineroom.errors.base import ErrorWords
from engineroom.errors.local import called_by_users
from engineroom.errors.remote import RemoteError, RemoteTraceback, alike, combined_type, print_lines
from engineroom.errors.sections import Section, rendered, sections_of, summaries

_Results = TypeVar("_Results")


@called_by_users("raise_exception")
class CompositeError(RemoteError):
    """Errors of several engines, or of several items of a map, in the order of the targets or items.

    If all of them are of one type, it is an instance of that type as well, with the attributes of the first
    one. `elist`: RemoteErrors or (ename, evalue, traceback, engine_info); a CompositeError counts as its members.
    """

    tb_limit: ClassVar[int] = 4
    """How many different errors are shown in full."""
    exceptions: tuple[RemoteError, ...] = ()
    """The errors one by one; `as_group()` is for `except*`."""
    msg: str = ""

    def __new__(cls, message: str = "", elist: Iterable[RemoteError | ErrorWords] = ()) -> Self:
        del message
        members = _flat(elist)
        made = _of_their_type(members) if cls is CompositeError else None
        if made is None:
            made = super().__new__(cls)
        made.__dict__["exceptions"] = tuple(members)
        return made  # type: ignore[return-value]  # a subclass of this class

    def __init__(self, message: str, elist: Iterable[RemoteError | ErrorWords]) -> None:
        del elist  # see __new__
        if type(self) is CompositeError:
            self.args = ("CompositeError", message)
        self.__dict__["msg"] = message
        sections = self._sections()
        text = "\n".join(rendered(sections, self.tb_limit))
        self.describe(("CompositeError", message, text, {}), None)
        if isinstance(self, SyntaxError):  # of which Python shows `msg`
            self.__dict__["msg"] = "\n".join(summaries(sections, self.tb_limit))

    @property
    def elist(self) -> list[ErrorWords]:
        """What went wrong on each engine: (ename, evalue, traceback, engine_info)."""
        return [(error.ename, error.evalue, error.traceback, error.engine_info) for error in self.exceptions]

    def as_group(self) -> ExceptionGroup[RemoteError]:
        """Return the errors as an ExceptionGroup, so that `except*` can take them apart."""
        return ExceptionGroup(self.evalue, self.exceptions)

    def __str__(self) -> str:
        return "\n".join([self.evalue, *summaries(self._sections(), self.tb_limit)])

    def __repr__(self) -> str:
        return f"CompositeError({len(self.exceptions)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CompositeError, (self.evalue, self.exceptions)

    def render_traceback(self, excid: int | None = None) -> list[str]:
        """Return the remote tracebacks as lines: those of `tb_limit` different errors, or that of member `excid`."""
        sections = self._sections() if excid is None else [[self._member(excid)]]
        return rendered(sections, self.tb_limit)

    def titled_traceback(self) -> list[str]:
        """Return the remote tracebacks as lines, after one that says what was called."""
        return [self.evalue, *self.render_traceback()]

    def _cause(self) -> RemoteTraceback | None:
        shown_anyway = isinstance(self, SyntaxError) and "\nTraceback" not in self.traceback
        return RemoteTraceback(self.traceback) if self.traceback and not shown_anyway else None

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote tracebacks: those of `tb_limit` different errors, or that of member `excid`."""
        print_lines(self.render_traceback(excid))

    def raise_exception(self, excid: int = 0) -> None:
        """Raise one of the errors, that with the index `excid`. IndexError: there is none."""
        raise self._member(excid)

    def _member(self, excid: int) -> RemoteError:
        try:
            return self.exceptions[excid]
        except IndexError:
            raise IndexError(f"there is no exception with index {excid}") from None

    def _sections(self) -> list[Section]:
        return sections_of(self.exceptions)


class AlreadyDisplayedError(RemoteError):
    """An error whose tracebacks have already been shown, for example by a cell that streams its output."""

    def __init__(self, original_error: RemoteError) -> None:
        self.original_error = original_error
        super().__init__(original_error.ename, original_error.evalue, "", original_error.engine_info)

    def __repr__(self) -> str:
        return repr(self.original_error)

    def __reduce__(self) -> tuple[Any, ...]:
        return AlreadyDisplayedError, (self.original_error,)

    def render_traceback(self) -> list[str]:
        """Return one line that says how many errors there were."""
        count = len(self.original_error.exceptions) if isinstance(self.original_error, CompositeError) else 1
        return ["1 error" if count == 1 else f"{count} errors"]

    def _render_traceback_(self) -> list[str]:
        return self.render_traceback()


def collect_exceptions(rdict_or_list: _Results, method: str = "unspecified") -> _Results:
    """Return `rdict_or_list`, results by engine or in a list, unchanged. CompositeError: some are remote errors.

    `method`: what was called, for the error's text.
    """
    results: Any = rdict_or_list
    values = results.values() if isinstance(results, Mapping) else results
    errors = [value for value in values if isinstance(value, RemoteError)]
    if errors:
        raise CompositeError(f"one or more exceptions raised in: {method}", errors)
    return rdict_or_list


def _of_their_type(members: list[RemoteError]) -> RemoteError | None:
    """Return an error that is composite and of the members' type; None if they have several, or none that fits."""
    kinds: set[Any] = {type(member.original) for member in members}
    original = members[0].original if len(kinds) == 1 else None
    if not isinstance(original, Exception) or isinstance(original, ExceptionGroup | RemoteError):
        return None  # IPython shows groups in its own way
    try:
        return alike(original, combined_type(CompositeError, *kinds))
    except Exception:  # noqa: BLE001 -- a class may do anything when it is sub-classed or made
        return None


def _flat(elist: Iterable[RemoteError | ErrorWords]) -> list[RemoteError]:
    flat: list[RemoteError] = []
    for error in elist:
        if isinstance(error, CompositeError):
            flat.extend(error.exceptions)
        else:
            flat.append(error if isinstance(error, RemoteError) else RemoteError(*error))
    return flat
