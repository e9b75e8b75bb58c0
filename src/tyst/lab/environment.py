"""The environment that programs in a host start with: the lab's own, nothing of the caller's.

The names in the caller's environment say who ran the lab and where; none of that may reach a host. Homes are in RAM,
and so is everything that programs put into a home (chromium's profile, for one).
"""

import os
import sys
from pathlib import Path

#: The checkout: the folder that holds src/.
PROJECT = Path(__file__).resolve().parents[3]


def base_environment(home: str) -> dict[str, str]:
    """Variables for a program whose home is `home`. Python finds this checkout and writes no byte code."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": home,
        "XDG_RUNTIME_DIR": home,
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb"),
        "PYTHONPATH": str(PROJECT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }


def views() -> tuple[str, ...]:
    """The machine's folders that every host must see at their own paths: checkout and Python environments."""
    folders = {str(PROJECT), sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix)}
    return tuple(sorted(folders))
