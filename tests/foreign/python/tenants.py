"""Simulated tenants, as the program `harness` runs them."""

import contextlib
import json
import subprocess

TOKEN = "simulated-tenant-token"
# A tenant ends by itself, should whoever started it be killed.
AT_MOST_SECONDS = "120"


@contextlib.contextmanager
def tenant(harness, *switches):
    """A tenant of nobody, with these switches; gives its URL, and stops it."""
    command = ["timeout", AT_MOST_SECONDS, harness, "--json", "tenant"]
    for switch in switches:
        command += ["--switch", switch]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            text = ""
            for line in running.stdout:
                text += line.decode()
                if line.rstrip() == b"}":
                    break
            yield json.loads(text)["instance-url"]
        finally:
            running.terminate()
