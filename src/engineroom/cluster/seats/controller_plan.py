"""What a host tells the process that is to be its controller. Hosts import this, and nothing of a controller."""

from __future__ import annotations

import msgspec

from engineroom.controller.config import ControllerConfig


class ControllerPlan(msgspec.Struct, kw_only=True):
    """What the process is to do. `profile_dir`: for its pid file; `log_file`: "" for stderr; `clean_logs`: remove
    earlier ones; `environment`: further variables."""

    config: ControllerConfig
    profile_dir: str
    log_file: str = ""
    log_level: str = "INFO"
    clean_logs: bool = False
    environment: dict[str, str] = {}
