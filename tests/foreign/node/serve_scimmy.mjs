// SCIMMY behind its own express routers, with people in memory and 8x8's extension.
//
// SCIMMY leaves storage, uniqueness and the choice of who matches a filter to whoever runs it, so
// those are here; parsing, filters, PATCH, paging and errors are SCIMMY's.
//
// `node serve_scimmy.mjs TOKEN EXPRESS`, from the folder where its packages are installed, listens
// on a free port of 127.0.0.1, says its base URL in one line, and ends when its standard input
// does, so that it cannot outlive whoever started it.
import {randomUUID} from "node:crypto";
import {readFileSync} from "node:fs";

import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

// With Express 5 the routers' reading of `startIndex` and `count` gets lost, since a request's query
// is parsed anew whenever it is looked at: every list is the first 20. With Express 4 they page.
const [token, expressPackage] = process.argv.slice(2);
const {default: express} = await import(expressPackage);
const {Attribute, SchemaDefinition} = SCIMMY.Types;

const {id, name, description, attributes} = JSON.parse(
    readFileSync(new URL("../8x8-extension.json", import.meta.url), "utf8"));
const definition = new SchemaDefinition(name, id, description, attributes.map(
    ({type, name, description, caseExact}) => new Attribute(type, name, {description, caseExact})));

class User8x8 extends SCIMMY.Types.Schema {
    static get definition() {
        return definition;
    }

    constructor(resource, direction = "both") {
        super(resource, direction);
        Object.assign(this, definition.coerce(resource, direction));
    }
}

const people = new Map();
const missing = id => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);

function ingress(resource, data) {
    const {id} = resource;
    const before = id === undefined ? undefined : people.get(id);
    if (id !== undefined && before === undefined) throw missing(id);
    const name = data.userName.toLowerCase();
    for (const other of people.values()) {
        if (other.id !== id && other.userName.toLowerCase() === name) {
            throw new SCIMMY.Types.Error(409, "uniqueness", "userName is held by another user.");
        }
    }
    const now = new Date().toISOString();
    const person = {
        ...JSON.parse(JSON.stringify(data)),
        id: id ?? randomUUID(),
        meta: {...before?.meta, created: before?.meta.created ?? now, lastModified: now},
    };
    people.set(person.id, person);
    return person;
}

function egress(resource) {
    const {id, filter} = resource;
    if (id !== undefined) {
        if (!people.has(id)) throw missing(id);
        return people.get(id);
    }
    const everybody = [...people.values()];
    return filter ? filter.match(everybody) : everybody;
}

function degress({id}) {
    if (!people.delete(id)) throw missing(id);
}

SCIMMY.Resources.declare(SCIMMY.Resources.User)
    .extend(SCIMMY.Schemas.EnterpriseUser, false)
    .extend(User8x8, false)
    .ingress(ingress)
    .egress(egress)
    .degress(degress);

const app = express();
app.use("/scim", new SCIMMYRouters({
    type: "bearer",
    handler: request => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("No such token");
        return "connector";
    },
    baseUri: request => `http://${request.header("Host")}`,
}));
const server = app.listen(0, "127.0.0.1", error => {
    if (error) throw error;
    console.log(`http://127.0.0.1:${server.address().port}/scim`);
});
process.stdin.on("end", () => process.exit(0)).resume();
