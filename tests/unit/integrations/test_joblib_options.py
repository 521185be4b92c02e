"""Options that the joblib backend does not have, and views that are none."""

from __future__ import annotations

from typing import Any

import joblib
import pytest


@pytest.mark.parametrize("option", ["start", "profile", "n_engines", "start_clusters"])
def test_an_option_that_the_backend_does_not_have_is_named_before_anything_starts(option: str) -> None:
    from engineroom.integrations.joblib import register

    register()
    with pytest.raises(TypeError, match=rf"no option '{option}'\. Its options are `view` and `start_cluster`"):
        joblib.parallel_config("engineroom", **{option: False})


@pytest.mark.parametrize("wrong", [3, "all", [0, 1], object()])
def test_what_is_no_view_is_refused_when_it_is_given(wrong: Any) -> None:
    from engineroom.integrations.joblib import EngineroomBackend, register

    for refuse in (register, EngineroomBackend):
        with pytest.raises(TypeError, match=r"expected a view, such as `rc\.load_balanced_view\(\)`"):
            refuse(view=wrong)
