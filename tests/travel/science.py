"""SciPy, scikit-learn and matplotlib."""

import matplotlib as mpl

mpl.use("agg")

import warnings

import matplotlib.pyplot as plt
import numpy as np
import scipy.interpolate
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial
import scipy.stats
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn import (
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    linear_model,
    metrics,
    model_selection,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone

from tests.travel.carry import close, made, row, title

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)


def same_predictions(a, b):
    return np.array_equal(a.predict(X), b.predict(X)) and a.get_params().keys() == b.get_params().keys()


def predicts(model):
    return model.predict(X).shape == (60,)


def same_transform(a, b):
    return np.allclose(_dense(a.transform(X)), _dense(b.transform(X)))


def _dense(value):
    return value.toarray() if scipy.sparse.issparse(value) else value


def transforms(model):
    return model.transform(X).shape[0] == 60


title("Fitted estimators and pipelines of scikit-learn, and of your own classes")


class Clip(TransformerMixin, BaseEstimator):
    """A transformer of the script's own."""

    def __init__(self, limit=1.0):
        self.limit = limit

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.clip(X, -self.limit, self.limit)


class Majority(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.majority_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.majority_)


def log_all(X):
    return np.log1p(np.abs(X))


models = [
    linear_model.LinearRegression(),
    linear_model.LogisticRegression(),
    linear_model.SGDClassifier(random_state=0),
    linear_model.Lasso(0.1),
    tree.DecisionTreeClassifier(max_depth=3),
    ensemble.RandomForestClassifier(n_estimators=5, random_state=np.random.RandomState(0)),
    ensemble.GradientBoostingRegressor(n_estimators=5),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    svm.SVC(),
    naive_bayes.GaussianNB(),
    neighbors.KNeighborsClassifier(),
    neural_network.MLPClassifier(hidden_layer_sizes=(3,), max_iter=5, random_state=0),
    cluster.KMeans(2, n_init=1, random_state=0),
    Majority(),
    pipeline.make_pipeline(preprocessing.StandardScaler(), Clip(2.0), linear_model.LogisticRegression()),
    pipeline.make_pipeline(preprocessing.FunctionTransformer(log_all), svm.LinearSVC()),
    model_selection.GridSearchCV(
        tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2, scoring=metrics.make_scorer(metrics.f1_score)
    ),
    pipeline.make_pipeline(
        compose.ColumnTransformer([("a", preprocessing.MinMaxScaler(), [0, 1]), ("b", Clip(), [2])]),
        tree.DecisionTreeRegressor(),
    ),
]
for model in models:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    row(model, predicts, same=same_predictions)
row(clone(models[0]), lambda m: m.fit(X, y).score(X, y) is not None, same=lambda a, b: a.get_params() == b.get_params())
row(decomposition.PCA(2).fit(X), transforms, same=same_transform)
row(preprocessing.OneHotEncoder(handle_unknown="ignore").fit(X.round()), transforms, same=same_transform)
row(preprocessing.PolynomialFeatures(2).fit(X), transforms, same=same_transform)
words = feature_extraction.text.TfidfVectorizer().fit(["one two", "two three"])
row(words, lambda w: w.transform(["two"]).shape == (1, 3), same=lambda a, b: a.vocabulary_ == b.vocabulary_)
row(model_selection.cross_val_score(models[1], X, y, cv=3), lambda s: s.shape == (3,), same=np.array_equal)
row(
    list(model_selection.KFold(3).split(X)),
    lambda s: len(s) == 3,
    same=lambda a, b: all(np.array_equal(p[0], q[0]) for p, q in zip(a, b)),
)
made(lambda: linear_model.LinearRegression().fit(X, y), predicts, same=same_predictions)

title("SciPy: results of optimize and stats, distributions, interpolators, trees, sparse matrices and arrays")


def same_result(a, b):
    return set(a) == set(b) and np.array_equal(a.x, b.x) and a.message == b.message


def rosen(x):
    return scipy.optimize.rosen(x)


