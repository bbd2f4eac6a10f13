"""The built-in page; it speaks only the public API."""
