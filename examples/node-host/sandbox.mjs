// One call of a connector in a thread of its own, which is thrown away afterwards.
//
// The contract is synchronous and Node's network is not. So the guest's thread sleeps on a bell
// (`Atomics.wait`) while this one, which never sleeps, talks to the network and keeps the
// credentials. A guest that does not come back is ended with its thread.
import {MessageChannel, Worker} from "node:worker_threads";

import {ConnectorFailure, failed} from "./failure.mjs";

const GUEST = new URL("./guest.mjs", import.meta.url);
/** Log messages of one call; more are dropped. */
const LOG_MESSAGES = 1000;

/** Runs one call, and gives what it gives. Nothing can be sent before `reach` was told and found good. */
export async function runInSandbox({code, call, deadlineMs = 30_000, reach, send, log, learned}) {
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const {port1: answers, port2: theirs} = new MessageChannel();
    const worker = new Worker(GUEST, {
        workerData: {code, call, bell, answers: theirs},
        transferList: [theirs],
        // Nothing of this process: no variables, no options, no streams.
        env: {},
        argv: [],
        execArgv: [],
        stdin: false,
    });
    const ended = new AbortController();
    let deadline;
    try {
        return await new Promise((resolve, reject) => {
            deadline = setTimeout(() => {
                reject(failed("deadline-exceeded", `The operation took longer than ${deadlineMs} ms.`));
            }, deadlineMs);
            const answer = message => {
                answers.postMessage(message);
                Atomics.add(bell, 0, 1);
                Atomics.notify(bell, 0);
            };
            let reachable = false;
            let logged = 0;
            const handle = {
                reach(prefixes) {
                    reach(prefixes);
                    reachable = true;
                },
                async send(request) {
                    const refused = {reason: "other", message: "Nothing is sent outside an operation."};
                    if (!reachable) return answer({err: {tag: "refused", val: refused}});
                    answer(await send(request, ended.signal));
                },
                log([level, message, fields]) {
                    logged += 1;
                    if (logged > LOG_MESSAGES) return;
                    const clean = fields.slice(0, 16).map(({name, value}) => ({name: plain(name), value: plain(value)}));
                    log?.(level, plain(message), clean);
                },
                learned: note => learned?.(note),
                done: resolve,
                failed: failure => reject(new ConnectorFailure(failure)),
                fault: message => reject(failed("connector-fault", `The connector failed: ${message}`)),
            };
            worker.on("message", async ([what, value]) => {
                try {
                    await handle[what](value);
                } catch (error) {
                    reject(error);
                }
            });
            worker.on("error", error => reject(failed("connector-fault", `The connector failed: ${error.message}`)));
            worker.on("exit", () => reject(failed("connector-fault", "The connector's thread ended.")));
        });
    } finally {
        clearTimeout(deadline);
        ended.abort();
        answers.close();
        await worker.terminate();
    }
}

/** A text of the guest's without what a terminal would obey, and not without end. */
const plain = text => text.slice(0, 4096).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "\ufffd");