row(scipy.optimize.minimize(rosen, [1.3, 0.7]), lambda r: r.success is not None and r.fun < 1, same=same_result)
row(scipy.optimize.linprog([1, 1], A_ub=[[-1, -1]], b_ub=[-2]), lambda r: r.x.sum() == 2, same=same_result)
row(
    scipy.optimize.root_scalar(lambda x: x - 1, bracket=[0, 3]),
    lambda r: r.root == 1,
    same=lambda a, b: a.root == b.root,
)
row(scipy.optimize.least_squares(rosen, [2.0, 2.0]), lambda r: r.cost >= 0, same=same_result)
row(
    scipy.optimize.curve_fit(lambda x, a: a * x, [1, 2], [2, 4]),
    lambda r: abs(r[0][0] - 2) < 1e-6,
    same=lambda a, b: np.array_equal(a[0], b[0]),
)
for result in (
    scipy.stats.ttest_ind(X[:, 0], X[:, 1]),
    scipy.stats.ttest_rel(X[:, 0], X[:, 1]),
    scipy.stats.pearsonr(X[:, 0], X[:, 1]),
    scipy.stats.linregress(X[:, 0], X[:, 1]),
    scipy.stats.ks_2samp(X[:, 0], X[:, 1]),
    scipy.stats.mannwhitneyu(X[:, 0], X[:, 1]),
    scipy.stats.wilcoxon(X[:, 0]),
    scipy.stats.f_oneway(X[:, 0], X[:, 1], X[:, 2]),
    scipy.stats.spearmanr(X[:, 0], X[:, 1]),
    scipy.stats.shapiro(X[:, 0]),
):
    row(
        result,
        lambda r: 0 <= r.pvalue <= 1,
        same=lambda a, b: a.pvalue == b.pvalue and a.statistic == b.statistic if hasattr(a, "statistic") else a == b,
    )
row(
    scipy.stats.describe(X),
    lambda r: r.nobs == 60,
    same=lambda a, b: a.nobs == b.nobs and np.array_equal(a.mean, b.mean),
)
row(scipy.stats.chi2_contingency([[1, 2], [3, 4]]), lambda r: r.dof == 1, same=lambda a, b: a.pvalue == b.pvalue)
row(scipy.stats.norm(1, 2), lambda d: d.mean() == 1, same=lambda a, b: a.cdf(0.5) == b.cdf(0.5))
row(scipy.stats.gaussian_kde(X[:, 0]), lambda k: k(0.0)[0] > 0, same=lambda a, b: a(0.0) == b(0.0))
row(scipy.stats.gamma, lambda g: g(2).mean() == 2, same=None)
row(scipy.interpolate.interp1d([0, 1], [0, 2]), lambda f: f(0.5) == 1, same=lambda a, b: a(0.25) == b(0.25))
row(scipy.interpolate.CubicSpline([0, 1, 2], [0, 1, 4]), lambda f: f(1) == 1, same=lambda a, b: a(0.5) == b(0.5))
row(scipy.spatial.cKDTree(X), lambda t: t.query(X[0])[1] == 0, same=lambda a, b: np.array_equal(a.data, b.data))
row(scipy.spatial.ConvexHull(X[:, :2]).vertices, lambda v: len(v) > 2, same=np.array_equal)
row(scipy.signal.butter(2, 0.1), lambda f: len(f) == 2, same=lambda a, b: np.array_equal(a[0], b[0]))
for kind in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr"):
    for matrix in (
        scipy.sparse.random(6, 4, 0.3, format=kind, random_state=0),
        scipy.sparse.coo_array((4, 4)).asformat(kind),
    ):
        row(
            matrix,
            lambda m: m.format in {"csr", "csc", "coo", "lil", "dok", "dia", "bsr"},
            same=lambda a, b: (a != b).nnz == 0 and a.shape == b.shape and a.dtype == b.dtype,
        )
row(scipy.sparse.csr_matrix((0, 5)), lambda m: m.nnz == 0, same=lambda a, b: a.shape == b.shape)

title("matplotlib figures, axes and colour maps")


def figure():
    made_, axes = plt.subplots(1, 2)
    axes[0].plot([1, 2], [3, 4], label="a line")
    axes[0].legend()
    axes[1].imshow(np.zeros((3, 3)))
    made_.suptitle("a title")
    return made_


def drawn(fig):
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def empty_figure():
    return mpl.figure.Figure()


made(
    figure,
    lambda f: drawn(f).size > 0 and f.axes[0].lines[0].get_label() == "a line",
    same=lambda a, b: np.array_equal(drawn(a), drawn(b)),
)
made(empty_figure, lambda f: drawn(f).size > 0, same=lambda a, b: np.array_equal(drawn(a), drawn(b)))
row(plt.get_cmap("viridis"), lambda c: len(c(0.5)) == 4, same=lambda a, b: a == b)
row(mpl.colors.Normalize(0, 2), lambda n: n(1) == 0.5, same=lambda a, b: a.vmax == b.vmax)
plt.close("all")
close()
