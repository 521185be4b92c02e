"""The reader of old spellings: what IPython.parallel and ipyparallel called our options.

An option says itself what it was called (`option(old=...)`), and a class what it was (`old_classes`); the table is made
of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from traitlets.config import Config, Configurable

from engineroom.settings.ipython_options import rename
from engineroom.settings.option import names_in, nearest, spellings_of
from engineroom.settings.without_meaning import WITHOUT_MEANING, says_nothing


def renew(config: Config, classes: Iterable[type[Configurable]]) -> list[str]:
    """Move the options in `config` that none of `classes` has to their names of today, and drop those without meaning.

    Return what is to be said about it, a line each. Where a new and an old name are both there, the new one counts.
    """
    rename(config)
    known = set(spellings_of(classes))
    strange = [name for name in names_in(config) if name not in known]
    if not strange:
        return []
    from engineroom.settings.catalogue import CLASSES  # many classes, and few need them

    sections = _sections_today(CLASSES)
    ignored = [name for name in strange if _ignored(name, sections)]
    for name in ignored:
        _take(config, name)
    renamed = [pair for pair in old_names(CLASSES) if pair[0] in strange and pair[0] not in ignored]
    for old, new in renamed:
        section, _, option = new.partition(".")
        value = _take(config, old)
        config[section].setdefault(option, value)
    said = [f"{old} is an old name: it is now {new}" for old, new in renamed]
    if ignored:
        said.append(f"ignored, because it has no meaning here: {', '.join(ignored)}")
    return said


def unknown_options(config: Config, classes: Sequence[type[Configurable]]) -> Iterator[str]:
    """Yield, in words, each option in `config` that none of `classes` has, with the nearest that exists."""
    unknown = unknown_names(config, classes)
    spellings = spellings_of(classes) if unknown else ()
    meant = dict(zip(spellings, spellings, strict=True)) | dict(old_names(classes)) if unknown else {}
    for name in unknown:
        yield f"{name} is not an option{nearest(name, meant)}"


def unknown_names(config: Config, classes: Sequence[type[Configurable]]) -> list[str]:
    """Return `Class.name` of each option in `config` that none of `classes` has."""
    spellings = spellings_of(classes)
    return [name for name in names_in(config) if name not in spellings]


def old_names(classes: Iterable[type[Configurable]]) -> list[tuple[str, str]]:
    """Return each old spelling with the one of today, those that count more first."""
    table: dict[str, str] = {}
    for cls in classes:
        for section in (cls.__name__, *old_classes_of(cls)):
            for name, trait in cls.class_traits(config=True).items():
                for old in (name, *trait.metadata.get("old", ())):
                    if "." not in old:
                        table.setdefault(f"{section}.{old}", f"{cls.__name__}.{name}")
                    elif name in vars(cls):  # not one that it inherits
                        table.setdefault(old, f"{cls.__name__}.{name}")
    return [(old, new) for old, new in table.items() if old != new]


def sections_of(classes: Sequence[type[Configurable]]) -> set[str]:
    """Return what may stand before the name of an option: classes of today, old ones, and those without meaning."""
    names = [*spellings_of(classes), *(old for old, _ in old_names(classes))]
    return {name.partition(".")[0] for name in names} | WITHOUT_MEANING


def old_classes_of(cls: type[Configurable]) -> tuple[str, ...]:
    """Return what `cls` itself was called; what its parents were is theirs."""
    return tuple(vars(cls).get("old_classes", ()))


def _sections_today(classes: Iterable[type[Configurable]]) -> dict[str, str]:
    return {old: cls.__name__ for cls in classes for old in old_classes_of(cls)}


def _ignored(name: str, sections: dict[str, str]) -> bool:
    section, _, option = name.partition(".")
    return any(says_nothing(each, option) for each in (section, sections.get(section, section)))


def _take(config: Config, name: str) -> object:
    section, _, option = name.partition(".")
    value = config[section].pop(option)
    if not config[section]:
        del config[section]
    return value
