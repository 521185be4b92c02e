"""joblib and scikit-learn: by our name, by the former one, with callbacks, generators, nested calls and errors."""

import joblib
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

import engineroom
from sharing import connect


def square(x):
    return x * x


def nested(n):
    return sum(Parallel(n_jobs=2)(delayed(square)(i) for i in range(n)))


def odd(x):
    if x == 700:
        raise KeyError("700")
    return x


with connect() as rc:
    rc.load_balanced_view().register_joblib_backend()
    iris, kinds = load_iris(return_X_y=True)
    large = np.arange(400_000.0)

    def everything(**options):
        forest = RandomForestClassifier(10, random_state=0, **options).fit(iris, kinds)
        search = GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0, 10.0]}, cv=3, **options)
        return [
            forest.predict_proba(iris).tolist(),
            cross_val_score(RandomForestClassifier(5, random_state=1), iris, kinds, cv=3, **options).tolist(),
            search.fit(iris, kinds).cv_results_["mean_test_score"].tolist(),
            Parallel(**options)(delayed(square)(i) for i in range(2000)),
            Parallel(**options)(delayed(nested)(i) for i in range(4)),
            Parallel(**options)(delayed(np.sum)(large) for _ in range(6)),
        ]

    serial = everything(n_jobs=1)
    for name in ("engineroom", "ipyparallel"):
        with joblib.parallel_config(name):
            assert everything(n_jobs=-1) == serial
    with joblib.parallel_config("engineroom", n_jobs=2):
        assert list(Parallel(return_as="generator")(delayed(square)(i) for i in range(50))) == serial[3][:50]
        assert (
            sorted(Parallel(return_as="generator_unordered")(delayed(square)(i) for i in range(50))) == serial[3][:50]
        )
        try:
            Parallel()(delayed(odd)(i) for i in range(2000))
        except KeyError as error:
            assert error.args == ("700",)
        else:
            raise AssertionError("no error came")
        assert Parallel()(delayed(square)(i) for i in range(20)) == serial[3][:20]
    rc[[0]].register_joblib_backend("one")
    assert Parallel(backend="one")(delayed(square)(i) for i in range(5)) == serial[3][:5]
print("equal")
