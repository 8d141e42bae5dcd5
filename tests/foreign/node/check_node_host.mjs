// The connector, the very file, in Node.js: the example host on a simulated tenant, and its policy
// on a server that counts what reaches it.
//
// `node check_node_host.mjs HARNESS COMPONENT HOSTILE REPORT`, beside the example's own files, in the
// folder where its packages are installed. HOSTILE is a connector that attacks its host.
import {createServer} from "node:http";
import {readFileSync} from "node:fs";
import {once} from "node:events";
import {gzipSync} from "node:zlib";

import {Egress} from "./egress.mjs";
import {Connector} from "./provisioning-host.mjs";
import {Tally} from "./tally.mjs";
import {TOKEN, ask, run, tenant} from "./tenants.mjs";

const [harness, component, hostile, report] = process.argv.slice(2);
const tally = new Tally();
const program = new URL("./connector.mjs", import.meta.url).pathname;
const ADA = {
    userName: "Ada@example.com", givenName: "Ada", familyName: "Lovelace",
    workEmail: "ada@example.com", externalId: "E-1815", title: "Analyst", site: "London",
};
const text = val => ({tag: "text", val});
const draft = attributes => ({
    status: "active",
    attributes: Object.entries(attributes).map(([name, value]) => ({name, values: [text(value)]})),
});
const held = account => Object.fromEntries(account.attributes.map(({name, values: [{val}]}) => [name, val]));

async function theFile() {
    const inspection = await ask(harness, "inspect", component);
    const bundled = await ask(harness, "inspect");
    const connector = await Connector.load(component);
    console.log(`${connector.digest}  ${component}`);
    tally.same("the digest is the one that harness inspect prints", connector.digest, inspection.sha256);
    tally.same("and that of the connector inside harness", connector.digest, bundled.sha256);
    const described = await ask(harness, "describe", component);
    const {manifest} = connector;
    tally.same("it describes itself alike", [manifest.id, manifest.version], [described.id, described.version]);
    const names = list => list.map(({name}) => name);
    tally.same("with the same attributes", names(manifest.attributes), names(described.attributes));
    const other = await Connector.load(component, {sha256: "0".repeat(64)}).catch(error => error.message);
    tally.that("another than the pinned one is refused", other.includes?.(connector.digest), other);
    const module = await Connector.fromBytes(Buffer.from("\0asm\x01\0\0\0", "latin1")).catch(error => error);
    tally.that("a module is no connector", module instanceof Error, module);
    return connector;
}

/** A person's life, each step by the program. */
async function theProgram(url) {
    const options = ["--setting", `instance-url=${url}`, "--credential", "api-token=SECRET", "--allow-loopback-http"];
    const call = async (...words) => {
        const {code, stdout, stderr} = await run(process.execPath, [program, component, ...options, ...words], {SECRET: TOKEN});
        tally.that(`${words[0]} keeps the token to itself`, !(stdout + stderr).includes(TOKEN), stdout + stderr);
        return {code, answer: stdout && JSON.parse(stdout), stderr};
    };
    const pairs = Object.entries(ADA).map(pair => pair.join("="));

    tally.same("check", (await call("check")).code, 0);
    const made = await call("create", ...pairs);
    tally.same("create", [made.code, made.answer.effect], [0, "created"]);
    const {id} = made.answer.account;
    tally.same("find", (await call("find", "userName=ADA@EXAMPLE.COM")).answer?.id, id);
    tally.same("find nobody", await call("find", "externalId=e-1815").then(({code, answer}) => [code, answer]), [0, null]);
    const updated = await call("update", id, "title=Countess");
    tally.same("update", [updated.answer.effect, updated.answer.account.attributes.title], ["updated", "Countess"]);
    for (const [operation, status] of [["deactivate", "inactive"], ["activate", "active"]]) {
        tally.same(operation, (await call(operation, id)).answer.account.status, status);
    }
    tally.same("get", (await call("get", id)).answer.attributes.title, "Countess");
    const deleted = await call("delete", id);
    tally.same("delete", [deleted.answer.tag, deleted.answer.val.account.status], ["kept", "inactive"]);
    tally.same("list", (await call("list")).answer.accounts.map(account => account.id), [id]);

    const again = await call("create", ...pairs);
    tally.same("nobody twice", [again.code, again.answer.failure.kind, again.answer.failure.account], [1, "already-exists", id]);
    const wrong = await call("create", "userName=bob@example.com");
    tally.same("everything missing at once", wrong.answer.failure.problems.map(({code}) => code), ["missing", "missing", "missing"]);
    for (const [what, words] of [["no operation", []], ["an unknown one", ["frobnicate"]], ["a missing id", ["get"]], ["no pair", ["find", "ada"]]]) {
        const {code, stderr} = await call(...words);
        tally.that(`${what} is told`, code === 2 && stderr.trim() && !stderr.includes("    at "), stderr);
    }
}

