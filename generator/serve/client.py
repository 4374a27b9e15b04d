"""What speaks to the running server of this home through its own API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from dreamrig.errors import FailedError, NotReadyError, RigError
from generator.serve.home import read_address, this_home


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the running server of this home; NotReadyError where none runs."""
    where = read_address(this_home())
    if where is None:
        raise NotReadyError("No server of this home is running.", hint="run: dreamrig serve")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {where['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(where["url"] + path, data, headers, method=method)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:  # noqa: S310 - as above
            text = answer.read()
            return json.loads(text) if answer.headers.get_content_type() == "application/json" else text
    except urllib.error.HTTPError as error:
        raise told(error) from None
    except OSError as error:
        raise NotReadyError(
            f"The server at {where['url']} does not answer: {error}.", hint="run: dreamrig serve"
        ) from None


def told(error: urllib.error.HTTPError) -> RigError:
    """What the server answered, as an error of ours."""
    try:
        body = json.loads(error.read())["error"]
        return FailedError(body["message"], hint=body.get("hint", ""))
    except (ValueError, KeyError):
        return FailedError(f"The server answered {error.code}.")
