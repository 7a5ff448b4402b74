"""``python -m tests.fuzz --calls 3000 --seed 0``: draw calls, run them, print what breaks."""

import argparse
import sys

from tests.fuzz.calls import Call, draw
from tests.fuzz.fuzzer import run_calls


def main():
    """Run the fuzzer from the command line."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="a part of the names of what is called")
    parser.add_argument("--show", action="store_true", help="print the calls, and run none")
    parser.add_argument("--run", metavar="CALL", help="run one call instead, as it was printed")
    given = parser.parse_args()
    if given.run:
        calls = [Call(given.run, "", False)]
    else:
        calls = [c for c in draw(given.calls, given.seed) if given.only in c.target]
    if given.show:
        print(*(call.source for call in calls), sep="\n")
        return 0
    found = run_calls(calls, given.workers, lambda finding: print(finding, flush=True))
    print(f"seed {given.seed}, {len(calls)} calls, {found.seconds:.0f} s: {found.counts}")
    print(f"peak {found.peak / 2**20:,.0f} MiB; the slowest:")
    for seconds, number, source in found.slowest:
        print(f"  {seconds:6.1f} s [{number}] {source}")
    print(f"{len(found.findings)} findings")
    return 1 if found.findings else 0


if __name__ == "__main__":
    sys.exit(main())
