// Counts checks, and adds a line to the report as the Rust checks do: name, version, passed, failed.
import {appendFileSync} from "node:fs";
import {isDeepStrictEqual} from "node:util";

export class Tally {
    #passed = 0;
    #failed = 0;

    /** Expects it to hold. */
    that(what, holds, seen) {
        if (holds) {
            this.#passed += 1;
        } else {
            this.#failed += 1;
            console.error(`FAILED: ${what}\n`, seen);
        }
    }

    /** Expects two to be the same. */
    same(what, seen, wanted) {
        this.that(what, isDeepStrictEqual(seen, wanted), {seen, wanted});
    }

    /** Expects what is thrown to be a failure of this kind. */
    async fails(what, kind, action) {
        try {
            this.that(what, false, await action());
        } catch (error) {
            this.same(what, error.failure?.kind ?? error, kind);
            return error.failure;
        }
        return undefined;
    }

    /** Writes the report, and sets how the program ends. */
    close(report, name, version) {
        console.log(`${name}: ${this.#passed} passed, ${this.#failed} failed`);
        appendFileSync(report, `${name}\t${version}\t${this.#passed}\t${this.#failed}\n`);
        process.exitCode = this.#passed > 0 && this.#failed === 0 ? 0 : 1;
    }
}
