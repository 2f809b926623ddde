"""Run modules of Python's own test suite; one line to standard output for each test.

    pytests.py MODULE[:PATTERN,...]...

A line is `MODULE TEST OUTCOME`, OUTCOME one of ok, skip, fail, error, hang. Each module runs in a
process of its own with a folder of its own; what that prints goes to standard error if a test of
it did not end well. PATTERN, matched as unittest -k does, chooses tests; !PATTERN leaves some out.
"""
import fnmatch
import os
import subprocess
import sys
import tempfile
import unittest

RESOURCES = ["cpu", "subprocess", "decimal", "tzdata"]
TEST_SECONDS = int(os.environ.get("TEST_SECONDS", "120"))  # one test that takes longer hangs


class Lines(unittest.TestResult):
    """Writes a line when a test has ended."""

    def __init__(self, out, module):
        super().__init__()
        self.out, self.module, self.outcome, self.why = out, module, None, ""

    def line(self, test, outcome, why=""):
        name = test.id().removeprefix(f"test.{self.module}.").replace(" ", "_")
        self.out.write(f"{self.module} {name} {outcome}{' # ' + why if why else ''}\n")
        self.out.flush()

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.why = "ok", ""
        import faulthandler

        faulthandler.dump_traceback_later(TEST_SECONDS, exit=True)
        self.out.write(f"{self.module} {test.id().removeprefix(f'test.{self.module}.')} start\n")
        self.out.flush()

    def stopTest(self, test):
        import faulthandler

        faulthandler.cancel_dump_traceback_later()
        self.line(test, self.outcome, self.why)
        self.outcome = None
        super().stopTest(test)

    def note(self, test, outcome, why=""):
        if self.outcome is None:  # a module's or a class's fixture
            self.line(test, outcome, why)
        elif self.outcome in ("ok", "skip"):
            self.outcome, self.why = outcome, why

    def trouble(self, test, outcome, err):
        text = self._exc_info_to_string(err, test)
        print(f"===== {outcome}: {test.id()}\n{text}", file=sys.__stderr__, flush=True)
        self.note(test, outcome, text.rstrip().rsplit("\n", 1)[-1][:160])

    def addError(self, test, err):
        self.trouble(test, "error", err)

    def addFailure(self, test, err):
        self.trouble(test, "fail", err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.trouble(test, "fail", err)

    def addSkip(self, test, reason):
        self.note(test, "skip", str(reason).replace("\n", " ")[:160])

    def addUnexpectedSuccess(self, test):
        self.note(test, "fail", "unexpected success")


def tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests(test)
        else:
            yield test


def one(module, patterns, out):
    """Run a module here."""
    import test.support
    import test.support.threading_helper
    from test.support import os_helper

    test.support.use_resources = RESOURCES
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromName(f"test.{module}")
    wanted = [p for p in patterns if not p.startswith("!")]
    unwanted = [p[1:] for p in patterns if p.startswith("!")]

    def match(test, names):
        return any(fnmatch.fnmatchcase(test.id(), f"*{n}*") for n in names)

    chosen = unittest.TestSuite(
        t
        for t in tests(suite)
        if (not wanted or match(t, wanted)) and not match(t, unwanted)
    )
    os_helper.SAVEDCWD = os.getcwd()
    chosen.run(Lines(out, module))
    # What is left may keep the process from its end: then this says where its threads are.
    import faulthandler

    faulthandler.dump_traceback_later(TEST_SECONDS, exit=True)


def all_of(module, patterns):
    """Run a module in a process of its own and hand on its lines."""
    read, write = os.pipe()
    started, bad, count = None, False, 0
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--one", str(write), module, *patterns],
            pass_fds=[write], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
        )
        os.close(write)
        log.write(f"===== {module}\n".encode())
        log.flush()
        with os.fdopen(read, errors="replace") as lines:
            for line in lines:
                words = line.split()
                if words[2] == "start":
                    started = words[1]
                    continue
                started, count = None, count + 1
                bad |= words[2] in ("fail", "error")
                print(line, end="", flush=True)
        status = child.wait()
        if started:
            print(f"{module} {started} hang # the process ended with {status}")
        elif status or not count:
            print(f"{module} - error # the process ended with {status}")
        if bad or status:
            log.seek(0)
            sys.stderr.buffer.write(log.read())
            sys.stderr.flush()
        print(f"{module} - end", flush=True)


if __name__ != "__main__":
    pass  # a child that multiprocessing spawned reads this file too
elif sys.argv[1] == "--one":
    one(sys.argv[3], sys.argv[4:], os.fdopen(int(sys.argv[2]), "w"))
else:
    for argument in sys.argv[1:]:
        name, _, patterns = argument.partition(":")
        all_of(name, [p for p in patterns.split(",") if p])
