"""A process that evaluates fuzzed calls, one a line, and says what came of each.

A line in is a Python expression as JSON; a line out is a JSON object with ``outcome`` (``result``,
``refused``, ``interrupted`` or ``raw``), what was said, the seconds taken without compiling, and
the peak of memory; or ``"compiling"`` and ``"compiled"`` as Numba begins and ends. Warnings are
errors here.
"""

import io
import json
import linecache
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

ADDRESS_SPACE = 6 * 2**30
"""Bytes: far above the 2 GiB that may be resident, as libraries reserve more than they touch."""

LONGEST_MESSAGE = 600
ALLOWED = (ValueError, TypeError, OSError)


def peak():
    """Return the peak of resident memory since :func:`forget_peak`, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0


def forget_peak():
    """Start the count of :func:`peak` anew."""
    Path("/proc/self/clear_refs").write_text("5")


def complaint(error, package):
    """Return what is wrong with an error that a user is shown; empty if nothing is."""
    text = str(error)
    if not isinstance(error, ALLOWED) or isinstance(error, Warning):
        return f"raises {type(error).__name__}"
    if type(error) is UnicodeError or isinstance(error, UnicodeDecodeError | UnicodeEncodeError):
        return f"raises {type(error).__name__}"
    if not text.strip():
        return "says nothing"
    if len(text) > LONGEST_MESSAGE:
        return f"says {len(text)} characters"
    if "\n" in text or "Traceback" in text:
        return "says more than one line"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    inside = frame.filename.startswith(package)
    if isinstance(error, OSError) and inside:
        return ""
    if not inside or "raise" not in linecache.getline(frame.filename, frame.lineno):
        return f"raises {type(error).__name__} from {Path(frame.filename).name}, unintended"
    return ""


def evaluate(source, names, package, compiling):
    """Return the outcome of one call."""
    forget_peak()
    compiling.seconds = 0.0
    warnings.simplefilter("error")
    begun = time.process_time()
    try:
        names["taken"](eval(source, names))
        outcome, said, where = "result", "", ""
    except KeyboardInterrupt:
        outcome, said, where = "interrupted", "", ""
    except BaseException as error:
        wrong = complaint(error, package)
        outcome, said = ("raw" if wrong else "refused"), str(error)[:1500]
        said = f"{wrong}: {said}" if wrong else said
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-6:]))
        del error
    return {
        "outcome": outcome,
        "said": said,
        "where": where,
        "seconds": time.process_time() - begun - compiling.seconds,
        "peak": peak(),
    }


class Answers:
    """Where answers are written, whatever the calls print."""

    def __init__(self):
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def write(self, answer):
        """Write one answer as a line."""
        self._stream.write(json.dumps(answer) + "\n")
        self._stream.flush()


def listener(answers):
    """Return a listener that tells of compiling, and adds up the seconds that it takes."""
    from numba.core import event

    class Compiling(event.Listener):
        seconds, begun, depth = 0.0, 0.0, 0

        def on_start(self, event):
            if self.depth == 0:
                answers.write("compiling")
                self.begun = time.process_time()
            self.depth += 1

        def on_end(self, event):
            self.depth -= 1
            if self.depth == 0:
                self.seconds += time.process_time() - self.begun
                answers.write("compiled")

    found = Compiling()
    event.register("numba:compile", found)
    return found


def main():
    """Answer calls until standard input ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    answers = Answers()
    printed = os.open("printed", os.O_CREAT | os.O_RDWR | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(printed, stream)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    import alignsim
    from tests.fuzz import values

    compiling = listener(answers)
    package = str(Path(alignsim.__file__).parent)
    names = {name: getattr(values, name) for name in values.__all__} | {"taken": values.taken}
    for line in sys.stdin:
        before = os.fstat(printed).st_size
        try:
            answer = evaluate(json.loads(line), names, package, compiling)
        except KeyboardInterrupt:  # it came late
            answer = {"outcome": "interrupted", "said": "", "where": "", "seconds": 0.0, "peak": 0}
        answer["printed"] = os.pread(printed, 2000, before).decode("utf-8", "replace")
        answers.write(answer)


if __name__ == "__main__":
    sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
    main()
