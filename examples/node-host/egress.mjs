// What a connector may send, and how it is sent: `http` of the contract, for one connection.
//
// Every check comes before the credential is added, and nothing is resolved or connected for a
// request that has not passed.
import {setTimeout as sleep} from "node:timers/promises";

import {failed} from "./failure.mjs";
import {Grant} from "./grant.mjs";

/** Operations that change nothing, and so may GET and HEAD alone. */
const READING = new Set(["check", "list", "get", "find"]);
const READS = new Set(["get", "head"]);

const HEADERS = ["accept", "accept-language", "content-type", "if-match", "if-none-match", "prefer"];
/** What no manifest gets a connector leave to set. */
const HOSTS_OWN = new RegExp("^(" + [
    "accept-charset", "accept-encoding", "authorization", "connection", "content-encoding",
    "content-length", "cookie2?", "date", "expect", "forwarded", "host", "http2-settings",
    "if-range", "keep-alive", "max-forwards", "origin", "range", "referer", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "via", "x-forwarded", "x-host",
    "x-(http-)?method(-override)?", "x-rewrite-url", "(proxy|sec|x-forwarded|x-original)-.*",
].join("|") + ")$");
/** What of an answer is the host's business alone. */
const HIDDEN = /^(set-cookie2?|(www-|proxy-)?authenticate|(proxy-)?authentication-info|(proxy-)?authorization|cookie)$/;

/** The kinds of connection failure after which nothing can have reached the upstream. */
const NOT_SENT = /^(bad port|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_CERT.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*|ERR_SSL_.*)$/;

export class Egress {
    constructor(manifest, settings, options) {
        const {allowLoopbackHttp = false} = options;
        this.grants = new Map();
        for (const {name, kind} of manifest.settings) {
            if (kind.tag === "base-url" && settings[name]) {
                this.grants.set(name, Grant.of(name, settings[name], kind.val, allowLoopbackHttp));
            }
        }
        this.credentials = new Map(manifest.credentials.map(spec => [spec.name, spec]));
        this.secrets = options.credentials ?? {};
        const own = manifest.credentials.flatMap(({placement: {tag, val}}) => tag === "header" ? [val.name.toLowerCase()] : []);
        const claimed = manifest.headers.map(name => name.toLowerCase());
        this.headers = new Set([
            ...HEADERS,
            ...claimed.filter(name => !HOSTS_OWN.test(name.replaceAll("_", "-")) && !own.includes(name)),
        ]);
        this.readOnly = options.readOnly ?? false;
        this.requestMs = options.requestMs ?? 30_000;
        this.requests = options.requests ?? 100;
        this.requestBytes = options.requestBytes ?? 1 << 20;
        this.responseBytes = options.responseBytes ?? 8 << 20;
    }

    /** The way out for one operation. */
    operation(name) {
        return new Operation(this, this.readOnly || READING.has(name));
    }
}

class Operation {
    #egress;
    #readsOnly;
    #reach = [];
    /** Requests so far, refused ones included. */
    #asked = 0;

    constructor(egress, readsOnly) {
        this.#egress = egress;
        this.#readsOnly = readsOnly;
    }

