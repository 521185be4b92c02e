"""What these scripts share: the cluster that the test has started."""

import os

import engineroom


def connect():
    rc = engineroom.Client(os.environ["CLUSTER"])
    rc.wait_for_engines(2)
    return rc
