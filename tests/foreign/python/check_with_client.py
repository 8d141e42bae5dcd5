"""scim2-client on a simulated tenant: what 8x8's administrators could write with it works.

`python check_with_client.py HARNESS REPORT`
"""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SearchRequest

from tally import Tally
from tenants import TOKEN, tenant

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SITE = "urn:ietf:params:scim:schemas:extension:8x8:1.1:User"
PEOPLE = 250


def connected(url):
    scim = SyncSCIMClient(Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}))
    scim.discover()
    return scim


def ada(User, name="ada", **more):
    """As a program would write her that found the tenant's schemas by itself."""
    return User.model_validate(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, SITE],
            "userName": f"{name}@example.com",
            "externalId": f"E-{name}",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"type": "work", "value": f"{name}@example.com", "primary": True}],
            "phoneNumbers": [
                {"type": "mobile", "value": "+44 7700 900123", "primary": True},
                {"type": "work", "value": "+44 20 7946 0018", "primary": False},
            ],
            "title": "Analyst",
            "locale": "en-GB",
            "timezone": "Europe/London",
            "active": True,
            ENTERPRISE: {"department": "R&D"},
            SITE: {"site": "London"},
            **more,
        }
    )


def plain(resource):
    """A resource as JSON, less what the service sets."""
    fields = resource.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in fields.items() if name not in ("id", "meta", "schemas")}


def operations(User, *changes):
    return PatchOp[User](
        operations=[
            PatchOperation[User](op=op, path=path, value=value) for op, path, value in changes
        ]
    )


def discovered(tally, scim):
    names = {resource_type.name for resource_type in scim.provider.resource_types}
    tally.same("the one resource type", names, {"User"})
    User = scim.get_resource_model("User")
    extensions = set(User.get_extension_models())
    tally.same("its extensions", extensions, {ENTERPRISE, SITE})
    return User


def one_person(tally, scim, User):
    made = scim.create(ada(User))
    tally.that("create gives an id", bool(made.id), made)
    tally.same("create stores all of it", plain(made), plain(ada(User)))
    read = scim.query(User, made.id)
    tally.same("query by id", read, made)

    for text, found in [
        ('userName eq "ADA@example.com"', [made.id]),
        ('externalId eq "E-ada"', [made.id]),
        ('externalId eq "e-ada"', []),
        (f'{ENTERPRISE}:department eq "R&D" and active eq true', [made.id]),
        ('emails[type eq "work" and value co "ada@"]', [made.id]),
        ('name.familyName sw "Love" and not (title pr)', []),
    ]:
        answer = scim.query(User, query_parameters=SearchRequest(filter=text))
        tally.same(f"query {text}", [user.id for user in answer.resources or []], found)
    tally.refused(
        "a filter that is none",
        400,
        "invalidFilter",
        lambda: scim.query(User, query_parameters={"filter": "userName eq"}, check_request_payload=False),
    )

    read.title = "Countess"
    read.name.family_name = "King"
    replaced = scim.replace(read)
    tally.same("replace", plain(replaced), plain(read))
    tally.same("replace is kept", scim.query(User, made.id), replaced)
    read.phone_numbers = None
    replaced = scim.replace(read)
    tally.same("replace clears what is left out", replaced.phone_numbers, None)

    changes = operations(
        User,
        ("replace", "title", "Programmer"),
        ("replace", 'emails[type eq "work"].value', "countess@example.com"),
        ("add", "phoneNumbers", [{"type": "work", "value": "+44 20 7946 0999"}]),
        ("remove", f"{ENTERPRISE}:department", None),
    )
    modified = scim.modify(User, made.id, changes)
    now = plain(modified if modified is not None else scim.query(User, made.id))
    tally.same("modify replaces", now["title"], "Programmer")
    tally.same("modify replaces by type", now["emails"][0]["value"], "countess@example.com")
    tally.same("modify adds", now["phoneNumbers"][0]["value"], "+44 20 7946 0999")
    tally.same("modify removes", now.get(ENTERPRISE, {}).get("department"), None)
    tally.same("modify leaves the rest", now["name"]["familyName"], "King")
    elsewhere = operations(User, ("replace", f"{SITE}:site", "Madrid"))
    tally.refused(
        "the site is set once", 400, "mutability", lambda: scim.modify(User, made.id, elsewhere)
    )

    tally.refused("nobody twice", 409, "uniqueness", lambda: scim.create(ada(User, "ADA")))
    tally.same("delete", scim.delete(User, made.id), None)
    tally.same("which deactivates", scim.query(User, made.id).active, False)
    tally.refused("and keeps the name", 409, "uniqueness", lambda: scim.create(ada(User)))
    tally.refused("nobody by another id", 404, None, lambda: scim.query(User, "nobody"))


def paging(tally, scim, User):
    for number in range(PEOPLE):
        made = scim.create(ada(User, f"page{number}"))
        tally.that(f"user {number} is made", bool(made.id), made)
    seen, start = [], 1
    # Bounded: more pages than people would be a service that never ends.
    for _ in range(PEOPLE):
        page = scim.query(User, query_parameters=SearchRequest(start_index=start, count=40))
        if not page.resources:
            break
        seen += [user.id for user in page.resources]
        start += len(page.resources)
        tally.same("pages count everybody", page.total_results, PEOPLE + 1)
    tally.same("everybody is on a page", len(seen), PEOPLE + 1)
    tally.same("once", len(set(seen)), PEOPLE + 1)


def versions(tally, scim):
    User = scim.get_resource_model("User")
    made = scim.create(ada(User, "versioned"))
    tally.that("a version", bool(made.meta.version), made)
    late = scim.query(User, made.id)
    made.title = "Countess"
    first = scim.replace(made)
    tally.that("another version", first.meta.version != late.meta.version, first)
    late.title = "Programmer"
    # The client sends the version that it read as If-Match.
    tally.refused("an old version is refused", 412, None, lambda: scim.replace(late))
    tally.same("and changes nothing", scim.query(User, made.id).title, "Countess")


harness, report = sys.argv[1:]
tally = Tally("scim2-client", report)
with tenant(harness) as url:
    scim = connected(url)
    User = discovered(tally, scim)
    one_person(tally, scim, User)
    paging(tally, scim, User)
with tenant(harness, "versions") as url:
    versions(tally, connected(url))
tally.close("scim2-client on the simulated tenant")
