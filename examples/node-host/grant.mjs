// What may be reached: origin and path, by whole segments, of a URL that the operator typed.
import {failed} from "./failure.mjs";

export class Grant {
    #setting;
    #origin;
    #segments;

    constructor(setting, origin, segments) {
        this.#setting = setting;
        this.#origin = origin;
        this.#segments = segments;
    }

    /** The grant that a setting's value is; `endings` are segments that people paste too many. */
    static of(setting, typed, endings, allowLoopbackHttp) {
        const wrong = what => {
            const message = `The setting ${setting} is wrong: ${what}.`;
            return failed("invalid-settings", message, [{name: setting, code: "invalid-url", message}]);
        };
        const url = URL.canParse(typed) ? new URL(typed) : undefined;
        if (!url || (url.href !== typed && url.href !== `${typed}/`)) throw wrong("it is no URL in its usual spelling");
        if (url.username || url.password || url.search || url.hash) {
            throw wrong("it holds more than a scheme, a host and a path");
        }
        const loopback = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
        if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback && allowLoopbackHttp)) {
            throw wrong("it is not https");
        }
        const found = segments(url.pathname);
        if (!found) throw wrong("its path can be read in two ways");
        if (found.length > 1 && endings.includes(found.at(-1))) found.pop();
        return new Grant(setting, url.origin, found);
    }

    /** Reason and message, where a request to this URL is not granted. */
    refusal(spelled) {
        const refuse = (reason, what) =>
            [reason, `A request to ${spelled.slice(0, 200)} was refused: it ${what}. The setting ${this.#setting} grants ${this}.`];
        const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
        if (!url || url.origin !== this.#origin) return refuse("origin", "leads elsewhere");
        // What the parser would repair, the upstream may read in another way.
        const usual = url.href === spelled || url.href === `${spelled}/`;
        if (spelled.length > 8192 || !usual || url.hash || url.username || url.password) {
            return refuse("path", "is not spelled in the usual way");
        }
        const asked = segments(url.pathname);
        if (!asked) return refuse("path", "can be read in two ways");
        if (!this.#segments.every((segment, index) => asked[index] === segment)) {
            return refuse("path", "lies outside it");
        }
        return undefined;
    }

    /** The part of it that lies below `prefix`; nothing if `prefix` lies outside. */
    narrowedTo(prefix) {
        if (this.refusal(prefix) || new URL(prefix).search) return undefined;
        return new Grant(this.#setting, this.#origin, segments(new URL(prefix).pathname));
    }

    toString() {
        return `${[this.#origin, ...this.#segments].join("/")} and what lies below`;
    }
}

/** The segments of a path, or nothing where two programs could read it in two ways. */
function segments(path) {
    const found = path.slice(1).split("/");
    if (found.at(-1) === "") found.pop();
    const plain = segment => {
        try {
            const decoded = decodeURIComponent(segment);
            return segment !== "" && !/^\.{0,2}$/.test(segment.split(";")[0])
                && !/[/\\\u0000-\u001f\u007f]/.test(decoded) && !/%2e/i.test(segment) && !/%25(2e|2f|5c)/i.test(segment);
        } catch {
            return false;
        }
    };
    return found.every(plain) ? found : undefined;
}
