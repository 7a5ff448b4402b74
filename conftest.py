"""Leave out what cannot be imported without the extra that it belongs to."""

from importlib.util import find_spec

collect_ignore = []
if find_spec("starlette") is None or find_spec("uvicorn") is None:
    collect_ignore = [
        "alignsim/explorer/running.py",
        "alignsim/explorer/server.py",
        "tests/explorer/test_served.py",
    ]
