"""Names of other systems, and misspelt ones: the error says what to write."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

import engineroom as er
from engineroom.client.arguments import hints
from engineroom.client.client import Client
from engineroom.client.connection.session import Session


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("submit", "rc.load_balanced_view().apply_async(f, x)"),
        ("map", "rc.load_balanced_view().map(f, xs)"),
        ("gather", "[ar.get() for ar in results]"),
        ("scatter", "rc[:].scatter('name', seq)"),
        ("compute", "apply_async"),
        ("put", "rc[:].push({'name': value})"),
        ("starmap", "zip(*pairs)"),
        ("apply_sync", "rc[:].apply_sync(f, x)"),
        ("load_balance_view", "Did you mean 'load_balanced_view'?"),
    ],
)
def test_a_client(rc: Client, name: str, words: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(rc, name)
    assert str(caught.value).startswith(f"Client has no attribute {name!r}")
    assert words in str(caught.value)


def test_views_results_and_executors(rc: Client) -> None:
    balanced, direct = rc.load_balanced_view(), rc[:]
    for owner, name, words in (
        (balanced, "scatter", "rc[:].scatter('name', seq)"),
        (balanced, "submit", "view.apply_async(f, x)"),
        (balanced, "push", "use a direct view"),
        (direct, "starmap", "view.map(f, *zip(*pairs))"),
        (direct, "retries", "rc.load_balanced_view(retries=3)"),
        (balanced.apply_async(abs, 1), "results", "ar.get()"),
        (balanced.apply_async(abs, 1), "stdot", "Did you mean 'stdout'?"),
        (rc.executor(), "starmap", "executor.map(f, *zip(*pairs))"),
        (rc.executor(), "join", "executor.shutdown(wait=True)"),
    ):
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert words in str(caught.value)
        assert str(caught.value).startswith(f"{type(owner).__name__} has no attribute {name!r}")
        assert not hasattr(owner, name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scale", "cluster.start_engines_sync(n)"),
        ("close", "cluster.stop_cluster_sync()"),
        ("submit", "rc = cluster.start_and_connect_sync()"),
        ("wait_for_workers", "rc.wait_for_engines(n)"),
        ("start_cluster_snc", "Did you mean 'start_cluster_sync'?"),
    ],
)
def test_a_cluster(name: str, words: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(er.Cluster(n=1), name)
    assert str(caught.value).startswith(f"Cluster has no attribute {name!r}")
    assert words in str(caught.value)


def test_the_package() -> None:
    for name, words in (("Pool", "map_sync"), ("init", "Client()"), ("LocalCluster", "Cluster(n=4)")):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}': write") as caught:
            getattr(er, name)
        assert words in str(caught.value)


def test_no_hint_is_for_what_is_there(rc: Client) -> None:
    owners = {
        "Client": rc,
        "View": rc[:],
        "DirectView": rc[:],
        "LoadBalancedView": rc.load_balanced_view(),
        "AsyncResult": rc[:].apply_async(abs, 1),
        "ViewExecutor": rc.executor(),
        "Cluster": er.Cluster(n=1),
        "engineroom": er,
    }
    assert [
        f"{name}.{hinted}"
        for table in (hints.HINTS, hints.NOT_YET)
        for name, entries in table.items()
        for hinted in entries
        if hinted in dir(owners[name])
    ] == []


def test_a_property_that_fails_says_why_itself(rc: Client, session: Session) -> None:
    class Broken(er.DirectView):
        @property
        def odd(self) -> int:
            return self._client_of_old  # type: ignore[attr-defined, no-any-return]

    with pytest.raises(AttributeError, match="_client_of_old"):
        _ = Broken(rc, session, targets=0).odd


@pytest.mark.parametrize("name", ["blok", "retires", "something"])
def test_no_flag_is_set_in_silence(rc: Client, name: str) -> None:
    for view in (rc[:], rc.load_balanced_view()):
        with pytest.raises(AttributeError, match=name):
            setattr(view, name, 3)
        with pytest.raises((KeyError, er.NotBuiltYet, AttributeError), match=name):
            view.set_flags(**{name: 3})
        with pytest.raises((KeyError, AttributeError), match=name), view.temp_flags(**{name: 3}):
            pass


def test_flags_that_do_not_exist_are_named_before_any_is_set(rc: Client) -> None:
    view = rc[:]
    with pytest.raises(
        KeyError, match="DirectView has no flag nosuch; it has block, label, on_time_limit, targets, time_limit, track"
    ):
        view.set_flags(block=True, nosuch=1)  # type: ignore[call-arg]
    assert view.block is False
    with pytest.raises(TypeError):  # as it was
        rc.load_balanced_view(nosuch=1)  # type: ignore[call-arg]


def test_a_view_of_a_users_own_class_may_have_attributes(rc: Client, session: Session) -> None:
    class Mine(er.DirectView):
        pass

    mine = Mine(rc, session, targets=0)
    mine.colour = "red"  # type: ignore[attr-defined]
    assert mine.with_flags(block=True).colour == "red"  # type: ignore[attr-defined]
    mine.after = []  # type: ignore[attr-defined]


def test_a_future_of_something_else_as_an_argument_says_what_to_pass(rc: Client) -> None:
    view = rc.load_balanced_view()
    future: Future[int] = Future()
    for call in (
        lambda: view.apply_async(abs, future),
        lambda: view.apply_async(len, [future]),
        lambda: rc[:].apply_async(dict, key={"deep": (future,)}),
        lambda: rc[:].push({"a": future}),
        lambda: view.map_async(abs, [future]),
        lambda: view.apply_async(lambda: future),
    ):
        with pytest.raises(er.PackError, match="the result") as caught:
            call()
        assert "RLock" not in str(caught.value)


def test_what_belongs_to_this_process_says_so(rc: Client, tmp_path: Path) -> None:
    view = rc[0]
    for value in (rc, view, rc.load_balanced_view(), view.executor, rc.executor()):
        with pytest.raises(er.PackError, match=r"create a Client there"):
            view.apply_async(abs, value)
        with pytest.raises(TypeError, match="cannot be sent to another process"):
            pickle.dumps(value)
    assert copy.copy(view).targets == view.targets
    cluster = er.Cluster(profile_dir=tmp_path)
    for send in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"a Cluster cannot be copied.*Cluster\.from_file\(profile_dir='"):
            send(cluster)
    doubled = view.remote()(abs)
    with pytest.raises(er.PackError, match=r"Send the function itself: `abs.func`"):
        view.apply_async(map, doubled, [1])
    with pytest.raises(er.PackError, match=r"Send the results: `list\(iterator\)`"):
        view.apply_async(list, rc.load_balanced_view().imap(abs, [1]))


def test_names_are_not_asked_of_a_load_balanced_view(rc: Client) -> None:
    view = rc.load_balanced_view()
    with pytest.raises(TypeError, match=r"use a direct view: `rc\[:\]\['a'\]`"):
        view["a"]  # type: ignore[index]
    with pytest.raises(TypeError, match="use a direct view"):
        view["a"] = 1  # type: ignore[index]
    with pytest.raises(TypeError, match="not iterable"):
        iter(view)  # type: ignore[call-overload]


def test_a_direct_view_is_not_asked_for_names_that_are_numbers(rc: Client) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(rc[:])  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="not iterable"):
        "name" in rc[:]  # type: ignore[operator]  # noqa: B015


def test_a_map_explains_keywords_that_it_does_not_have(rc: Client) -> None:
    balanced, direct = rc.load_balanced_view(), rc[:]
    for call, words in (
        (lambda: balanced.map_sync(abs, [1], chunk_size=2), "LoadBalancedView.map_sync() has no argument 'chunk_size'"),
        (lambda: balanced.map_async(abs, [1], chunk_size=2), "LoadBalancedView.map_async() has no argument"),
        (lambda: balanced.map(abs, [1], batch_size=2), "did you mean chunksize?"),
        (lambda: balanced.imap(abs, [1], ordred=True), "LoadBalancedView.imap() has no argument 'ordred'"),
        (lambda: balanced.imap(abs, [1], ordred=True), "did you mean ordered?"),
        (lambda: direct.map_sync(pow, [1], y=5), "DirectView.map_sync() has no argument 'y'"),
        (lambda: direct.map_sync(pow, [1], y=5), "functools.partial(f, y=...)"),
        (lambda: direct.map_sync(pow, [1], z=5), "it has label, on_error, progress, return_exceptions, track"),
        (lambda: direct.map_sync(pow, [1], chunksize=5), "use a load-balanced view for chunks"),
        (lambda: direct.map_async(pow, [1], chunk_size=5), "use a load-balanced view for chunks"),
        (lambda: direct.map(pow, [1], y=5), "DirectView.map() has no argument 'y'"),
        (lambda: rc.executor.map(pow, [1], y=5), "ViewExecutor.map() has no argument 'y'"),
        (lambda: rc.executor.map(abs, [1], chunk_size=2), "did you mean chunksize?"),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert words in str(caught.value)


def test_arguments_are_shown_by_their_names(rc: Client) -> None:
    balanced, direct = rc.load_balanced_view(), rc[:]
    every = {"label", "track", "time_limit", "on_time_limit"}
    needs = {"after", "follow", "timeout", "rerun_lost", "retries", "priority", "gpu", "memory", "resources", "tag"}
    for method, names in (
        (balanced.map, {"block", "chunksize", "ordered", "return_exceptions", "on_error", "label", "progress"}),
        (balanced.map_sync, {"chunksize", "ordered", "return_exceptions", "on_error", "label", "progress"}),
        (balanced.map_async, {"chunksize", "ordered", "return_exceptions", "on_error", "label", "progress"}),
        (balanced.imap, {"ordered", "max_outstanding", "return_exceptions", "progress"}),
        (direct.map_sync, {"track", "return_exceptions", "on_error", "label", "progress"}),
        (direct.map_async, {"track", "return_exceptions", "on_error", "label", "progress"}),
        (direct.set_flags, {"block", "targets", *every}),
        (balanced.with_flags, {"block", "targets", *every, *needs}),
        (balanced.remote, {"block", "targets", *every, *needs}),
        (rc.load_balanced_view, {"block", *every, *needs}),
        (rc.direct_view, {"block", *every}),
    ):
        shown = inspect.signature(method).parameters
        keywords = {name for name, each in shown.items() if each.kind is each.KEYWORD_ONLY} | ({"block"} & set(shown))
        assert keywords == names, method
        assert not any(each.kind is each.VAR_KEYWORD for each in shown.values())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: er.Client("tcp://10.0.0.1:8786"),
            r"'tcp://10\.0\.0\.1:8786' is an address, .* ipcontroller-client",
        ),
        (lambda: er.Client("ray://head:10001"), "is an address"),
        (lambda: er.Client("scheduler:8786"), "is an address"),
        (lambda: er.Client(er.Cluster()), r"write `cluster\.connect_client_sync\(\)`"),  # type: ignore[arg-type]
        (lambda: er.Client(n_workers=2), r"has no option n_workers: .* `engineroom\.Cluster\(n=4\)"),  # type: ignore[call-arg]
        (lambda: er.Client(address="tcp://h:1"), r"has no option address: .*`Client\(path\)`"),  # type: ignore[call-arg]
        (lambda: er.Client(time_out=2), r"has no option time_out: did you mean timeout\?"),  # type: ignore[call-arg]
    ],
)
def test_what_users_of_other_systems_give_a_client_is_answered_at_once(
    call: Callable[[], object], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with pytest.raises(TypeError, match=words):
        call()


def test_a_file_may_be_named_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node1:10101").write_text("")
    with pytest.raises(er.ConnectionFileError, match="node1:10101 is empty"):
        er.Client("node1:10101")
