"""Import every room first, and leave out what lacks the extra that it belongs to."""

from importlib.util import find_spec

import alignsim

for room in alignsim.__all__:
    # pytest sets a module that it is the first to import over a function of that name in its room
    getattr(alignsim, room)

collect_ignore = []
if find_spec("starlette") is None or find_spec("uvicorn") is None:
    collect_ignore = [
        "alignsim/explorer/running.py",
        "alignsim/explorer/server.py",
        "tests/explorer/test_served.py",
    ]
