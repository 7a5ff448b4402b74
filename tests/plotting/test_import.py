import subprocess
import sys
from pathlib import Path

import alignsim


def test_matplotlib_is_imported_only_to_draw(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(alignsim.__file__).parents[1]))
    code = (
        "import sys, alignsim.plotting; "
        "sys.exit(bool({'matplotlib', 'mpltern', 'xarray', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
