// A small program around the library: one operation of one connector.
//
//     node connector.mjs COMPONENT describe
//     node connector.mjs COMPONENT --setting NAME=VALUE… --credential NAME=VARIABLE OPERATION…
//
// OPERATION is one of
//     check · list · get ID · find NAME=VALUE · create NAME=VALUE… · update ID NAME=VALUE… NAME=
//     activate ID · deactivate ID · delete ID
//
// A secret is named by the variable of the environment that holds it. stdout has one JSON
// document. Exit codes: 0 done, 1 the operation failed, 2 wrong usage or settings.
import {parseArgs} from "node:util";

import {Connector, ConnectorFailure} from "./provisioning-host.mjs";

class Usage extends Error {}

function pair(text) {
    const at = text.indexOf("=");
    if (at < 1) throw new Usage(`${text} is not NAME=VALUE.`);
    return [text.slice(0, at), text.slice(at + 1)];
}

/** A value in the type that the manifest gives it. */
function value(manifest, name, text) {
    const type = manifest.attributes.find(spec => spec.name === name)?.valueType ?? "text";
    switch (type) {
        case "boolean":
            if (!["true", "false"].includes(text)) throw new Usage(`${name} is true or false.`);
            return {tag: type, val: text === "true"};
        case "integer":
            if (!/^-?\d{1,18}$/.test(text)) throw new Usage(`${name} is a whole number.`);
            return {tag: type, val: BigInt(text)};
        default:
            return {tag: "text", val: text};
    }
}

/** A name given twice is an attribute of two values. */
function attributes(manifest, pairs) {
    const byName = new Map();
    for (const [name, text] of pairs) {
        byName.set(name, [...byName.get(name) ?? [], value(manifest, name, text)]);
    }
    return [...byName].map(([name, values]) => ({name, values}));
}

function edits(manifest, words) {
    const pairs = words.map(pair);
    const cleared = pairs.filter(([, text]) => text === "").map(([name]) => ({tag: "clear", val: name}));
    const set = attributes(manifest, pairs.filter(([, text]) => text !== "")).map(val => ({tag: "set", val}));
    return {changes: [...set, ...cleared]};
}

/** What follows each operation. */
const USAGE = {
    describe: "",
    check: "",
    list: "",
    get: "ID",
    find: "NAME=VALUE",
    create: "NAME=VALUE…",
    update: "ID NAME=VALUE…",
    activate: "ID",
    deactivate: "ID",
    delete: "ID",
};

function checkUsage(name = "Nothing", words) {
    if (!Object.hasOwn(USAGE, name)) {
        throw new Usage(`${name} is no operation; there are ${Object.keys(USAGE).join(", ")}.`);
    }
    const needed = USAGE[name].split(" ").filter(Boolean).length;
    if (words.length < needed || (words.length > needed && !USAGE[name].endsWith("…"))) {
        throw new Usage(`usage: ${name} ${USAGE[name]}`);
    }
}

async function run(connection, manifest, name, [first, ...rest]) {
    switch (name) {
        case "check":
            return connection.check();
        case "list": {
            const accounts = [];
            for await (const account of connection.accounts(manifest.maxPageSize)) accounts.push(account);
            return {accounts};
        }
        case "get":
            return connection.get(first);
        case "find": {
            const [name, text] = pair(first);
            return await connection.find(name, value(manifest, name, text)) ?? null;
        }
        case "create":
            return connection.create({status: "active", attributes: attributes(manifest, [first, ...rest].map(pair))});
        case "update":
            return connection.update(first, edits(manifest, rest));
        case "activate":
        case "deactivate":
            return connection.update(first, {status: name === "activate" ? "active" : "inactive", changes: []});
        case "delete":
            return connection.delete(first);
    }
}

/** JSON has no BigInt; an account's attributes are shown by name. */
function plain(key, value) {
    if (typeof value === "bigint") return Number(value);
    if (key === "attributes" && value?.every?.(item => item.values)) {
        return Object.fromEntries(value.map(({name, values}) =>
            [name, values.length === 1 ? values[0].val : values.map(({val}) => val)]));
    }
    return value;
}

async function main() {
    const {values: options, positionals: [file, name, ...words]} = parseArgs({
        allowPositionals: true,
        options: {
            setting: {type: "string", multiple: true, default: []},
            credential: {type: "string", multiple: true, default: []},
            sha256: {type: "string"},
            "allow-loopback-http": {type: "boolean", default: false},
            "read-only": {type: "boolean", default: false},
        },
    });
    if (file === undefined) throw new Usage("Which component?");
    checkUsage(name, words);
    const credentials = Object.fromEntries(options.credential.map(pair).map(([name, variable]) => {
        if (!process.env[variable]) throw new Usage(`The variable ${variable} is not set.`);
        return [name, () => process.env[variable]];
    }));
    const connector = await Connector.load(file, {sha256: options.sha256});
    if (name === "describe") return {sha256: connector.digest, ...connector.manifest};
    const connection = connector.connect({
        settings: Object.fromEntries(options.setting.map(pair)),
        credentials,
        allowLoopbackHttp: options["allow-loopback-http"],
        readOnly: options["read-only"],
        log: (level, message, fields) => console.error(level, message, ...fields.map(({name, value}) => `${name}=${value}`)),
    });
    return run(connection, connector.manifest, name, words);
}

try {
    console.log(JSON.stringify(await main(), plain, 2));
} catch (error) {
    if (error instanceof ConnectorFailure) {
        console.log(JSON.stringify({failure: error.failure}, plain, 2));
        process.exitCode = error.failure.kind === "invalid-settings" ? 2 : 1;
    } else {
        console.error(error.message);
        process.exitCode = 2;
    }
}
