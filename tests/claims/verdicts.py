"""What the tests of claims share: the verdict on one claim."""

from alignsim.claims import verify


def status(claim, trials=60):
    result = verify(claims=[claim], trials=trials, progress=False).results[0]
    return result.status, result.note


def name(value):
    return getattr(value, "name", str(value))
