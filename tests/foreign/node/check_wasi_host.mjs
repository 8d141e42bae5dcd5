// The connector, the very file, in a host that others wrote and that knows nothing of its contract:
// composed with the adapter and the command of examples/wasi-host, and run by `jco run`.
//
// `node check_wasi_host.mjs HARNESS COMPONENT COMPOSED REPORT`, in the folder where the packages of
// the Node example are installed.
import {createServer} from "node:http";
import {readFileSync} from "node:fs";
import {once} from "node:events";

import {Tally} from "./tally.mjs";
import {TOKEN, ask, run, tenant} from "./tenants.mjs";

const [harness, component, composed, report] = process.argv.slice(2);
const tally = new Tally();
const jco = new URL("./node_modules/@bytecodealliance/jco/", import.meta.url);
const ADA = [
    "userName=Ada@example.com", "givenName=Ada", "familyName=Lovelace", "workEmail=ada@example.com",
    "externalId=E-1815", "title=Analyst", "site=London",
];

async function theFile() {
    const inspection = await ask(harness, "inspect", component);
    console.log(`${inspection.sha256}  ${component}`);
    tally.same("the connector is the one inside harness", inspection.sha256, (await ask(harness, "inspect")).sha256);
    const [inner, outer] = [component, composed].map(file => readFileSync(file));
    const at = outer.indexOf(inner);
    tally.that("the composition holds it byte for byte", at > 0, at);
    tally.that("once", outer.indexOf(inner, at + 1) === -1);
    const {stdout} = await run(harness, ["--json", "inspect", composed]);
    const {imports, exports} = JSON.parse(stdout);
    const packages = new Set(imports.map(name => name.split("/")[0]));
    // The contract's types stay an import: they have no functions, and so nobody has to give them.
    tally.same("it asks for WASI alone", [...packages].sort(), ["provisioning:connector", "wasi:cli", "wasi:clocks", "wasi:http", "wasi:io"]);
    tally.same("and for nothing of the contract's", imports.filter(name => name.startsWith("prov")), ["provisioning:connector/types@0.1.0"]);
    tally.same("and is a command", exports.map(name => name.split("@")[0]), ["wasi:cli/run"]);
}

/** Runs the composition; gives its exit code, its lines as JSON, and what it said. */
async function drive(url, operations, env = {}) {
    const words = operations.flatMap(operation => ["+", ...operation]);
    const environment = {CONNECTOR_GRANT: url, CONNECTOR_CREDENTIAL_API_TOKEN: `authorization: Bearer ${TOKEN}`, ...env};
    const {code, stdout, stderr} = await run(
        process.execPath,
        [new URL("dist/jco.js", jco).pathname, "run", composed, `instance-url=${url}`, ...words],
        environment,
    );
    tally.that("the token stays where it is", !(stdout + stderr).includes(TOKEN), stdout + stderr);
    try {
        return {code, lines: stdout.split("\n").filter(Boolean).map(line => JSON.parse(line)), stderr};
    } catch {
        tally.that("its lines are JSON", false, stdout + stderr);
        return {code, lines: [], stderr};
    }
}

async function theLifecycle(url) {
    const who = ["externalId=E-1815"];
    const {code, lines, stderr} = await drive(url, [
        ["check"], ["create", ...ADA], ["find", "userName=ADA@EXAMPLE.COM"], ["update", ...who, "title=Countess"],
        ["update", ...who, "title="], ["deactivate", ...who], ["activate", ...who], ["delete", ...who], ["list"],
        ["find", "externalId=e-1815"], ["create", ...ADA],
    ]);
    const [check, made, found, updated, cleared, inactive, active, deleted, list, nobody, twice] = lines;
    tally.same("check", check?.ok, true, stderr);
    tally.same("create", [made?.effect, made?.account.attributes.title], ["created", "Analyst"]);
    const id = made?.account.id;
    tally.same("find", found?.id, id);
    tally.same("update", [updated?.effect, updated?.account.attributes.title], ["updated", "Countess"]);
    tally.same("clear", cleared?.account.attributes.title, undefined);
    tally.same("deactivate", inactive?.account.status, "inactive");
    tally.same("activate", active?.account.status, "active");
    tally.same("delete", [deleted?.deletion, deleted?.outcome.account.status], ["kept", "inactive"]);
    tally.same("list", list?.accounts.map(account => account.id), [id]);
    tally.same("find nobody", nobody, null);
    tally.same("nobody twice", [twice?.failure.kind, twice?.failure.account, code], ["already-exists", id, 1]);
}

async function theAdapter(url) {
    const failure = async (what, kind, env, operation = ["check"]) => {
        const {code, lines} = await drive(url, [operation], env);
        tally.same(what, [code, lines[0]?.failure?.kind], [1, kind]);
        return lines[0]?.failure?.message;
    };
    const elsewhere = await failure("what was not granted is refused", "refused-by-host", {CONNECTOR_GRANT: `${url}x`});
    tally.that("with what to change", elsewhere?.includes("CONNECTOR_GRANT"), elsewhere);
    await failure("nothing is written where only reading is granted", "refused-by-host", {CONNECTOR_READ_ONLY: "1"}, ["create", ...ADA.map(pair => pair.replace("Ada@", "bob@"))]);
    await failure("a wrong token is told", "unauthenticated", {CONNECTOR_CREDENTIAL_API_TOKEN: "authorization: Bearer not-the-token"});
    await failure("and a missing one", "refused-by-host", {CONNECTOR_CREDENTIAL_API_TOKEN: ""});
    const {code, stderr} = await drive(url, [["frobnicate"]]);
    tally.that("an unknown operation is told", code === 1 && stderr.includes("is no operation"), stderr);
}

/** A service that sends the request elsewhere, or gives the token back. */
async function theService() {
    const seen = [];
    const server = createServer((request, response) => {
        seen.push(request.url);
        if (seen.length === 1) response.writeHead(302, {location: "/elsewhere"}).end();
        else response.end(JSON.stringify(request.headers));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${server.address().port}/udi/customers/0012J00042NkZQIQA3/scim/v2`;
    const moved = await drive(url, [["check"]]);
    tally.same("a redirect is not followed", seen.filter(path => path === "/elsewhere"), []);
    tally.same("and is a failure", moved.code, 1);
    const echo = await drive(url, [["check"]]);
    tally.same("an answer that holds the token is withheld", echo.lines[0]?.failure.code, "withheld");
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    const gone = await drive(url, [["check"]]);
    tally.same("where nobody listens, nothing was sent", gone.lines[0]?.failure.kind, "unavailable");
}

await theFile();
await tenant(harness, [], async url => {
    await theLifecycle(url);
    await theAdapter(url);
});
await theService();
const {version} = JSON.parse(readFileSync(new URL("package.json", jco)));
tally.close(report, "the connector in jco run, on wasi:http", version);
