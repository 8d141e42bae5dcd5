//! The contract's `http` and `log` on WASI 0.2: each request goes to `wasi:http/outgoing-handler`,
//! each log message to the error stream.
//!
//! What the operator grants comes from the environment, since a WASI host has no other place for
//! it ([`settings`]). So the credential is in this component: inside the sandbox, though in a
//! memory that the connector cannot read.

mod exchange;
mod grant;
mod settings;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package provisioning:wasi-adapter;
        world adapter {
            export provisioning:connector/http@0.1.0;
            export provisioning:connector/log@0.1.0;
        }
    ",
    world: "provisioning:wasi-adapter/adapter",
});

use exports::provisioning::connector::{http, log};

struct Adapter;

export!(Adapter);

impl http::Guest for Adapter {
    fn send(request: http::Request) -> Result<http::Response, http::TransportFailure> {
        let settings = settings::Settings::read();
        let refuse =
            |(reason, message)| http::TransportFailure::Refused(http::Refusal { reason, message });
        let target = grant::permit(&settings, &request).map_err(refuse)?;
        let credentials = settings.credentials(&request.credentials).map_err(refuse)?;
        exchange::exchange(&request, &target, &credentials)
    }
}

impl log::Guest for Adapter {
    fn emit(level: log::Level, message: String, fields: Vec<log::Field>) {
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warn => "warn",
            log::Level::Error => "error",
        };
        let mut line = format!("{level}: {message}");
        for field in fields {
            line.push_str(&format!(" {}={}", field.name, field.value));
        }
        let line: String = line
            .chars()
            .filter(|c| !c.is_control())
            .take(4096)
            .collect();
        let stream = wasip2::cli::stderr::get_stderr();
        // A host may drop a message; an error stream that is closed is such a case.
        for piece in format!("{line}\n").as_bytes().chunks(4096) {
            if stream.blocking_write_and_flush(piece).is_err() {
                return;
            }
        }
    }
}
