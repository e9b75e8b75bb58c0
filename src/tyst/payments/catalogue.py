"""Where the prices come from: the operator's `prices.toml` in the state folder, or else the ones that are shipped.

The operator's file replaces the shipped one as a whole. What the tables mean: `core.plan`. Read once, when a room
starts: a change of prices is a restart, so that what somebody is shown is what she is charged.
"""

import tomllib
from pathlib import Path

from tyst.core.plan import Catalogue, CatalogueError, catalogue_of

FILE = "prices.toml"
SHIPPED = Path(__file__).with_name(FILE)


def load(state: Path) -> Catalogue:
    """The catalogue of this provider. CatalogueError says which file and which line is wrong."""
    path = state / FILE if (state / FILE).exists() else SHIPPED
    try:
        return catalogue_of(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise CatalogueError(f"{path}: {fault}") from None
    except CatalogueError as fault:
        raise CatalogueError(f"{path}: {fault}") from None
