"""An Asset Administration Shell server."""

from importlib.metadata import version

__version__ = version("aas-server")
