"""The AAS Query Language (Part 2, 'Query Language'): its JSON form as a tree, and whether a document meets it. Pure."""

from aas_server.model.query.evaluation import World, matches
from aas_server.model.query.parsing import parse, parse_condition
from aas_server.model.query.tree import Condition, Query

__all__ = ["Condition", "Query", "World", "matches", "parse", "parse_condition"]
