"""Counts checks, and adds a line to the report as the Rust checks do: name, version, passed, failed."""

import sys
from importlib.metadata import version


class Tally:
    def __init__(self, package, report):
        self.package, self.report = package, report
        self.passed = self.failed = 0

    def that(self, what, holds, seen=None):
        """Expects it to hold."""
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED with {self.package}: {what}\n{seen!r}", file=sys.stderr)

    def same(self, what, seen, wanted):
        """Expects two to be the same."""
        self.that(what, seen == wanted, {"seen": seen, "wanted": wanted})

    def refused(self, what, status, scim_type, action):
        """Expects an error of SCIM's."""
        from scim2_models import SCIMException

        try:
            result = action()
        except SCIMException as error:
            told = error.to_error()
            self.same(what, (int(told.status), told.scim_type), (status, scim_type))
        else:
            self.that(what, False, result)

    def close(self, name, of=None):
        """Writes the report and ends the program; of says the version of what is no package."""
        print(f"{name}: {self.passed} passed, {self.failed} failed")
        with open(self.report, "a", encoding="utf-8") as report:
            report.write(f"{name}\t{of or version(self.package)}\t{self.passed}\t{self.failed}\n")
        sys.exit(0 if self.passed and not self.failed else 1)
