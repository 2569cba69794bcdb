# SPDX-License-Identifier: GPL-2.0-or-later
"""./includes on small trees: each test breaks one thing in a tree that is right."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

INCLUDES = pathlib.Path(__file__).with_name("includes")
MAP = """
| directory | what is in it | uses |
|---|---|---|
| `policy/` | the policy | |
| `policy/image/` | its binary form | `policy/` |
| `daemon/gate/` | the gate | `policy/` |
| `daemon/netlink/` | the kernel | `daemon/gate/`, `policy/` |
| `shim/` | the library | `policy/image/image.hh` |

Text.
"""
TREE = {
    "CONTRIBUTING.md": MAP,
    "policy/policy.hh": "#include <string>\n",
    "policy/image/image.hh": "",
    "policy/image/compile.hh": '#include "policy/policy.hh"\n',
    "daemon/gate/flow.hh": '#include "policy/policy.hh"\n',
    "daemon/gate/inner/flow.cc": '#include "daemon/gate/flow.hh"\n',
    "daemon/netlink/queue.hh": '#  include "daemon/gate/flow.hh"\n',
    "shim/hooks.cc": '#include "policy/image/image.hh"\n',
}


class Includes(unittest.TestCase):
    def run_on(self, **changes):
        """Exit code and output for TREE with other files, `a__b_hh` for a/b.hh."""
        return self.run_on_tree({name.replace("__", "/").replace("_hh", ".hh").replace("_cc", ".cc"): text
                                 for name, text in changes.items()})

    def run_on_tree(self, changes):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in {**TREE, **changes}.items():
                path = pathlib.Path(directory, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            run = subprocess.run([sys.executable, INCLUDES, directory], capture_output=True, text=True, check=False)
            return run.returncode, run.stdout + run.stderr

    def test_the_tree_is_right(self):
        self.assertEqual(self.run_on(), (0, ""))

    def test_a_direction_that_the_map_does_not_have(self):
        status, said = self.run_on(daemon__gate__bad_cc='\n#include "daemon/netlink/queue.hh"\n')
        self.assertEqual(status, 1)
        self.assertEqual(said, "daemon/gate/bad.cc:2: daemon/gate/ may not include daemon/netlink/queue.hh; it uses policy/"
                               " (the map in CONTRIBUTING.md)\n")

    def test_a_room_below_does_not_come_with_the_one_above(self):
        status, said = self.run_on(daemon__gate__bad_cc='#include "policy/image/image.hh"\n')
        self.assertEqual(status, 1)
        self.assertIn("may not include policy/image/image.hh", said)

    def test_nor_the_one_above_with_the_room_below(self):
        status, said = self.run_on(policy__bad_cc='#include "policy/image/image.hh"\n')
        self.assertEqual(status, 1)
        self.assertIn("policy/ may not include policy/image/image.hh; it uses nothing", said)

    def test_one_header_of_a_room_is_not_the_room(self):
        status, said = self.run_on(shim__bad_cc='#include "policy/image/compile.hh"\n')
        self.assertEqual(status, 1)
        self.assertIn("shim/ may not include policy/image/compile.hh", said)

    def test_nothing_outside_of_the_map(self):
        status, said = self.run_on(policy__bad_cc='#include "tests/help.hh"\n', tests__help_hh="")
        self.assertEqual(status, 1)
        self.assertIn("policy/ may not include tests/help.hh", said)

    def test_paths_begin_at_the_root(self):
        status, said = self.run_on(policy__bad_cc='#include "policy.hh"\n')
        self.assertEqual(status, 1)
        self.assertIn("policy/bad.cc:1: includes policy.hh, which is no path from the root", said)

    def test_headers_in_a_circle(self):
        status, said = self.run_on(policy__a_hh='#include "policy/b.hh"\n', policy__b_hh='#include "policy/a.hh"\n')
        self.assertEqual(status, 1)
        self.assertIn("headers include each other: policy/a.hh -> policy/b.hh -> policy/a.hh", said)

    def test_a_circle_in_the_map(self):
        status, said = self.run_on_tree({"CONTRIBUTING.md": MAP.replace("the policy | |", "the policy | `shim/` |").replace(
            "`policy/image/image.hh`", "`policy/`")})
        self.assertEqual(status, 1)
        self.assertIn("the map has a circle: policy/ -> shim/ -> policy/", said)

    def test_a_directory_without_a_row(self):
        status, said = self.run_on(daemon__new__thing_cc="")
        self.assertEqual(status, 1)
        self.assertIn("daemon/new/thing.cc: the map in CONTRIBUTING.md has no row", said)

    def test_a_row_without_a_directory(self):
        status, said = self.run_on_tree({"CONTRIBUTING.md": MAP.replace("| `shim/`", "| `shim/`, `shim/gone/`")})
        self.assertEqual(status, 1)
        self.assertIn("there is no shim/gone/", said)

    def test_a_room_that_has_no_row(self):
        status, said = self.run_on_tree({"CONTRIBUTING.md": MAP.replace("`daemon/gate/`, `policy/`", "`daemon/core/`")})
        self.assertEqual(status, 1)
        self.assertIn("daemon/netlink/ uses daemon/core/, which has no row", said)

    def test_a_map_that_is_gone(self):
        status, said = self.run_on_tree({"CONTRIBUTING.md": "# Contributing\n"})
        self.assertEqual(status, 1)
        self.assertIn("there is no table", said)


if __name__ == "__main__":
    unittest.main()
