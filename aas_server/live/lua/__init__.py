"""Transformations of AIMC 2.0: Lua in a process of its own, that may be stopped without anything else suffering."""

#: Largest answer of a script, in bytes of JSON.
LARGEST = 1 << 20
