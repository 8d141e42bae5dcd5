// Simulated tenants, and what else `harness` is asked for.
import {execFile, spawn} from "node:child_process";
import {once} from "node:events";
import {promisify} from "node:util";

export const TOKEN = "simulated-tenant-token";
/** A tenant ends by itself, should whoever started it be killed. */
const AT_MOST_SECONDS = "120";

/** Runs `action` with the URL of a tenant that was started so, and stops it. */
export async function tenant(harness, options, action) {
    const running = spawn("timeout", [AT_MOST_SECONDS, harness, "--json", "tenant", ...options], {
        stdio: ["ignore", "pipe", "ignore"],
    });
    try {
        let text = "";
        for await (const chunk of running.stdout) {
            text += chunk;
            if (text.trimEnd().endsWith("}")) break;
        }
        return await action(JSON.parse(text)["instance-url"]);
    } finally {
        running.kill();
        if (running.exitCode === null) await once(running, "exit");
    }
}

/** The JSON that a command of the program answers. */
export async function ask(harness, ...command) {
    const {stdout} = await promisify(execFile)(harness, ["--json", ...command]);
    return JSON.parse(stdout);
}

/** Runs a program; gives its exit code and what it said, whatever it ends in. */
export function run(program, parameters, env) {
    return new Promise(resolve => {
        execFile(program, parameters, {env: {...process.env, ...env}, timeout: 120_000}, (error, stdout, stderr) => {
            resolve({code: error?.code ?? 0, stdout, stderr});
        });
    });
}
