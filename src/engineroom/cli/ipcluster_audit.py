"""`ipcluster audit`."""

from __future__ import annotations

import json
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print the account of all recorded tasks; 0 if it adds up."""
    from engineroom.cli.records.asking import records_for
    from engineroom.client.results.audit import Audit
    from engineroom.settings.reading import read_application
    from engineroom.settings.records import IPClusterAudit

    app = read_application(IPClusterAudit, argv)
    with records_for(app) as records:
        audit = Audit(records.audit(verify=app.verify))
    print(json.dumps(audit, indent=2) if app.json else audit)
    return 0 if audit.well else 1
