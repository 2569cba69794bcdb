# SPDX-License-Identifier: GPL-2.0-or-later
# Runs one of CPython's own test modules and prints one line per test, sorted: "NAME OUTCOME". Tests whose name contains
# one of the given words are left out: suite.py MODULE [WORD...]
import importlib
import io
import sys
import unittest


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.lines = {}
        self.details = []

    def note(self, test, outcome):
        # One test may have several outcomes: its subtests'.
        self.lines.setdefault(test.id(), set()).add(outcome)

    def addSuccess(self, test):
        self.note(test, "passed")

    def addFailure(self, test, error):
        self.note(test, "failed")
        self.details.append(self._exc_info_to_string(error, test))

    def addError(self, test, error):
        self.note(test, "error")
        self.details.append(self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, error):
        self.note(test, "failed as expected")

    def addUnexpectedSuccess(self, test):
        self.note(test, "passed unexpectedly")

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(test, error)


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


def main():
    module, left_out = sys.argv[1], sys.argv[2:]
    try:
        importlib.import_module(module)
    except (ImportError, unittest.SkipTest) as reason:
        print("left out:", reason)
        return
    found = unittest.defaultTestLoader.loadTestsFromName(module)
    chosen = [test for test in tests_of(found) if not any(word in test.id() for word in left_out)]
    outcomes = Outcomes()
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()  # the tests' own chatter has addresses and times
    try:
        unittest.TestSuite(chosen).run(outcomes)
    finally:
        sys.stdout, sys.stderr = stdout, stderr
    for name, results in sorted(outcomes.lines.items()):
        print(name, *sorted(results))
    with open("details", "w") as details:
        details.write("\n".join(outcomes.details))


main()
