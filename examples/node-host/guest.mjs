// The guest's side of a sandbox: instantiates the connector in this thread, runs the one call that
// it was started for, and sleeps while the other side sends a request. It holds no credential, and
// knows of the network only what it is answered.
import {pathToFileURL} from "node:url";
import {parentPort, receiveMessageOnPort, workerData} from "node:worker_threads";

const {code, call, bell, answers} = workerData;
const tell = (what, value) => parentPort.postMessage([what, value]);

const http = {
    send(request) {
        const before = Atomics.load(bell, 0);
        tell("send", request);
        Atomics.wait(bell, 0, before);
        const {ok, err} = receiveMessageOnPort(answers).message;
        // jco takes what is thrown for the `err` of a result.
        if (err !== undefined) throw err;
        return ok;
    },
};
const log = {
    emit(level, message, fields) {
        tell("log", [level, message, fields]);
    },
};

try {
    const {instantiate} = await import(pathToFileURL(code.entry));
    const {accounts, manifest} = await instantiate(name => code.modules[name], {http, log});
    if (call.name === "describe") {
        tell("done", manifest.describe());
    } else {
        const connection = accounts.Connection.open(call.settings, call.learned);
        tell("reach", connection.reach());
        const result = connection[call.name](...call.parameters);
        tell("learned", connection.learned());
        tell("done", result);
    }
} catch (error) {
    // A failure of the contract's comes as the payload of an error; anything else is a trap.
    if (error?.payload?.kind !== undefined) tell("failed", error.payload);
    else tell("fault", String(error?.message ?? error));
}
