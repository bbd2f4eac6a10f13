"""An Asset Administration Shell server."""
