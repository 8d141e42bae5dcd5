// A host for provisioning connectors: loads a component, connects it to one tenant, and runs the
// contract's operations. Values are as the contract has them (`wit/types.wit`), in the spelling
// that jco gives them: names in camelCase, variants as {tag, val}, s64 as BigInt.
//
//     const connector = await Connector.load("connector.wasm");
//     const connection = connector.connect({
//         settings: {"instance-url": "https://…"},
//         credentials: {"api-token": () => vault.read("acme/8x8")},
//     });
//     const {account, effect, notices} = await connection.create({status: "active", attributes});
//
// What does not work is thrown as a `ConnectorFailure`, with the contract's `failure` in it.
import {createHash} from "node:crypto";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {readFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";

import {transpile} from "@bytecodealliance/jco";

import {Egress} from "./egress.mjs";
import {failed} from "./failure.mjs";
import {runInSandbox} from "./sandbox.mjs";

export {ConnectorFailure} from "./failure.mjs";

/** What the contract lets a connector import. */
const CAPABILITIES = {"provisioning:connector/http": "http", "provisioning:connector/log": "log"};

/** A connector that was read, found to ask for nothing beyond the contract, and has described itself. */
export class Connector {
    #code;

    /** SHA-256 of the file, as `harness inspect` prints it. */
    digest;
    /** What it claims to be: see `wit/manifest.wit`. */
    manifest;

    /** Loads the file of a component. With `sha256`, no other than the one with this digest. */
    static async load(file, {sha256} = {}) {
        const bytes = await readFile(file).catch(error => {
            throw new Error(`The component ${file} cannot be read: ${error.code}.`);
        });
        return Connector.fromBytes(bytes, {sha256});
    }

    static async fromBytes(bytes, {sha256} = {}) {
        const connector = new Connector();
        connector.digest = createHash("sha256").update(bytes).digest("hex");
        if (sha256 !== undefined && sha256 !== connector.digest) {
            throw new Error(`The component is another than the pinned one: its digest is ${connector.digest}.`);
        }
        connector.#code = await compiled(bytes);
        connector.manifest = await runInSandbox({code: connector.#code, call: {name: "describe"}});
        return connector;
    }

    /**
     * Connects to one tenant; sends nothing. What may be reached are the `base-url` settings as
     * they stand here. Options:
     *
     * - `settings`: {name: text}
     * - `credentials`: {name: function that gives the secret, or a promise of it}; asked at each
     *   request that needs it, so that a rotated secret is taken up
     * - `allowLoopbackHttp`: plain http to this machine, for a simulated tenant
     * - `readOnly`: nothing but GET and HEAD
     * - `requestMs` (30,000), `operationMs` (120,000): wall time
     * - `requests` (100): of one operation; `requestBytes` (1 MiB), `responseBytes` (8 MiB): a body
     * - `log`: function that gets (level, message, fields)
     */
    connect(options) {
        return new Connection(this.#code, this.manifest, options);
    }
}

/** One tenant. Each operation runs in a sandbox of its own, and several may run at once. */
export class Connection {
    #code;
    #settings;
    #options;
    #egress;
    /** What the connector found out about its tenant; handed to the next sandbox. */
    #learned;

    constructor(code, manifest, {settings, operationMs = 120_000, log = () => {}, ...options}) {
        const known = new Set(manifest.settings.map(({name}) => name));
        const problems = [];
        for (const name of Object.keys(settings).filter(name => !known.has(name))) {
            problems.push({name, code: "unknown", message: `There is no setting ${name}.`});
        }
        for (const {name} of manifest.settings.filter(setting => setting.required)) {
            if (!settings[name]) problems.push({name, code: "missing", message: `${name} is required.`});
        }
        if (problems.length) {
            throw failed("invalid-settings", problems.map(({message}) => message).join(" "), problems);
        }
        this.#code = code;
        const given = Object.entries(settings).filter(([, value]) => value !== undefined);
        this.#settings = given.map(([name, value]) => ({name, value}));
        this.#options = {operationMs, log};
        this.#egress = new Egress(manifest, settings, options);
    }

    check() { return this.#run("check"); }
    list(query) { return this.#run("list", query); }
    get(id) { return this.#run("get", id); }
    find(name, value) { return this.#run("find", name, value); }
    create(draft) { return this.#run("create", draft); }
    update(id, edits) { return this.#run("update", id, edits); }
    delete(id) { return this.#run("delete", id); }

    /** Every account, page by page. */
    async *accounts(limit = 100) {
        let cursor;
        do {
            const page = await this.list({cursor, limit});
            yield* page.accounts;
            if (cursor !== undefined && page.next === cursor) {
                throw failed("connector-fault", "The connector gave a page's own cursor as the next one.");
            }
            cursor = page.next;
        } while (cursor !== undefined);
    }

    async #run(name, ...parameters) {
        const operation = this.#egress.operation(name);
        return runInSandbox({
            code: this.#code,
            call: {name, parameters, settings: this.#settings, learned: this.#learned},
            deadlineMs: this.#options.operationMs,
            reach: prefixes => operation.narrowTo(prefixes),
            send: (request, signal) => operation.send(request, signal),
            log: this.#options.log,
            learned: note => { this.#learned = note; },
        });
    }
}

const folders = [];
process.on("exit", () => folders.forEach(folder => rmSync(folder, {recursive: true, force: true})));

/** The component as what V8 runs: jco's JavaScript, and the modules in it, compiled once. */
async function compiled(bytes) {
    // jco would take text for a component, too.
    if (!bytes.subarray(0, 4).equals(Buffer.from("\0asm"))) throw new Error("This is no WebAssembly component.");
    const {files, imports} = await transpile(bytes, {
        name: "connector",
        instantiation: "async",
        // As on its command line: --map provisioning:connector/http=http
        map: CAPABILITIES,
        wasiShim: false,
        nodejsCompat: false,
        noTypescript: true,
        base64Cutoff: 0,
    }).catch(error => {
        throw new Error(`This is no component that can be run: ${String(error.message ?? error).split("\n")[0]}.`);
    });
    const beyond = imports.filter(name => !Object.values(CAPABILITIES).includes(name));
    if (beyond.length) {
        throw new Error(`The component imports what the contract does not have: ${beyond.join(", ")}.`);
    }
    // Node imports code from files alone. The folder is this process's and nobody else's.
    const folder = mkdtempSync(join(tmpdir(), "connector-"));
    folders.push(folder);
    const entry = join(folder, "connector.mjs");
    writeFileSync(entry, files["connector.js"]);
    const modules = {};
    for (const [name, module] of Object.entries(files)) {
        if (name.endsWith(".wasm")) modules[name] = await WebAssembly.compile(module);
    }
    return {entry, modules};
}