/** What a platform would do with the library. */
async function theLibrary(connector, url) {
    const connect = (more = {}) => connector.connect({
        settings: {"instance-url": url}, credentials: {"api-token": async () => TOKEN}, allowLoopbackHttp: true, ...more,
    });
    const connection = connect();
    const names = Array.from({length: 5}, (_, number) => `user${number}@example.com`);
    const made = await Promise.all(names.map(name => connection.create(draft({...ADA, userName: name, externalId: name}))));
    tally.same("operations run at once", made.map(({effect}) => effect), names.map(() => "created"));
    const ids = [];
    for await (const account of connection.accounts(40)) ids.push(account.id);
    tally.same("pages hold everybody once", [ids.length, new Set(ids).size], [205, 205]);
    const [{account}] = made;
    tally.same("what was made is read", held(await connection.get(account.id)), held(account));

    await tally.fails("nobody by another id", "not-found", () => connection.get("nobody"));
    const readOnly = await tally.fails("a read-only connection does not write", "refused-by-host",
        () => connect({readOnly: true}).delete(account.id));
    tally.that("and says why", readOnly?.message.includes("writes"), readOnly);
    await tally.fails("a wrong token", "unauthenticated",
        () => connect({credentials: {"api-token": () => "another"}}).check());
    await tally.fails("no token", "refused-by-host", () => connect({credentials: {}}).check());
    await tally.fails("no time", "deadline-exceeded", () => connect({operationMs: 1}).check());
    await tally.fails("no requests", "refused-by-host", () => connect({requests: 0}).check());
    for (const [what, settings] of [
        ["a missing setting", {}],
        ["an unknown setting", {"instance-url": url, nickname: "x"}],
        ["no URL", {"instance-url": "example"}],
        ["plain http to elsewhere", {"instance-url": "http://example.com/scim/v2"}],
        ["a path that climbs", {"instance-url": `${url}/../v3`}],
    ]) {
        await tally.fails(what, "invalid-settings", async () => connect({settings}));
    }
    await tally.fails("a URL of nothing of 8x8's", "invalid-settings",
        () => connect({settings: {"instance-url": "https://example.com/scim/v2"}}).check());
    tally.same("and the tenant is as it was", held(await connection.get(account.id)), held(account));
}

