"""The controller's identity: keys, certificate, addresses, the two files that publish them, and its known engines."""

from __future__ import annotations

import hashlib
import logging
import secrets
import socket
from pathlib import Path

from engineroom.controller.config import ControllerConfig
from engineroom.controller.known_engines import KnownEngines
from engineroom.core.events import Restored
from engineroom.errors import ConnectionFileError
from engineroom.machine.addresses import addresses_of_this_machine
from engineroom.machine.processes import ProcessRecord, boot_id, host_name
from engineroom.machine.ssh_names import bracketed
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file, write_connection_file
from engineroom.protocol.messages import PROTOCOL
from engineroom.settings.profiles import KeptFiles
from engineroom.store.config import name_of_cluster
from engineroom.transport.tls import ensure_certificate

log = logging.getLogger(__name__)

_ANY = ("*", "0.0.0.0", "::", "")


class Identity:
    """Keys, certificate and files of one cluster id."""

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        self._dir = Path(config.security_dir)
        self.client_file, self.engine_file = config.connection_files
        self.certificate_file, self.key_file, engines = KeptFiles.within(self._dir, config.cluster_id)
        self.known_engines = KnownEngines(engines)
        self.restored = Restored(0)
        """What the controller knew in whose place this one goes on; nothing if it begins anew."""
        self.keys: dict[str, str] = {}
        self.last_port: int | None = None
        self._before: dict[str, ConnectionFile] = {}
        self.certificate = ""

    def load(self) -> None:
        """Have keys and a certificate: those of the last start with `reuse` or `restore`, else new keys.

        ConnectionFileError: the files to be used again are not readable; OSError: nothing can be written.
        """
        self.certificate = ensure_certificate(self.certificate_file, self.key_file)
        again = self._config.reuse or self._config.restore
        lacking = [file for file in (self.client_file, self.engine_file) if not _has_something(file)]
        goes_on = again and not lacking
        if goes_on:
            client, engine = read_connection_file(self.client_file), read_connection_file(self.engine_file)
            if client.cluster_id != self._config.cluster_id:
                raise ConnectionFileError(
                    f"{self.client_file} belongs to cluster {client.cluster_id!r}, not to "
                    f"{self._config.cluster_id!r}: start without --reuse and --restore"
                )
            self.keys = {"client": client.exec_key, "engine": engine.exec_key}
            self._before = {"client": client, "engine": engine}
            self.last_port = client.port
        else:
            if self._config.restore or (again and any(file.exists() for file in lacking)):
                log.warning("nothing to restore: %s is missing or empty", " and ".join(map(str, lacking)))
            self.keys = {"client": secrets.token_hex(32), "engine": secrets.token_hex(32)}
        self.restored = self.known_engines.begin(restore=goes_on)
        if goes_on:
            known = {"life": self.restored.life, "engines": len(self.restored.engines)}
            log.info("going on in the place of an earlier controller", extra=known)

    @property
    def life(self) -> str:
        """A name of this life of the cluster: the same after a restart that keeps the keys, another for a new one."""
        return hashlib.blake2b(self.keys["client"].encode(), digest_size=8).hexdigest()

    @property
    def cluster(self) -> str:
        """What tells this cluster, in all its lives, from others: its profile and its id."""
        return name_of_cluster(self._dir, self._config.cluster_id)

    def bind_hosts(self) -> list[str]:
        """Return the addresses to listen on."""
        ip = self._config.ip.removeprefix("tcp://").strip("[]")
        if ip not in _ANY:
            return [ip]
        return ["0.0.0.0", "::"] if socket.has_dualstack_ipv6() else ["0.0.0.0"]

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports to try. A controller that goes on takes another one if need be, for whoever waits for it reads its
        file again; but where files are used again, there may be copies of them."""
        if self._config.ports or not self.last_port:
            return self._config.ports or (0,)
        return (self.last_port,) if self._config.reuse else (self.last_port, 0)

    def write_files(self, port: int, unix_path: str) -> None:
        """Write both connection files, readable by their owner only.

        Of files that are used again what people may have put there stays: ssh server and location. A port that is not
        that of the last controller is told of.
        """
        for path, role, ssh in (
            (self.client_file, "client", self._config.ssh),
            (self.engine_file, "engine", self._config.engine_ssh),
        ):
            before = self._before.get(role)
            hosts = self._reachable_hosts(before)
            info = ConnectionFile(
                url=f"tcp://{bracketed(hosts[0])}:{port}",
                addresses=[f"{bracketed(host)}:{port}" for host in hosts[1:]],
                exec_key=self.keys[role],
                ssh=ssh or (before.ssh if before else ""),
                socket=unix_path,
                certificate=self.certificate,
                location=hosts[0],
                protocol=f"{PROTOCOL[0]}.{PROTOCOL[1]}",
                cluster_id=self._config.cluster_id,
                host=host_name(),
                boot_id=boot_id(),
                controller=ProcessRecord.of_this_process(),
                reuse=self._config.reuse,
                owner=self._config.owner,
            )
            write_connection_file(path, info, durable=self._config.reuse)  # else a power cut ends the cluster too
        if port != self.last_port and self.last_port in self.ports:
            self._tell_of_port(port, self.last_port)

    def _tell_of_port(self, port: int, last: int) -> None:
        from engineroom.machine.port_holder import holder_of  # few ports are taken

        who = holder_of(last)
        log.warning(
            "port %d is in use%s: the controller listens on port %d instead. Engines and clients that read the "
            "connection files in %s find it. Copy these files again to machines that have copies",
            last,
            f" by {who}" if who else "",
            port,
            self._config.security_dir,
        )

    def remove_files(self) -> None:
        """Remove the connection files and what is written down of engines, unless they are to be used again.

        The certificate of a cluster with an id goes, too: each start may use a new random id.
        """
        if self._config.reuse:
            return
        self.known_engines.remove()
        for path in self._config.passing_files:
            path.unlink(missing_ok=True)

    def _reachable_hosts(self, before: ConnectionFile | None) -> list[str]:
        location = self._config.location or _put_there_by_hand(before)
        hosts = [location] if location else []
        ip = self._config.ip.removeprefix("tcp://").strip("[]")
        hosts += addresses_of_this_machine() if ip in _ANY else [ip]
        return list(dict.fromkeys(hosts))


def _has_something(file: Path) -> bool:
    """Whether there is a file with something in it. A power cut may leave an empty one: see `write_files`."""
    return file.exists() and file.stat().st_size > 0


def _put_there_by_hand(before: ConnectionFile | None) -> str:
    """Return the location in a connection file, unless a controller wrote it."""
    if before is None or before.location == before.host_of_url:
        return ""
    return before.location
