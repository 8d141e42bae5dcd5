"""scim2-tester on the simulated tenant: its objections have to be exactly those of departures.toml.

`python check_with_tester.py HARNESS REPORT`. The tester chooses values by chance, so it runs with
many seeds, and with some switches of the tenant; on a fresh tenant each time. What counts is all
that it objected to with any seed.
"""

import pathlib
import random
import sys
import tomllib

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tally import Tally
from tenants import TOKEN, tenant

SEEDS = 12
SWITCHES = ["versions", "patch-no-content", "delete-really-deletes", "answers-plain-json"]
FINE = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def objection(result):
    data = result.data if isinstance(result.data, dict) else {}
    return (result.title, result.status.name, str(data.get("urn", "")))


harness, report = sys.argv[1:]
text = pathlib.Path(__file__).with_name("departures.toml").read_text(encoding="utf-8")
departures = tomllib.loads(text)["departure"]
tally = Tally("scim2-tester", report)
for switch in (None, *SWITCHES):
    documented = {
        (departure["check"], departure["status"], departure["attribute"])
        for departure in departures
        if switch is None or departure.get("unless") != switch
    }
    seen = set()
    for seed in range(SEEDS):
        random.seed(seed)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            tenant(harness, *filter(None, [switch])) as url,
            Client(base_url=url, headers=headers) as client,
        ):
            results = check_server(SyncSCIMClient(client))
        titles = {result.title for result in results}
        tally.that(f"{switch}, seed {seed}: all of it ran", len(titles) > 20, titles)
        for result in results:
            if result.status in FINE:
                tally.passed += 1
                continue
            seen.add(objection(result))
            what = f"{switch or 'no switch'}, seed {seed}: {result.title}"
            tally.that(what, objection(result) in documented, result)
    gone = documented - seen
    tally.that(f"{switch or 'no switch'}: every departure is still one", not gone, gone)
tally.close("scim2-tester on the simulated tenant")