/** A server that answers as its path says, and what reached it. */
async function counted(action) {
    const seen = [];
    const server = createServer((request, response) => {
        seen.push({method: request.method, url: request.url, headers: request.headers});
        const answers = {
            "/t/moved": () => response.writeHead(302, {location: "/t/elsewhere", "set-cookie": "a=b"}).end("moved"),
            "/t/large": () => response.end(Buffer.alloc(2000)),
            "/t/echo": () => response.end(JSON.stringify(request.headers)),
            "/t/echo-header": () => response.writeHead(200, {"x-echo": request.headers.authorization}).end(),
            "/t/gzip": () => response.writeHead(200, {"content-encoding": "gzip"}).end(gzipSync("{}")),
            "/t/busy": () => response.writeHead(429, {"retry-after": "7"}).end(),
            "/t/cut": () => request.socket.destroy(),
            "/t/never": () => {},
        };
        (answers[request.url] ?? (() => response.end("fine")))();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
        await action(`http://127.0.0.1:${server.address().port}`, seen);
    } finally {
        server.closeAllConnections();
        server.close();
    }
}

const MANIFEST = {
    settings: [{name: "base", kind: {tag: "base-url", val: ["Users"]}}, {name: "other", kind: {tag: "base-url", val: []}}, {name: "none", kind: {tag: "base-url", val: []}}],
    credentials: [
        {name: "token", placement: {tag: "bearer"}, baseUrl: "base"},
        {name: "key", placement: {tag: "header", val: {name: "x-key", prefix: "Key "}}, baseUrl: "base"},
        {name: "word", placement: {tag: "basic"}, baseUrl: "base"},
        {name: "elsewhere", placement: {tag: "bearer"}, baseUrl: "other"},
        {name: "nowhere", placement: {tag: "bearer"}, baseUrl: "none"},
        {name: "broken", placement: {tag: "bearer"}, baseUrl: "base"},
        {name: "locked", placement: {tag: "bearer"}, baseUrl: "base"},
        {name: "renewed", placement: {tag: "client-credentials"}, baseUrl: "base"},
        {name: "asked", placement: {tag: "query", val: "key"}, baseUrl: "base"},
    ],
    headers: ["X-Api-Version", "Host", "x-key", "X-HTTP-Method-Override"],
};

/** What may be sent and what may not, request by request. */
async function thePolicy() {
    await counted(async (origin, seen) => {
        const egress = options => {
            const settings = {base: `${origin}/t/Users`, other: `${origin}/u`};
            const credentials = {
                token: () => "s3cr3t", key: () => "k3y", word: () => "ada:pass", elsewhere: () => "s3cr3t", nowhere: () => "s3cr3t",
                broken: () => "s3cr3t\nhost: b", locked: () => { throw new Error("s3cr3t"); },
                renewed: () => "s3cr3t", asked: () => "s3cr3t",
            };
            return new Egress(MANIFEST, settings, {allowLoopbackHttp: true, credentials, responseBytes: 1000, ...options});
        };
        const send = (path, more = {}, {operation = "create", ...options} = {}) => {
            const way = egress(options).operation(operation);
            way.narrowTo([`${origin}/t`]);
            const request = {
                method: "get", url: path.startsWith("http") ? path : origin + path, headers: [], credentials: [],
                repeatability: "safe", delayMs: 0, ...more,
            };
            return way.send(request, new AbortController().signal);
        };
        const refused = async (what, reason, ...request) => {
            const {err} = await send(...request);
            tally.same(`${what} is refused`, [err?.tag, err?.val?.reason], ["refused", reason]);
        };
        await refused("another origin", "origin", "http://127.0.0.1:1/t/x");
        await refused("another scheme", "origin", `https${origin.slice(4)}/t/x`);
        await refused("another host before an @", "origin", `${origin.replace("//", "//a@")}.example/t`);
        await refused("user info", "path", `${origin.replace("//", "//a:b@")}/t/x`);
        await refused("another path", "path", "/other");
        await refused("a path that begins alike", "path", "/tt/x");
        for (const path of ["/t/../other", "/t/%2e%2e/other", "/t/a%2Fb", "/t//x", "/t/a\\b", "/t/x#y", "/t/%zz", "/t/..;a/x", "/t/a b"]) {
            await refused(path, "path", path);
        }
        await refused("a write of a reading operation", "method", "/t/x", {method: "post"}, {operation: "find"});
        await refused("a write of a read-only connection", "method", "/t/x", {method: "patch"}, {readOnly: true});
        for (const name of ["authorization", "Host", "cookie", "x-other", "x-key", "x-http-method-override", "accept-encoding"]) {
            await refused(`the header ${name}`, "header", "/t/x", {headers: [{name, value: "a"}]});
        }
        await refused("a header of two lines", "header", "/t/x", {headers: [{name: "accept", value: "a\r\nhost: b"}]});
        await refused("an unknown credential", "credential", "/t/x", {credentials: ["nothing"]});
        for (const name of ["elsewhere", "nowhere", "broken", "locked", "renewed"]) {
            await refused(`the credential ${name}`, "credential", "/t/x", {credentials: [name]});
            const {err} = await send("/t/x", {credentials: [name]});
            tally.that(`${name} tells no secret`, !JSON.stringify(err).includes("s3cr3t"), err);
        }
        await refused("a large body", "budget", "/t/x", {method: "post", body: new Uint8Array(20)}, {requestBytes: 10});
        tally.same("and nothing of it has left", seen, []);
        const outside = [`${origin}/other`, origin, "https://example.com/"].map(prefix => {
            try {
                return egress().operation("get").narrowTo([prefix]);
            } catch (error) {
                return error.failure.kind;
            }
        });
        tally.same("no connector reaches more than was granted", outside, outside.map(() => "refused-by-host"));

        const fine = await send("/t/x?filter=a%20b", {
            method: "post", body: Buffer.from("{}"), credentials: ["token"], headers: [{name: "X-Api-Version", value: "2"}],
        });
        tally.same("what is granted is sent", [fine.ok?.status, Buffer.from(fine.ok?.body ?? "").toString()], [200, "fine"]);
        const {method, url, headers} = seen.pop();
        tally.same("as it was asked", [method, url, headers["x-api-version"]], ["POST", "/t/x?filter=a%20b", "2"]);
        tally.same("with the credential", headers.authorization, "Bearer s3cr3t");
        tally.same("and without an encoding", headers["accept-encoding"], "identity");
        await send("/t/x", {credentials: ["key"]});
        tally.same("a credential goes into its header", seen.pop().headers["x-key"], "Key k3y");
        await send("/t/x", {credentials: ["word"]});
        tally.same("or into a basic one", seen.pop().headers.authorization, "Basic YWRhOnBhc3M=");
        await send("/t/x?a=b", {credentials: ["asked"]});
        tally.same("or into the query", seen.pop().url, "/t/x?a=b&key=s3cr3t");
        await send("/t/x");
        tally.same("and where none is named, none is sent", seen.pop().headers.authorization, undefined);

        const moved = await send("/t/moved", {credentials: ["token"]});
        tally.same("a redirect is handed over", moved.ok?.status, 302);
        tally.same("and not followed", seen.splice(0).map(({url}) => url), ["/t/moved"]);
        tally.that("without the cookie", !moved.ok.headers.some(({name}) => name === "set-cookie"), moved);
        tally.same("retry-after is read", (await send("/t/busy")).ok?.retryAfterMs, 7000);
        for (const [path, tag, options] of [
            ["/t/large", "too-large"], ["/t/echo", "withheld"], ["/t/echo-header", "withheld"], ["/t/gzip", "withheld"],
            ["/t/cut", "no-answer"], ["/t/never", "no-answer", {requestMs: 100}],
        ]) {
            const {err} = await send(path, {credentials: ["token"]}, options);
            tally.same(`${path} is ${tag}`, err?.tag, tag);
            tally.that(`${path} tells no secret`, !JSON.stringify(err ?? "").includes("s3cr3t"), err);
        }
        seen.length = 0;
        const way = egress({requests: 1}).operation("get");
        way.narrowTo([`${origin}/t`]);
        const request = {method: "get", url: `${origin}/t/x`, headers: [], credentials: [], delayMs: 0};
        const signal = new AbortController().signal;
        const answers = [await way.send(request, signal), await way.send(request, signal)];
        tally.same("requests are counted", answers.map(({ok, err}) => ok?.status ?? err.val.reason), [200, "budget"]);
    });
    // Nobody listens there any more.
    let gone;
    await counted(async origin => { gone = `${origin}/t`; });
    const way = new Egress(MANIFEST, {base: gone}, {allowLoopbackHttp: true}).operation("get");
    way.narrowTo([gone]);
    const request = {method: "get", url: gone, headers: [], credentials: [], delayMs: 0};
    const {err} = await way.send(request, new AbortController().signal);
    tally.same("where nobody listens, nothing was sent", err?.tag, "not-sent");
}

/** A connector that attacks: its thread ends, and nothing else does. */
async function theSandbox() {
    const attacker = await Connector.load(hostile);
    await counted(async (origin, seen) => {
        const connect = (attack, more = {}) => attacker.connect({
            settings: {"instance-url": `${origin}/t`, attack}, credentials: {"api-token": () => "s3cr3t-token"},
            allowLoopbackHttp: true, ...more,
        });
        await tally.fails("an endless loop ends", "deadline-exceeded", () => connect("endless-loop in check", {operationMs: 2000}).check());
        for (const attack of ["deep-recursion", "wide-frames", "trap", "panic"]) {
            const connection = connect(`${attack} in check`);
            await tally.fails(attack, "connector-fault", () => connection.check());
            const {id} = await connection.get(`GET ${origin}/t/x`);
            tally.same(`after ${attack} comes a fresh sandbox`, id, `GET ${origin}/t/x`);
        }
        const forgetful = connect("remember in check");
        tally.same("a sandbox remembers nothing", [await forgetful.check(), await forgetful.check()].length, 2);
        seen.length = 0;
        await tally.fails("a storm of requests is stopped", "refused-by-host", () => connect("call-storm in check").check());
        tally.same("after as many as are allowed", seen.length, 100);
        const logged = [];
        const log = (level, message, fields) => logged.push(message, ...fields.map(({value}) => value));
        await connect("log-flood in check", {log}).check();
        tally.that("a flood of messages is cut", logged.length > 0 && logged.length <= 17_000, logged.length);
        logged.length = 0;
        await connect("log-escapes in check", {log}).check();
        tally.that("and none of them moves a cursor", logged.length > 0 && !/[\u0000-\u001f\u009b\u202e]/.test(logged.join("")), logged);
        seen.length = 0;
        for (const [script, code] of [
            ["GET http://example.com/", "refused-origin"], [`GET ${origin}/other`, "refused-path"],
            [`POST ${origin}/t/x`, "refused-method"], [`GET ${origin}/t/x | header cookie: a`, "refused-header"],
            [`GET ${origin}/t/x | credential other-token`, "refused-credential"],
        ]) {
            const failure = await tally.fails(script, "refused-by-host", () => connect().get(script));
            tally.same(`${script} is ${code}`, failure?.code, code);
        }
        tally.same("and nothing of it has left", seen, []);
        const echo = await tally.fails("an echo does not reach the guest", "malformed-answer", () => connect().get(`GET ${origin}/t/echo | credential api-token`));
        tally.same("but is withheld", echo?.code, "withheld");
        tally.same("though it was sent", seen.pop()?.headers.authorization, "Bearer s3cr3t-token");
    });
}

const connector = await theFile();
await thePolicy();
await theSandbox();
await tenant(harness, [], theProgram);
await tenant(harness, ["--people", "200"], url => theLibrary(connector, url));
const {version} = JSON.parse(readFileSync(new URL("./node_modules/@bytecodealliance/jco/package.json", import.meta.url)));
tally.close(report, "the connector in Node.js, through jco", version);