    /** A connector can ask for less than was granted, and never for more. */
    narrowTo(prefixes) {
        const grants = [...this.#egress.grants.values()];
        this.#reach = prefixes.map(prefix => {
            const narrowed = grants.flatMap(grant => grant.narrowedTo(prefix) ?? []);
            if (!narrowed.length) {
                throw failed("refused-by-host", `The connector asks to reach ${prefix}, which was not granted.`);
            }
            return narrowed[0];
        });
    }

    /** Gives {ok: response} or {err: transport-failure}. Never throws. */
    async send(request, signal) {
        const refusal = this.#refusal(request);
        if (refusal) return refuse(...refusal);
        const headers = new Headers({"accept-encoding": "identity", "user-agent": "provisioning-node-host"});
        const url = new URL(request.url);
        const secrets = [];
        try {
            for (const {name, value} of request.headers) headers.append(name, value);
        } catch {
            return refuse("header", "A header's name or value holds what a header cannot hold.");
        }
        for (const name of request.credentials) {
            const refused = await this.#authorize(name, url, headers, secrets);
            if (refused) return refuse("credential", refused);
        }
        try {
            await sleep(request.delayMs, undefined, {signal});
        } catch {
            return refuse("budget", "The operation's time is over.");
        }
        return this.#exchange(request, url, headers, secrets, signal);
    }

    /** Why it may not be sent, if it may not. */
    #refusal({method, url, headers, body}) {
        const egress = this.#egress;
        this.#asked += 1;
        if (this.#asked > egress.requests) return ["budget", `An operation sends at most ${egress.requests} requests.`];
        if (this.#readsOnly && !READS.has(method)) {
            return ["method", `${method.toUpperCase()} writes, and only reading is granted here.`];
        }
        const outside = this.#reach.map(grant => grant.refusal(url));
        if (!outside.some(reason => reason === undefined)) {
            return outside[0] ?? ["origin", "The connector said that it reaches nothing."];
        }
        const unknown = headers.find(({name}) => !egress.headers.has(name.toLowerCase()));
        if (unknown) return ["header", `The header ${unknown.name} is the host's to set, or not in the manifest.`];
        if ((body?.length ?? 0) > egress.requestBytes) {
            return ["budget", `A body has more than ${egress.requestBytes} bytes.`];
        }
        return undefined;
    }

    /** Adds the credential; gives why not, if not. */
    async #authorize(name, url, headers, secrets) {
        const spec = this.#egress.credentials.get(name);
        const source = this.#egress.secrets[name];
        if (!spec || !source) return `There is no credential ${name}.`;
        const grant = this.#egress.grants.get(spec.baseUrl);
        if (!grant || grant.refusal(url.href)) {
            return `The credential ${name} belongs to the setting ${spec.baseUrl}, and not to this URL.`;
        }
        try {
            const secret = await source();
            const sent = place(spec.placement, secret, url, headers);
            // Both are looked for in the answer.
            secrets.push(secret, sent);
            return undefined;
        } catch {
            // Whatever went wrong may have the secret in its message.
            return `The credential ${name} cannot be had, or not be placed as the manifest says.`;
        }
    }

    async #exchange({method, body}, url, headers, secrets, ended) {
        const {requestMs, responseBytes} = this.#egress;
        const signal = AbortSignal.any([ended, AbortSignal.timeout(requestMs)]);
        try {
            const response = await fetch(url, {
                method: method.toUpperCase(), headers, body, signal, redirect: "manual",
            });
            const chunks = [];
            let length = 0;
            for await (const chunk of response.body ?? []) {
                length += chunk.length;
                if (length > responseBytes) return {err: {tag: "too-large", val: responseBytes}};
                chunks.push(chunk);
            }
            return answer(response, Buffer.concat(chunks), secrets);
        } catch (error) {
            const code = error.cause?.code ?? error.cause?.message ?? error.name;
            if (error instanceof TypeError && NOT_SENT.test(code)) {
                return {err: {tag: "not-sent", val: `The upstream could not be reached (${code}).`}};
            }
            return {err: {tag: "no-answer", val: `No whole answer came back (${code}).`}};
        }
    }
}

/** Puts a secret where the manifest says; gives the form in which it is sent. */
function place({tag, val}, secret, url, headers) {
    if (!secret) throw new Error("There is no secret.");
    const sent = tag === "basic" ? Buffer.from(secret).toString("base64") : secret;
    switch (tag) {
        case "bearer": headers.set("authorization", `Bearer ${sent}`); break;
        case "basic": headers.set("authorization", `Basic ${sent}`); break;
        case "header": headers.set(val.name, val.prefix + sent); break;
        case "query": url.searchParams.append(val, sent); break;
        default: throw new Error("This host does not place credentials in this way.");
    }
    return sent;
}

const refuse = (reason, message) => ({err: {tag: "refused", val: {reason, message}}});

/** The answer as the guest may see it. */
function answer(response, body, secrets) {
    const withheld = what => ({err: {tag: "withheld", val: `The answer is not handed over: it ${what}.`}});
    const encoding = response.headers.get("content-encoding");
    if (encoding !== null && encoding !== "identity") return withheld(`is encoded as ${encoding}`);
    const headers = [...response.headers]
        .filter(([name]) => !HIDDEN.test(name))
        .map(([name, value]) => ({name, value}));
    const echoed = secrets.some(secret => body.includes(secret) || headers.some(({value}) => value.includes(secret)));
    if (echoed) return withheld("holds the credential");
    return {
        ok: {
            status: response.status,
            headers,
            // Of its own memory, since a thread gets a copy of all of it.
            body: new Uint8Array(body),
            retryAfterMs: retryAfter(response.headers.get("retry-after")),
            earlierAttemptLost: false,
        },
    };
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfter(text) {
    if (text === null) return undefined;
    const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
    return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), 0xffff_ffff);
}
