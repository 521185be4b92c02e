"""Other libraries' ways to compute in parallel, on the engines: joblib (and with it scikit-learn), dask."""
