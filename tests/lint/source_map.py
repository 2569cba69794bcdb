# SPDX-License-Identifier: GPL-2.0-or-later
"""The map of the source tree: the table in CONTRIBUTING.md, read for ./includes and ./picture.

A row is a room: the directories of its first column, with what lies below them unless that has a row of its own, and in
its last column what a file there may include from other rooms: whole rooms (`policy/base/`) or single headers
(`shim/status.hh`).
"""

import dataclasses
import re


class MapError(Exception):
    """The table cannot be read, or contradicts itself."""


@dataclasses.dataclass(frozen=True)
class Room:
    directories: tuple  # of paths that end with a slash
    summary: str
    uses: tuple  # of directories, each with a slash at its end, and of headers

    @property
    def name(self):
        return self.directories[0]


def read_map(text):
    """The rooms in the order of the table, whose heading is `| directory | ... | uses |`."""
    rooms = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| directory |") and cells[-1] == "uses":
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|-"):
            names = re.findall(r"`([^`]+)`", cells[0])
            rooms.append(Room(tuple(names), cells[1], tuple(re.findall(r"`([^`]+)`", cells[-1]))))
    if not rooms:
        raise MapError("there is no table with the heading `| directory | ... | uses |`")
    return rooms


def room_of(rooms, path):
    """The room with the longest directory above `path`; None if there is none."""
    found = [(len(name), room) for room in rooms for name in room.directories if path.startswith(name)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def rooms_used(rooms, room):
    """The names of the other rooms that `room` may use, wholly or in part."""
    used = []
    for entry in room.uses:
        other = room_of(rooms, entry)
        if other is None or (entry.endswith("/") and entry not in other.directories):
            raise MapError(f"{room.name} uses {entry}, which has no row")
        if other is not room and other.name not in used:
            used.append(other.name)
    return used


def find_circle(graph):
    """A circle of a graph {name: names} as a list that begins and ends with the same name, or None."""
    done = set()

    def visit(name, way):
        if name in way:
            return way[way.index(name):] + [name]
        if name in done:
            return None
        for following in graph.get(name, ()):
            circle = visit(following, way + [name])
            if circle:
                return circle
        done.add(name)
        return None

    for name in graph:
        circle = visit(name, [])
        if circle:
            return circle
    return None
