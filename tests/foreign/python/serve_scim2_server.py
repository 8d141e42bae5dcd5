"""scim2-server with 8x8's extension of the user.

`python serve_scim2_server.py FOLDER TOKEN` writes the schemas and resource types that the package ships,
and 8x8's beside them, into FOLDER, starts the package's own command with them on a free port of
127.0.0.1, and says the base URL in one line. It ends when its standard input does, so that it
cannot outlive whoever started it.
"""

import json
import os
import pathlib
import sys
import threading

from scim2_server.testserver import cli
from scim2_server.utils import load_default_resource_types, load_default_schemas

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def written(folder, name, resources):
    path = folder / name
    path.write_text(json.dumps(resources))
    return str(path)


def as_json(resource):
    return json.loads(resource.model_dump_json(exclude_none=True, by_alias=True))


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


folder, token = pathlib.Path(sys.argv[1]), sys.argv[2]
extension = json.loads((pathlib.Path(__file__).parents[1] / "8x8-extension.json").read_text())
schemas = [*map(as_json, load_default_schemas().values()), extension]
resource_types = [*map(as_json, load_default_resource_types().values())]
for resource_type in resource_types:
    if resource_type["schema"] == USER:
        resource_type["schemaExtensions"].append({"schema": extension["id"], "required": False})
listen = cli.make_server


def make_server(*arguments, **options):
    """Says which port was free, which the command itself cannot."""
    server = listen(*arguments, **options)
    print(f"http://127.0.0.1:{server.server_port}/v2", flush=True)
    return server


cli.make_server = make_server
threading.Thread(target=end_with_stdin, daemon=True).start()
sys.argv[1:] = [
    "--hostname=127.0.0.1",
    "--port=0",
    f"--bearer-token={token}",
    f"--schema={written(folder, 'schemas.json', schemas)}",
    f"--resource-type={written(folder, 'resource-types.json', resource_types)}",
]
cli.main()
