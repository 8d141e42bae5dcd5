// What went wrong, as the contract says it.

/** `failure` is the contract's record, or one of the host's own in its form. */
export class ConnectorFailure extends Error {
    constructor(failure) {
        super(failure.message);
        this.name = "ConnectorFailure";
        this.failure = failure;
    }
}

/** A failure of the host's own: `connector-fault`, `deadline-exceeded`, or a kind of the contract's. */
export function failed(kind, message, problems = []) {
    return new ConnectorFailure({kind, message, problems, retry: {tag: "after-repair"}});
}
